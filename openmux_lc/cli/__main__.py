"""Makes `python -m openmux_lc.cli` the same as `openmux`."""

from __future__ import annotations

from openmux_lc.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
