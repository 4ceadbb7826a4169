"""The one JSON value in what a model wrote: fenced, behind prose, or with stray commas.

Pure. Nothing is guessed: where more than one value could be meant, none is taken.
"""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn, cast

from openmux_lc.types.json import Json

__all__ = ["Found", "only_json", "parsed"]

_MOST_CHARS: Final = 262_144
_MOST_STARTS: Final = 64
"""So many brackets are tried as the beginning of a value: text may be full of them."""

# Possessive, so that an unclosed string costs one look and not one for every character.
_STRAY_COMMA: Final = re.compile(r'"(?:\\.|[^"\\])*+"|,(?=\s*[}\]])', re.DOTALL)

Found = tuple[str, Json]
"""The text of a value, and the value."""


def only_json(text: str, *, is_object: bool = False) -> Found | None:
    """Return the only JSON value in `text`, None where there is none or more than one.

    Args:
        text: What a model wrote.
        is_object: Only objects count; a list in the prose around is then no rival.
    """
    whole = text.strip()
    for version in (whole, _without_stray_commas(whole)):
        try:
            return version, _load(version)
        except (ValueError, RecursionError):
            pass
    if len(whole) > _MOST_CHARS:
        return None
    for version in (whole, _without_stray_commas(whole)):
        values = _values(version, "{" if is_object else "{[")
        if values:
            return values[0] if len(values) == 1 else None
    return None


def parsed(text: str) -> Json:
    """Return what `text` is as JSON, stray commas forgiven.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        return _load(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:
        return _load(_without_stray_commas(text))


def _load(text: str) -> Json:
    return cast("Json", json.loads(text, parse_constant=_refuse))


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _without_stray_commas(text: str) -> str:
    return _STRAY_COMMA.sub(lambda found: "" if found[0] == "," else found[0], text)


def _values(text: str, openers: str) -> list[Found]:
    """Return the values that stand in `text` side by side, two at most."""
    decoder = json.JSONDecoder(parse_constant=_refuse)
    found: list[Found] = []
    place = 0
    for _ in range(_MOST_STARTS):
        starts = [at for opener in openers if (at := text.find(opener, place)) >= 0]
        if not starts or len(found) > 1:
            break
        start = min(starts)
        try:
            value, place = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            place = start + 1
        else:
            found.append((text[start:place], cast("Json", value)))
    return found
