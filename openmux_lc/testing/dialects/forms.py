"""The forms of answers, with what is data about them: errors, nulls, and how words are put in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from types import MappingProxyType
from typing import Final

from openmux_lc.testing.behaviours import ErrorWords
from openmux_lc.testing.dialects.choices import Choices
from openmux_lc.testing.dialects.envelope import Envelope
from openmux_lc.testing.dialects.lines import Lines
from openmux_lc.testing.dialects.named import Named
from openmux_lc.testing.dialects.parts import Parts
from openmux_lc.testing.dialects.predictions import Predictions
from openmux_lc.testing.dialects.queue import Queue
from openmux_lc.testing.dialects.shape import JobShape, Shape, VectorShape
from openmux_lc.testing.dialects.tasks import Tasks
from openmux_lc.types.json import Json, JsonObject, as_object, as_text

__all__ = ["Form", "filled", "form_of", "known", "put_in"]

_JOBS: Final[Mapping[str, JobShape]] = MappingProxyType({"predictions": Predictions(), "queue": Queue()})
_VECTORS: Final[Mapping[str, VectorShape]] = MappingProxyType(
    {
        "choices": Choices(),
        "lines": Lines(),
        "parts": Parts(),
        "named": Named(),
        "envelope": Envelope(),
        "tasks": Tasks(),
    }
)
_SHAPES: Final[Mapping[str, Shape]] = MappingProxyType({**_VECTORS, **_JOBS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a dialect writes answers and errors.

    Args:
        shape: Writes the answers.
        vectors: The same, where vectors are made.
        job: The same, where answers are asked for again.
        error: Template of an error under a status of its own.
        error_in_200: Template of one under status 200.
        stream_error: Template of one in a stream.
        null: A body without an answer in it.
        gone: What is said of a job that was called off.
    """

    shape: Shape
    vectors: VectorShape | None = None
    job: JobShape | None = None
    error: Json
    error_in_200: Json
    stream_error: Json
    null: Json
    gone: Json = None


@cache
def known() -> JsonObject:
    """Return the data about all dialects."""
    text = files("openmux_lc.testing.dialects").joinpath("dialects.json").read_text("utf-8")
    return as_object(json.loads(text))


def form_of(name: str, error: Json = None) -> Form:
    """Return a form by its name.

    Args:
        name: One of the data file's.
        error: Another template of errors.
    """
    told = as_object(as_object(known()["forms"]).get(name))
    template = told["error"] if error is None else error
    in_200 = template if error is not None else told.get("error_in_200", template)
    return Form(
        shape=_SHAPES[name],
        vectors=_VECTORS.get(name),
        job=_JOBS.get(name),
        error=template,
        error_in_200=in_200,
        stream_error=told.get("stream_error", in_200) if error is None else error,
        null=told["null"],
        gone=told.get("gone"),
    )


def filled(template: Json, words: ErrorWords, status: int) -> Json:
    """Return an error's body.

    Args:
        template: The dialect's.
        words: What is said.
        status: The HTTP status that the body tells.
    """
    numbers, names = as_object(known()["numbers"]), as_object(known()["words"])
    code = words.code
    return put_in(
        template,
        {
            "message": words.message,
            "type": words.kind,
            "code": code,
            "status": status,
            "word": names.get(str(status), "UNKNOWN"),
            "number": numbers.get(as_text(code), status),
        },
    )


def put_in(template: Json, values: Mapping[str, Json]) -> Json:
    """Return `template` with each `$name` or `${name}` replaced; a field whose value is empty is left out."""
    if isinstance(template, str):
        name = template.removeprefix("$")
        if name != template and name in values:
            return values[name]
        return Template(template).safe_substitute(values) if "$" in template else template
    if isinstance(template, list):
        return [put_in(each, values) for each in template]
    if isinstance(template, dict):
        found = {name: put_in(value, values) for name, value in template.items()}
        return {name: value for name, value in found.items() if value != "" or template[name] == ""}
    return template
