"""A pool for tests: real settings in a real TOML file, upstreams on loopback, no local engines."""

from collections.abc import Mapping
from pathlib import Path

from openmux_lc.mux import Mux
from openmux_lc.settings import Settings
from openmux_lc.testing import FakeUpstream


def make_pool(
    folder: Path, upstreams: Mapping[str, FakeUpstream | str], *, state_url: str = "memory:", extra: str = ""
) -> Mux:
    """Return a pool of one model `m` per upstream, in that order of quality.

    Args:
        folder: Where the configuration is written.
        upstreams: By provider id; a text is taken as the base URL.
        state_url: The ledger's store.
        extra: Further TOML.
    """
    lines = ["schema = 1"]
    for number, name in enumerate(upstreams):
        quality = max(0.05, 0.95 - number * 0.1)
        lines += [
            "[[models]]",
            f'route = "{name}:m"',
            "free = true",
            "max_input_tokens = 100000",
            "tool_calling = true",
            "structured_output = true",
            f"quality = {quality}",
        ]
    for name, upstream in upstreams.items():
        base_url = upstream if isinstance(upstream, str) else upstream.base_url
        lines += [f"[providers.{name}]", f'base_url = "{base_url}"', "free = true"]
    config = folder / "openmux.toml"
    config.write_text("\n".join(lines) + "\n" + extra, encoding="utf-8")
    environ = {
        "OPENMUX_CONFIG": str(config),
        "OPENMUX_STATE_URL": state_url,
        "OPENMUX_PROVIDERS": ",".join(upstreams),
    }
    return Mux(Settings.load(environ=environ, cwd=folder))
