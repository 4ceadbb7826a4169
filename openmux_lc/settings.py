"""Settings, and where each of them came from.

Order: arguments, environment, the `.env` found upward, the TOML file. A file found
through the working directory is read but not trusted: it may choose models and
weights, not addresses of other people's keys, nor what is free (see `trust.py`).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from openmux_lc.errors import ConfigError

__all__ = ["Setting", "SettingSource", "Settings", "config_folder", "data_folder", "state_folder"]

SettingSource = Literal["argument", "environment", ".env", "config"]

_PROVIDER_ID: Final = re.compile(r"[a-z][a-z0-9_-]*\Z")
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off", ""})


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


@dataclass(frozen=True, slots=True)
class Setting:
    """A value with its origin; its repr never shows the value.

    Args:
        value: As text.
        source: The layer it came from.
        path: The file, where one is behind it.
        is_trusted: Whether the user vouches for that file.
    """

    value: str = field(repr=False)
    source: SettingSource
    path: Path | None = None
    is_trusted: bool = True

    @property
    def origin(self) -> str:
        """The source in words, for messages: `environment` or the file's path."""
        return str(self.path) if self.path else self.source


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the user wants, resolved once.

    Build it with `Settings.load()`; the bare constructor takes values as they are and
    reads nothing.

    Args:
        providers: Only these providers may be used; None means all.
        offline: Remote routes are forbidden.
        state_url: `memory:` or `sqlite:///path`; empty means the platform's folder.
        timeout_s: Deadline of a whole run, in seconds.
        routing_profile: Name of the weights.
        fallback: Routes that are tried after the chosen ones (S0-16).
        weights: The user's own routing profiles.
        document: The parsed TOML file, validated where it is used.
        document_origin: Where that file lies and whether it is trusted.
        environment: Every variable seen, with its origin; holds keys, so no repr.

    Example:
        >>> Settings(offline=True).offline
        True
    """

    providers: tuple[str, ...] | None = None
    offline: bool = False
    state_url: str = ""
    timeout_s: float = 120.0
    routing_profile: str = "balanced"
    fallback: tuple[str, ...] = ()
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    document: Mapping[str, object] = field(default_factory=dict, repr=False)
    document_origin: Setting | None = None
    dotenv_path: Path | None = None
    environment: Mapping[str, Setting] = field(default_factory=dict, repr=False)

    @classmethod
    def load(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        providers: tuple[str, ...] | None = None,
        offline: bool | None = None,
        state_url: str | None = None,
    ) -> Settings:
        """Return the settings that hold here and now.

        Args:
            environ: Stands in for the process environment.
            cwd: Where the search for `.env` begins; default the working directory.
            providers: Argument over `OPENMUX_PROVIDERS`.
            offline: Argument over `OPENMUX_OFFLINE`.
            state_url: Argument over `OPENMUX_STATE_URL`.

        Raises:
            ConfigError: A file or variable is malformed; names file, key and line.
        """
        from openmux_lc.trust import is_trusted  # reads a file; only here

        environ = os.environ if environ is None else environ
        dotenv_path = _find_upward(".env", cwd or Path.cwd())
        variables = _read_dotenv(dotenv_path, is_trusted) if dotenv_path else {}
        variables |= {name: Setting(value, "environment") for name, value in environ.items()}
        base = cls(environment=variables, dotenv_path=dotenv_path)
        base = base._with_document(is_trusted)._with_variables()  # noqa: SLF001 - its own class
        changes: dict[str, object] = {}
        if providers is not None:
            changes["providers"] = providers
        if offline is not None:
            changes["offline"] = offline
        if state_url is not None:
            changes["state_url"] = state_url
        return replace(base, **changes)  # type: ignore[arg-type]  # keys are field names just above

    def lookup(self, name: str) -> Setting | None:
        """Return the variable `name` unless it is unset or blank."""
        setting = self.environment.get(name)
        return setting if setting is not None and setting.value.strip() else None

    def base_url(self, provider: str) -> Setting | None:
        """Return the address that overrides a provider's own, if any."""
        return self.lookup(f"OPENMUX_{provider.upper().replace('-', '_')}_BASE_URL")

    @cached_property
    def resolved_state_url(self) -> str:
        """`state_url`, or SQLite in the platform's state folder."""
        return self.state_url or f"sqlite:///{state_folder() / 'state.db'}"

    def _with_document(self, is_trusted: object) -> Settings:
        named = self.lookup("OPENMUX_CONFIG")
        path = Path(named.value).expanduser() if named else config_folder() / "config.toml"
        if named is None and not path.is_file():
            return self
        # Only the environment and the platform's folder are the user's own word; a path that a `.env` names is not.
        trusted = named is None or named.is_trusted or bool(callable(is_trusted) and is_trusted(path))
        document = _read_toml(path)
        from openmux_lc.config_schema import check_document  # pydantic only when a file is there

        routing = check_document(document, path)
        return replace(
            self,
            document=document,
            document_origin=Setting("", "config", path, trusted),
            fallback=routing.fallback,
            weights=routing.weights,
            routing_profile=routing.profile or self.routing_profile,
            timeout_s=routing.timeout_s or self.timeout_s,
            providers=routing.providers,
            offline=routing.offline,
            state_url=routing.state_url,
        )

    def _with_variables(self) -> Settings:
        """Let the environment's and the `.env`'s variables override the file's."""
        changes: dict[str, object] = {}
        if listed := self.lookup("OPENMUX_PROVIDERS"):
            changes["providers"] = tuple(_provider_ids(listed.value))
        if switch := self.lookup("OPENMUX_OFFLINE") or self.lookup("ORCHESTRATOR_OFFLINE_MODE_ENABLED"):
            changes["offline"] = _to_bool("OPENMUX_OFFLINE", switch.value)
        if url := self.lookup("OPENMUX_STATE_URL"):
            changes["state_url"] = url.value
        if timeout := self.lookup("OPENMUX_TIMEOUT"):
            changes["timeout_s"] = _to_seconds("OPENMUX_TIMEOUT", timeout.value)
        if profile := self.lookup("OPENMUX_ROUTING_PROFILE"):
            changes["routing_profile"] = profile.value
        return replace(self, **changes)  # type: ignore[arg-type]  # keys are field names just above


def _find_upward(name: str, start: Path) -> Path | None:
    for folder in (start, *start.parents):
        if (folder / name).is_file():
            return folder / name
    return None


def _read_dotenv(path: Path, is_trusted: object) -> dict[str, Setting]:
    import dotenv  # only when a file is there

    trusted = bool(callable(is_trusted) and is_trusted(path))
    try:
        values = dotenv.dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}; save it as UTF-8 text or remove it") from error
    return {name: Setting(value, ".env", path, trusted) for name, value in values.items() if value is not None}


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path} (named by OPENMUX_CONFIG): {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def _provider_ids(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if not _PROVIDER_ID.match(name):
            raise ConfigError(f"OPENMUX_PROVIDERS: {name!r} is not a provider id; see `openmux providers`")
    return names


def _to_bool(name: str, text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ConfigError(f"{name}={text!r}: write 1 or 0")


def _to_seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 86_400:  # a day
        raise ConfigError(f"{name}={text!r}: write a number of seconds between 0 and 86400")
    return seconds
