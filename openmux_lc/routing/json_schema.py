"""What is wrong with a JSON value under a schema: the part of JSON Schema that models are asked for.

Pure, and no library: types, `required`, `properties`, `additionalProperties`, `items`,
`enum`, `const`, `anyOf`, `oneOf`, `allOf`, `$ref` within the schema and the bounds of
numbers, strings and lists. What it does not know it lets pass: a good answer is never
thrown away. A problem names places by the schema's own words, never the answer's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Final

from openmux_lc.types.json import Json, JsonObject, as_float, as_list, as_object, as_text

__all__ = ["problem_of"]

_DEEPEST: Final = 64
_MOST_STEPS: Final = 100_000
"""Choices within choices multiply: what takes more checks than that is let pass."""

_TYPES: Final[Mapping[str, Callable[[Json], bool]]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
}


def problem_of(value: Json, schema: JsonObject) -> str:
    """Return what is wrong with `value` under `schema`, the empty string where nothing is."""
    return next(_problems(value, schema, _Place(schema)), "")


class _Place:
    """Where in the value a check stands, and the schema that its references are into."""

    __slots__ = ("depth", "path", "root", "steps")

    def __init__(self, root: JsonObject, path: str = "", depth: int = 0, *, steps: Iterator[int] | None = None) -> None:
        self.root, self.path, self.depth = root, path, depth
        self.steps = steps or count()

    def at(self, step: str = "") -> _Place:
        """Return the place one step further in."""
        return _Place(self.root, f"{self.path}{step}", self.depth + 1, steps=self.steps)

    def told(self, what: str) -> str:
        """Return the problem with where it is."""
        return f"{self.path.lstrip('.') or 'the value'} {what}"


def _problems(value: Json, schema: Json, place: _Place) -> Iterator[str]:
    if place.depth > _DEEPEST or next(place.steps) > _MOST_STEPS:
        return
    if schema is False:
        yield place.told("is not allowed")
    if not isinstance(schema, Mapping):
        return
    if isinstance(reference := schema.get("$ref"), str):
        yield from _problems(value, _resolved(place.root, reference), place.at())
    if value is None and schema.get("nullable") is True:
        return
    yield from _kind(value, schema, place)
    yield from _choices(value, schema, place)
    yield from _inner(value, schema, place)


def _inner(value: Json, schema: JsonObject, place: _Place) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _members(value, schema, place)
    elif isinstance(value, list | tuple):
        yield from _sized(len(value), schema, place, ("minItems", "maxItems", "items"))
        first = as_list(schema.get("prefixItems"))
        for number, entry in enumerate(value):
            rule = first[number] if number < len(first) else schema.get("items")
            yield from _problems(entry, rule, place.at(f"[{number}]"))
    elif isinstance(value, str):
        yield from _sized(len(value), schema, place, ("minLength", "maxLength", "characters"))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _bounded(value, schema, place)


def _kind(value: Json, schema: JsonObject, place: _Place) -> Iterator[str]:
    wanted = schema.get("type")
    names = [wanted] if isinstance(wanted, str) else [as_text(name) for name in as_list(wanted)]
    known = [name for name in names if name in _TYPES]
    if known and len(known) == len(names) and not any(_TYPES[name](value) for name in known):
        yield place.told(f"must be of type {' or '.join(known)}")
    allowed = schema.get("enum")
    if isinstance(allowed, list | tuple) and not any(_same(value, each) for each in allowed):
        yield place.told("must be one of the values that the schema lists")
    if "const" in schema and not _same(value, schema["const"]):
        yield place.told("must be the constant of the schema")


def _choices(value: Json, schema: JsonObject, place: _Place) -> Iterator[str]:
    for rule in as_list(schema.get("allOf")):
        yield from _problems(value, rule, place.at())
    for name in ("anyOf", "oneOf"):
        rules = as_list(schema.get(name))
        wrongs = [next(_problems(value, rule, place.at()), "") for rule in rules]
        if wrongs and all(wrongs):
            # Of several the deepest is the one that was meant.
            yield max(wrongs, key=len) if len(wrongs) < 4 else place.told("fits none of the schema's choices")


def _members(value: JsonObject, schema: JsonObject, place: _Place) -> Iterator[str]:
    rules = as_object(schema.get("properties"))
    for name in as_list(schema.get("required")):
        if isinstance(name, str) and name not in value:
            yield place.told(f"lacks {name!r}")
    for name, rule in rules.items():
        if name in value:
            yield from _problems(value[name], rule, place.at(f".{name}"))
    further = schema.get("additionalProperties")
    if further is None or further is True or schema.get("patternProperties"):
        return
    for name in value:
        if name not in rules:
            if further is False:
                yield place.told("has a property that the schema does not know")
            else:
                yield from _problems(value[name], further, place.at(".*"))


def _sized(size: int, schema: JsonObject, place: _Place, names: tuple[str, str, str]) -> Iterator[str]:
    least, most = as_float(schema.get(names[0])), as_float(schema.get(names[1]))
    if least is not None and size < least:
        yield place.told(f"must have at least {least:g} {names[2]}")
    if most is not None and size > most:
        yield place.told(f"must have at most {most:g} {names[2]}")


def _bounded(value: float, schema: JsonObject, place: _Place) -> Iterator[str]:
    bounds: tuple[tuple[str, str, Callable[[float], bool]], ...] = (
        ("minimum", "at least", lambda bound: value >= bound),
        ("maximum", "at most", lambda bound: value <= bound),
        ("exclusiveMinimum", "more than", lambda bound: value > bound),
        ("exclusiveMaximum", "less than", lambda bound: value < bound),
    )
    for name, words, holds in bounds:
        bound = as_float(schema.get(name))
        if bound is not None and not holds(bound):
            yield place.told(f"must be {words} {bound:g}")


def _same(one: Json, other: Json) -> bool:
    """Whether two values are one in JSON, where true is no number."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _resolved(root: JsonObject, reference: str) -> Json:
    """Return what a reference within the schema stands for; an unknown one forbids nothing."""
    if not reference.startswith("#"):
        return None
    here: Json = root
    for step in reference.removeprefix("#").split("/")[1:]:
        here = as_object(here).get(step.replace("~1", "/").replace("~0", "~"))
    return here
