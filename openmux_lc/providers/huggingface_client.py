"""Requests as `huggingface_hub`'s client writes them, without its sending any.

The client knows each task's body; our wire carries it. The seam is `_inner_post`, the
one method that every task of the client sends through, the same from 1.30 to 2.4. In
front of it stand public methods with documented parameters; the provider helpers
behind it change with every provider that is added. A canary test guards it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, cast

from huggingface_hub import InferenceClient

from openmux_lc.errors import ConfigError
from openmux_lc.types.json import Json, JsonObject, as_object

__all__ = ["RequestWriter"]

_SEAM = "_inner_post"


class RequestWriter:
    """Writes the JSON bodies of tasks; whatever it is given, nothing is sent.

    Every method takes the whole address: for a bare model id the client would first
    ask the hub about the model.

    Raises:
        ConfigError: The installed client does not send the way it used to.
    """

    def __init__(self) -> None:
        """Make sure that the client cannot send past us."""
        if not hasattr(InferenceClient, _SEAM):
            raise _unknown_client()

    def generation(self, url: str, prompt: str, knobs: Mapping[str, Json], *, is_stream: bool) -> JsonObject:
        """Return the body that asks for `prompt` to be continued."""
        known = cast("dict[str, Any]", dict(knobs))
        return _written(lambda client: client.text_generation(prompt, model=url, stream=is_stream, **known))

    def text_task(self, url: str, task: str, text: str) -> JsonObject:
        """Return the body that asks for what `task` makes of `text`."""
        return _written(lambda client: getattr(client, task)(text, model=url))

    def vectors(self, url: str, texts: Sequence[str], dimensions: int | None) -> JsonObject:
        """Return the body that asks for the vectors of `texts`."""
        known: dict[str, Any] = {} if dimensions is None else {"dimensions": dimensions}
        return _written(lambda client: client.feature_extraction(list(texts), model=url, **known))


class _Written(Exception):
    """Carries the body out of the client."""

    def __init__(self, body: JsonObject) -> None:
        super().__init__()
        self.body = body


class _Silent(InferenceClient):
    """A client that gives its request away where it would send it."""

    def __init__(self) -> None:
        # Without a token the client would read the user's own from a file.
        super().__init__(token="unused")  # noqa: S106 - no key, and never sent

    def _inner_post(self, request_parameters: object, *, stream: bool = False) -> NoReturn:  # noqa: ARG002
        raise _Written(as_object(getattr(request_parameters, "json", None)))


def _written(task: Callable[[InferenceClient], object]) -> JsonObject:
    try:
        task(_Silent())
    except _Written as written:
        return written.body
    except (AttributeError, TypeError, ValueError) as error:
        raise _unknown_client() from error
    raise _unknown_client()


def _unknown_client() -> ConfigError:
    return ConfigError(
        "openmux-lc does not know the installed huggingface-hub: pip install --upgrade 'openmux-lc[huggingface]'"
    )
