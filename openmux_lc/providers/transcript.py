"""A conversation as one text, for models that complete a text and know no roles.

A single question stays as it is; more turns become lines that say who speaks, with
the model's turn left open at the end.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from openmux_lc.providers.body import answer_form
from openmux_lc.types.json import Json, as_list, as_object, as_text, dig
from openmux_lc.types.run import Request

__all__ = ["NEXT_TURN", "Transcript", "as_prompt", "as_transcript"]

NEXT_TURN: Final = "\nUser:"
"""Where a model that writes both sides of the talk begins to speak for the user."""

_FORMLESS: Final = frozenset({"no_response_format"})
_SPEAKERS: Final = {"user": "User", "assistant": "Assistant", "tool": "Tool"}


class Transcript(NamedTuple):
    """What was said: rules apart, the turns as one text, the last picture's address."""

    system: str
    turns: str
    image: str
    is_question: bool


def as_transcript(request: Request) -> Transcript:
    """Return the messages as text; `is_question` says that there is one turn only.

    The form that the answer is to have is told in words: there is no field for it.
    """
    systems, turns, image = [], [], ""
    for message in request.messages:
        role, content = as_text(message.get("role")), message.get("content")
        text = _text(content)
        image = _image(content) or image
        if role in {"system", "developer"}:
            systems.append(text)
        elif text:
            turns.append((_SPEAKERS.get(role, "User"), text))
    is_question = len(turns) == 1 and turns[0][0] == "User"
    lines = [f"{speaker}: {text}" for speaker, text in turns]
    told = turns[0][1] if is_question else "\n\n".join([*lines, "Assistant:"])
    _, form = answer_form(request, _FORMLESS, is_stream=False)
    return Transcript("\n\n".join(filter(None, [*systems, form])), told, image, is_question)


def as_prompt(request: Request) -> str:
    """Return the messages as the one text that a model without a chat template goes on with."""
    said = as_transcript(request)
    return "\n\n".join(filter(None, (said.system, said.turns)))


def _text(content: Json) -> str:
    if isinstance(content, str):
        return content
    parts = (part if isinstance(part, str) else as_text(as_object(part).get("text")) for part in as_list(content))
    return "\n".join(filter(None, parts))


def _image(content: Json) -> str:
    if isinstance(content, str):
        return ""
    found = (as_text(dig(part, "image_url", "url")) for part in as_list(content))
    return next(filter(None, found), "")
