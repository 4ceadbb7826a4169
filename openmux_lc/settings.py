"""Settings, and where each of them came from.

Order: arguments, environment, the `.env` found upward, the TOML file. A file found
through the working directory is read but not trusted: it may choose models and
weights and forbid more, not allow more, write elsewhere, send somebody else's key
away or say what is free (see `trust.py`).
"""

from __future__ import annotations

import io
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeVar

from openmux_lc.errors import ConfigError
from openmux_lc.folders import config_folder, state_folder
from openmux_lc.types.breaks import OnBreak, to_on_break

if TYPE_CHECKING:
    from openmux_lc.config_schema import RoutingEntry
    from openmux_lc.trust import Word
    from openmux_lc.types.run import Options

__all__ = ["Setting", "SettingSource", "Settings"]

SettingSource = Literal["argument", "environment", ".env", "config"]

_PROVIDER_ID: Final = re.compile(r"[a-z][a-z0-9_-]*\Z")
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off", ""})
_OFFLINE: Final = ("OPENMUX_OFFLINE", "ORCHESTRATOR_OFFLINE_MODE_ENABLED")
_RUN_KEYS: Final = (
    "timeout_s",
    "first_byte_timeout_s",
    "stall_timeout_s",
    "max_wait_s",
    "max_retries",
    "retry_budget_s",
    "on_break",
    "backoff_s",
    "hedge",
)
"""Keys of a file's `[routing]` that are settings of the same name."""

_SECONDS: Final = {
    "OPENMUX_TIMEOUT": "timeout_s",
    "OPENMUX_FIRST_BYTE_TIMEOUT": "first_byte_timeout_s",
    "OPENMUX_STALL_TIMEOUT": "stall_timeout_s",
}
_NUMBERS: Final = {
    "OPENMUX_MAX_WAIT": ("max_wait_s", 86_400),
    "OPENMUX_RETRY_BUDGET": ("retry_budget_s", 86_400),
    "OPENMUX_BACKOFF": ("backoff_s", 60),
}
"""Variables with the setting that each stands for, and the largest it may be."""

_T = TypeVar("_T")


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
        first_byte_timeout_s: Longest wait for a host's first byte; None means as is usual.
        stall_timeout_s: Longest silence inside an answer.
        max_wait_s: Longest wait for a much better route, or the only one, to become free.
        max_retries: Repeats of one route where repeating can help (S2-12).
        retry_budget_s: A route that has cost so much of a run is not repeated.
        backoff_s: Seconds before the first repeat; they double with each.
        on_break: Whether another route goes on with a stream that breaks (`continue`) or the reader is told (`raise`).
        hedge: A late call is asked of a second provider as well.
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
    first_byte_timeout_s: float | None = None
    stall_timeout_s: float = 60.0
    max_wait_s: float = 0.0
    max_retries: int = 1
    retry_budget_s: float = 30.0
    backoff_s: float = 0.05
    on_break: OnBreak = "continue"
    hedge: bool = False
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
            UntrustedConfigError: A file found through the working directory would widen
                what the user allows.
        """
        environ = os.environ if environ is None else environ
        dotenv_path = _find_upward(".env", cwd or Path.cwd())
        variables = _read_dotenv(dotenv_path) if dotenv_path else {}
        variables |= {name: Setting(value, "environment") for name, value in environ.items()}
        base = cls(environment=variables, dotenv_path=dotenv_path)
        files = base._files()
        if files:
            base = base._with_document(files[0])
        base = base._with_variables()._with_restraints(files)  # noqa: SLF001 - its own class
        changes: dict[str, object] = {}
        if providers is not None:
            changes["providers"] = providers
        if offline is not None:
            changes["offline"] = offline
        if state_url is not None:
            changes["state_url"] = state_url
        return replace(base, **changes)  # type: ignore[arg-type]  # keys are field names just above

    def to_options(self) -> Options:
        """Return the options of a run for which the caller says nothing."""
        from openmux_lc.types.run import Options  # most commands run nothing

        return Options(
            timeout_s=self.timeout_s,
            first_byte_s=self.first_byte_timeout_s,
            stall_s=self.stall_timeout_s,
            max_wait_s=self.max_wait_s,
            routing_profile=self.routing_profile,
            max_retries=self.max_retries,
            retry_budget_s=self.retry_budget_s,
            backoff_s=self.backoff_s,
            on_break=self.on_break,
            hedge=self.hedge,
        )

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

    def _files(self) -> tuple[_File, ...]:
        """Return the TOML file, and behind one that is not trusted the user's own."""
        from openmux_lc.trust import is_trusted  # reads a file

        own = config_folder() / "config.toml"
        named = self.lookup("OPENMUX_CONFIG")
        if named is None:
            return (_read_file(own, is_trusted=True),) if own.is_file() else ()
        path = Path(named.value).expanduser()
        # Only the environment and the platform's folder are the user's own word; a path that a `.env` names is not.
        if named.is_trusted or path.resolve() == own.resolve() or is_trusted(path):
            return (_read_file(path, is_trusted=True),)
        found = _read_file(path, is_trusted=False)
        return (found, _read_file(own, is_trusted=True)) if own.is_file() else (found,)

    def _with_document(self, file: _File) -> Settings:
        """Take from the file what models and weights to use, which any file may say."""
        routing = file.routing
        said = {name: value for name in _RUN_KEYS if (value := getattr(routing, name)) is not None}
        return replace(
            self,
            document=file.document,
            document_origin=Setting("", "config", file.path, file.is_trusted),
            fallback=routing.fallback,
            weights=routing.weights,
            routing_profile=routing.profile or self.routing_profile,
            **said,
        )

    def _with_variables(self) -> Settings:
        """Let the environment's and the `.env`'s variables override the file's."""
        changes: dict[str, object] = {}
        for name, key in _SECONDS.items():
            if seconds := self.lookup(name):
                changes[key] = _to_seconds(name, seconds.value)
        for name, (key, largest) in _NUMBERS.items():
            if number := self.lookup(name):
                changes[key] = _to_number(name, number.value, largest)
        if hedge := self.lookup("OPENMUX_HEDGE"):
            changes["hedge"] = _to_bool("OPENMUX_HEDGE", hedge.value)
        if profile := self.lookup("OPENMUX_ROUTING_PROFILE"):
            changes["routing_profile"] = profile.value
        if retries := self.lookup("OPENMUX_MAX_RETRIES"):
            changes["max_retries"] = int(_to_number("OPENMUX_MAX_RETRIES", retries.value, 20))
        if on_break := self.lookup("OPENMUX_ON_BREAK"):
            changes["on_break"] = to_on_break("OPENMUX_ON_BREAK", on_break.value)
        return replace(self, **changes)  # type: ignore[arg-type]  # keys are field names just above

    def _with_restraints(self, files: Sequence[_File]) -> Settings:
        """Take what an untrusted file may only tighten from all who speak of it."""
        from openmux_lc.trust import choose_offline, choose_providers, choose_state_url

        return replace(
            self,
            providers=choose_providers(
                self._words(files, "providers", ("OPENMUX_PROVIDERS",), lambda _, text: tuple(_provider_ids(text)))
            ),
            offline=choose_offline(self._words(files, "offline", _OFFLINE, _to_bool)),
            state_url=choose_state_url(
                self._words(files, "state_url", ("OPENMUX_STATE_URL",), lambda _, text: text.strip())
            ),
        )

    def _words(
        self, files: Sequence[_File], key: str, names: Sequence[str], read: Callable[[str, str], _T]
    ) -> list[Word[_T]]:
        """Return what is said of one setting: environment, `.env`, then the files."""
        from openmux_lc.trust import Word

        said = [(name, setting) for name in names if (setting := self.lookup(name))]
        said.sort(key=lambda pair: pair[1].source != "environment")
        words = [
            Word(value=read(name, it.value), place=f"{it.origin}: {name}", path=it.path, is_trusted=it.is_trusted)
            for name, it in said
        ]
        for file in files:
            if key in file.routing.model_fields_set:
                from openmux_lc.config_schema import place_of  # pydantic only when a file is there

                words.append(
                    Word(
                        value=getattr(file.routing, key),
                        place=place_of(file.path, ("routing", key)),
                        path=file.path,
                        is_trusted=file.is_trusted,
                    )
                )
        return words


class _File(NamedTuple):
    """A TOML file that was read and checked."""

    path: Path
    is_trusted: bool
    document: Mapping[str, object]
    routing: RoutingEntry


def _find_upward(name: str, start: Path) -> Path | None:
    for folder in (start, *start.parents):
        if (folder / name).is_file():
            return folder / name
    return None


def _read_dotenv(path: Path) -> dict[str, Setting]:
    from dotenv.parser import parse_stream  # only when a file is there

    from openmux_lc.trust import is_trusted

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}; save it as UTF-8 text or remove it") from error
    trusted = is_trusted(path)
    variables: dict[str, Setting] = {}
    for binding in parse_stream(io.StringIO(text, newline="")):
        if binding.error:
            # The line itself is not told: it may hold a key.
            blank = binding.original.string.removesuffix(binding.original.string.lstrip())
            number = binding.original.line + len(_LINE_END.findall(blank))
            raise ConfigError(f"{path}:{number}: not NAME=value, or a quote is not closed; mend or remove the line")
        if binding.key is not None and binding.value is not None:
            variables[binding.key] = Setting(binding.value, ".env", path, trusted)
    return variables


def _read_file(path: Path, *, is_trusted: bool) -> _File:
    document = _read_toml(path)
    from openmux_lc.config_schema import check_document  # pydantic only when a file is there

    return _File(path, is_trusted, document, check_document(document, path))


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


def _to_number(name: str, text: str, largest: int) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= largest:
        raise ConfigError(f"{name}={text!r}: write a number between 0 and {largest}")
    return number


def _to_seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 86_400:  # a day
        raise ConfigError(f"{name}={text!r}: write a number of seconds between 0 and 86400")
    return seconds
