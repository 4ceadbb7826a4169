"""What the tasks of Hugging Face's own inference say and hear, beside chat.

Pure. One reader for whole replies and for the events of a stream; vectors come in
several nestings, and those that are one per token are refused, never averaged:
how a model's tokens become one vector is not ours to guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from openmux_lc.providers.answer import bad_payload
from openmux_lc.providers.exchange import id_in_path
from openmux_lc.providers.message import finish_reason
from openmux_lc.providers.reading import Reading, read_openai
from openmux_lc.types.json import Json, JsonObject, as_count, as_list, as_object, as_text, dig
from openmux_lc.types.run import Request, Usage
from openmux_lc.types.wire import Call

__all__ = ["TEXT_TASKS", "last_text", "model_url", "read_task", "sampling", "sentence_rows"]

TEXT_TASKS: Final = ("text_generation", "summarization", "translation")
"""Tasks that answer in text: quirks of a row, and methods of the client."""

_TEXTS: Final = ("generated_text", "summary_text", "translation_text")
_NEW_TOKENS: Final = 256


def model_url(call: Call, pipeline: str = "") -> str:
    """Return the address of the call's model at the host's own inference.

    Raises:
        InvalidRequest: The id would lead to another door: the router's partners are billed.
    """
    root = call.provider.base_url.rstrip("/").removesuffix("/v1")
    path = f"/pipeline/{pipeline}" if pipeline else ""
    return f"{root}/hf-inference/models/{id_in_path(call, call.model)}{path}"


def last_text(request: Request) -> str:
    """Return the last message's text: what a task without a conversation works on."""
    return _text(request.messages[-1].get("content")) if request.messages else ""


def sampling(request: Request, quirks: frozenset[str]) -> Mapping[str, Json]:
    """Return the request's knobs under the names of the client's `text_generation`."""
    is_greedy = request.temperature == 0
    # Engines of this API refuse 0 and 1, and break off after 20 words unless told how many they may write.
    fields: tuple[tuple[str, str, Json], ...] = (
        ("max_new_tokens", "no_max_tokens", request.max_tokens or _NEW_TOKENS),
        ("do_sample", "no_temperature", False if is_greedy else None),
        ("temperature", "no_temperature", None if is_greedy else request.temperature),
        ("top_p", "no_top_p", request.top_p if request.top_p is not None and request.top_p < 1 else None),
        ("seed", "no_seed", request.seed),
        ("stop", "no_stop", list(request.stop) or None),
        ("frequency_penalty", "no_penalties", request.frequency_penalty),
    )
    return {name: value for name, quirk, value in fields if value is not None and quirk not in quirks}


def read_task(payload: JsonObject, event: str, prompt: str = "") -> Reading:
    """Return what a task's reply, or an event of its stream, says.

    Args:
        payload: The reply's only element, or the event.
        event: Unused by this API.
        prompt: Taken off the front of a text that begins with it: some engines repeat it.
    """
    if "choices" in payload:
        return read_openai(payload, event)  # some engines answer a task in the dialect of chat
    whole = next((payload[name] for name in _TEXTS if isinstance(payload.get(name), str | list)), None)
    if isinstance(whole, list):  # asked with messages, some engines give all of them back
        whole = as_text(dig(whole, -1, "content"))
    details = as_object(payload.get("details"))
    token = as_object(payload.get("token"))
    text = as_text(whole).removeprefix(prompt)
    if token:
        text = "" if token.get("special") is True else as_text(token.get("text"))
    finish = finish_reason(details.get("finish_reason")) or ("stop" if whole is not None else None)
    return Reading(
        text=text,
        finish=finish,
        usage=_usage(details),
        is_answer=whole is not None or bool(token),
        is_over=whole is not None,
    )


def sentence_rows(call: Call, rows: Sequence[Json]) -> list[Json]:
    """Return one array of numbers per text out of a reply that is a bare array.

    Raises:
        BadPayload: There is a vector per token.
    """
    if rows and not isinstance(rows[0], list):
        rows = [rows]
    found: list[Json] = []
    for row in rows:
        numbers = as_list(row)
        while len(numbers) == 1 and isinstance(numbers[0], list):
            numbers = numbers[0]
        if numbers and isinstance(numbers[0], list):
            raise bad_payload(call, "holds a vector per token; take a model made for sentences", 200)
        found.append(numbers)
    return found


def _usage(details: JsonObject) -> Usage | None:
    """Return the counts where both are told; half of them would pass for all."""
    sent, got = as_count(details.get("input_length")), as_count(details.get("generated_tokens"))
    if sent is None or got is None:
        return None
    return Usage(input_tokens=sent, output_tokens=got, total_tokens=sent + got)


def _text(content: Json) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    texts = (part if isinstance(part, str) else as_text(as_object(part).get("text")) for part in as_list(content))
    return "\n".join(texts)
