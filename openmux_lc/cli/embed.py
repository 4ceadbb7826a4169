"""`openmux embed`: texts as vectors."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

import typer

from openmux_lc.cli.options import ModelOption, TimeoutOption, read_text, to_options
from openmux_lc.cli.output import tell_json
from openmux_lc.cli.pool import open_pool
from openmux_lc.errors import ConfigError
from openmux_lc.types.json import Json
from openmux_lc.types.run import EmbeddingRequest, Vectors

__all__ = ["embed"]

_Purpose = Literal["query", "document"]
_PURPOSES: Final[tuple[_Purpose, ...]] = get_args(_Purpose)


def embed(  # noqa: PLR0913, PLR0917 - one parameter for each option
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="One vector for each; `-` is standard input.")],
    model: ModelOption = None,
    purpose: Annotated[
        str | None, typer.Option("--purpose", metavar="query|document", help="What they are for, where it matters.")
    ] = None,
    dimensions: Annotated[
        int | None, typer.Option("--dimensions", min=1, help="Length, where it can be chosen.")
    ] = None,
    timeout: TimeoutOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print route and usage beside the vectors.")] = False,
) -> None:
    """Print a vector for each text, as JSON."""
    texts = tuple(read_text([each]) for each in text)
    request = EmbeddingRequest(texts=texts, purpose=_to_purpose(purpose), dimensions=dimensions)
    with open_pool() as mux:
        from openmux_lc.engine.embed import embed as embed_texts  # `--help` does without

        found = embed_texts(mux, request, to_options(mux, models=model, task=None, profile=None, timeout_s=timeout))
    vectors = [list(vector) for vector in found.vectors]
    tell_json(_beside(found, vectors) if as_json else vectors[0] if len(vectors) == 1 else vectors, is_compact=True)


def _to_purpose(text: str | None) -> _Purpose | None:
    if text is None:
        return None
    for purpose in _PURPOSES:
        if purpose == text:
            return purpose
    raise ConfigError(f"--purpose: {text!r}; write query or document")


def _beside(found: Vectors, vectors: list[list[float]]) -> Json:
    return {
        "route": str(found.route),
        "model": found.model,
        "dimensions": len(vectors[0]) if vectors else 0,
        "input_tokens": found.usage.input_tokens,
        "vectors": vectors,
    }
