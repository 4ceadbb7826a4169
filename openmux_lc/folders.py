"""The platform's folders for this user: configuration, edited data, learned state."""

from __future__ import annotations

from pathlib import Path

__all__ = ["config_folder", "data_folder", "state_folder"]


def config_folder() -> Path:
    """Return the platform's folder for this user's configuration."""
    import platformdirs  # spares `import openmux_lc.settings` its cost

    return Path(platformdirs.user_config_dir("openmux", appauthor=False))


def data_folder() -> Path:
    """Return the platform's folder for user-edited copies of shipped data."""
    import platformdirs

    return Path(platformdirs.user_data_dir("openmux", appauthor=False))


def state_folder() -> Path:
    """Return the platform's folder for what is learned while running."""
    import platformdirs

    return Path(platformdirs.user_state_dir("openmux", appauthor=False))
