"""A streamed answer, decoded chunk by chunk.

The chunks, put together, are the answer that the same text unstreamed would give:
one finish reason, one usage, on the last chunk.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from openmux_lc.errors import ConnectionFailed, ProviderError
from openmux_lc.providers.answer import (
    bad_payload,
    decode_answer,
    ignored_tool,
    must_call,
    no_content,
)
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.fault import has_error, to_fault
from openmux_lc.providers.message import arguments_of, call_id_of, estimated_usage, new_call_id
from openmux_lc.providers.reading import Echo, Reader, Reading, read_openai
from openmux_lc.providers.sse import SseDecoder, SseEvent, SseOverflow
from openmux_lc.providers.thinking import ThoughtSplitter
from openmux_lc.types.json import Json, JsonObject, as_int, as_object, as_text, writable
from openmux_lc.types.run import Answer, Chunk, ToolCallDelta, Usage
from openmux_lc.types.wire import Call

__all__ = ["StreamDecoder", "as_chunks"]

_MOST_LOOKED_AT: Final = 65_536
_BOM: Final = b"\xef\xbb\xbf"
_OK: Final = Reply(status=200, headers={})


@dataclass(slots=True)
class _Tools:
    """Which tool calls of a stream were seen, and under which index they go on."""

    ids: list[str] = field(default_factory=list)
    host_ids: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    """Every id of ours and of the host's: a stream may hold very many."""
    said: list[list[str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    has_name: list[bool] = field(default_factory=list)
    by_host_index: dict[int, int] = field(default_factory=dict)
    early_ids: dict[int | None, str] = field(default_factory=dict)
    echo: Echo = field(default_factory=Echo)

    def delta(self, call: JsonObject) -> ToolCallDelta | None:
        """Return the piece under an index of ours, None where it says nothing."""
        function = as_object(call.get("function")) or call
        name, call_id = writable(as_text(function.get("name"))), writable(call_id_of(call))
        arguments = writable(arguments_of(function))
        place = as_int(call.get("index"))
        index = self._index(place, call_id, name, arguments)
        is_new = index == len(self.ids)
        if is_new and not name and not arguments:
            if call_id:
                self.early_ids[place] = call_id
            return None
        if is_new:
            self._begin(place, call_id)
        self.echo.sign(self.ids[index], call)
        is_named, self.has_name[index] = self.has_name[index], self.has_name[index] or bool(name)
        arguments = "" if self._is_again(index, arguments) else arguments
        if arguments:
            self.said[index].append(arguments)
            self.sizes[index] += len(arguments)
        if is_new:
            return ToolCallDelta(index=index, id=self.ids[index], name=name or None, arguments=arguments)
        if name and not is_named:
            return ToolCallDelta(index=index, name=name, arguments=arguments)
        return ToolCallDelta(index=index, arguments=arguments) if arguments else None

    def without_arguments(self) -> tuple[ToolCallDelta, ...]:
        """Return the `{}` that calls without arguments still lack."""
        return tuple(
            ToolCallDelta(index=index, arguments="{}")
            for index, pieces in enumerate(self.said)
            if not any(map(str.strip, pieces))
        )

    def _is_again(self, index: int, arguments: str) -> bool:
        """Whether a host says whole arguments once more at the end."""
        if not arguments or len(arguments) != self.sizes[index]:
            return False
        return arguments == "".join(self.said[index]) and isinstance(_parsed(arguments), dict)

    def _is_whole(self, index: int) -> bool:
        """Whether nothing more can belong to a call's arguments."""
        pieces = self.said[index]
        if not pieces or not pieces[-1].endswith("}") or self.sizes[index] > _MOST_LOOKED_AT:
            return False
        return isinstance(_parsed("".join(pieces)), dict)

    def _index(self, host_index: int | None, call_id: str, name: str, arguments: str) -> int:
        """Return our index; hosts leave theirs out, or repeat 0 for every call."""
        fresh = len(self.ids)
        if host_index is None:
            is_other = bool(name and call_id != self.host_ids[-1]) if fresh else True
            # One host gives later pieces an id of their own; a call begins with its name, or with its id alone.
            is_next = is_other or bool(call_id and not arguments and call_id not in self.taken)
            return fresh if is_next or None in self.early_ids else fresh - 1
        known = self.by_host_index.get(host_index)
        if known is None or (call_id and name and call_id != self.host_ids[known]):
            return fresh
        is_other = bool(name) and not call_id and arguments.startswith("{") and self._is_whole(known)
        return fresh if is_other and not self._is_again(known, arguments) else known

    def _begin(self, host_index: int | None, call_id: str) -> None:
        """Register the next call; only now, for a piece that says nothing begins none."""
        if host_index is not None:
            self.by_host_index[host_index] = len(self.ids)
        told = call_id or self.early_ids.pop(host_index, "")
        # Some hosts give two calls one id; their results could not be told apart.
        self.ids.append(told if told and told not in self.taken else new_call_id())
        self.host_ids.append(told or self.ids[-1])
        self.taken |= {self.ids[-1], self.host_ids[-1]}
        self.said.append([])
        self.sizes.append(0)
        self.has_name.append(False)


class StreamDecoder:
    """Turns bytes of server-sent events into chunks; a host may also send plain JSON.

    Args:
        call: The call the stream answers.
        read: The dialect's reader of one event.
    """

    def __init__(self, call: Call, read: Reader = read_openai) -> None:
        """Wait for the first byte."""
        self._call = call
        self._read_event = read
        self._sse = SseDecoder()
        self._plain: bytearray | None = None
        self._head: bytes | None = b""
        self._place = 0
        self._is_over = False
        self._reason: str | None = None
        self._goes_on = False
        self._usage: Usage | None = None
        self._model = ""
        self._id = ""
        self._splitter = ThoughtSplitter(goes_on=call.request.goes_on)
        self._tools = _Tools()
        self._chars = 0
        self._has_text = False
        self._has_thoughts = False
        self._has_choice = False
        self._has_content = False

    @property
    def has_content(self) -> bool:
        """Whether a chunk was given out of which a reader sees something."""
        return self._has_content

    @property
    def is_over(self) -> bool:
        """Whether the protocol's end mark was read."""
        return self._is_over

    @property
    def is_complete(self) -> bool:
        """Whether a finish reason was read, and no word after it."""
        return self._reason is not None and not self._goes_on

    def feed(self, piece: bytes) -> Sequence[Chunk]:
        """Return the chunks that `piece` completes."""
        if self._head is not None:
            piece = (self._head + piece).lstrip().removeprefix(_BOM)
            if _BOM.startswith(piece):
                self._head = piece
                return ()
            self._head = None
            self._plain = bytearray() if piece[:1] in b"{[<" else None
        if self._plain is not None:
            self._plain += piece
            return ()
        try:
            chunks = self._read(self._sse.feed(piece))
        except SseOverflow:
            raise bad_payload(self._call, "holds an event larger than 1 MiB, so it was not read on") from None
        self._has_content = self._has_content or any(chunk.has_content for chunk in chunks)
        return chunks

    def finish(self) -> Sequence[Chunk]:
        """Return the last chunks.

        Raises:
            ConnectionFailed: The stream ended without saying that it is whole.
            EmptyAnswer: It held neither text nor a tool call.
            BadPayload: It lacks a required tool call, and no word was given out yet.
        """
        if self._plain is not None:
            reply = Reply(status=200, headers={}, body=bytes(self._plain))
            return as_chunks(decode_answer(self._call, reply, self._read_event))
        chunks = [] if self._is_over else list(self._read_end())
        if not self._is_over and self._reason is None:
            raise self._cut()
        text, thoughts = self._splitter.finish()
        self._note(text, thoughts)
        if not self._has_text and not self._tools.ids:
            if not self._has_choice:
                raise bad_payload(self._call, "holds no choices", 200)
            raise no_content(self._call, self._reason or "stop", has_thoughts=self._has_thoughts, status=200)
        if not self._tools.ids and not self._has_content and must_call(self._call):
            raise ignored_tool(self._call, 200)
        if not all(self._tools.has_name):
            raise bad_payload(self._call, "holds a tool call without a name", 200)
        return [*chunks, self._last(text, thoughts)]

    def _last(self, text: str, thoughts: str) -> Chunk:
        reason = self._reason or "stop"
        return Chunk(
            text=text,
            reasoning=thoughts,
            tool_calls=self._tools.without_arguments(),
            finish_reason="tool_calls" if self._tools.ids and reason == "stop" else reason,
            usage=self._usage or estimated_usage(self._call.request, ("x" * self._chars,)),
            model=self._model or self._call.model,
            id=self._id,
            echo=self._tools.echo.value,
        )

    def _read_end(self) -> Sequence[Chunk]:
        """Return what the last, unterminated event holds; half of one is a cut."""
        events = _apart(self._sse.finish())
        if events and events[-1].text != "[DONE]" and _parsed(events[-1].text) is None:
            raise self._cut()
        return self._read(events)

    def _read(self, events: Sequence[SseEvent]) -> list[Chunk]:
        chunks = []
        for event in _apart(events):
            if self._is_over:
                break
            if event.text.strip() == "[DONE]":
                self._is_over = True
                break
            chunk = self._chunk(event)
            if chunk is not None:
                chunks.append(chunk)
        return chunks

    def _chunk(self, event: SseEvent) -> Chunk | None:
        payload = _parsed(event.text)
        if payload is None and event.name != "error":
            if not event.text.strip():
                return None
            raise bad_payload(self._call, "holds an event that is not JSON", 200)
        if event.name == "error" or has_error(payload):
            reply = Reply(status=200, headers={}, body=event.text.encode("utf-8", "replace"))
            raise to_fault(self._call, reply, now=time.time(), payload=payload)
        said = self._read_event(as_object(payload), event.name)
        if said.fault is not None:
            raise to_fault(self._call, _OK, now=time.time(), payload=said.fault)
        self._usage = said.usage or self._usage
        self._model = self._model or said.model
        self._id = self._id or said.id
        if said.is_answer and said.place != self._place:
            if self._has_choice and self._id:
                return None  # of a second answer, which nobody asked for
            self._place = said.place  # a host may count from one, or count its chunks, which then have no id
        self._reason = said.finish or self._reason
        self._has_choice = self._has_choice or said.is_answer
        self._is_over = said.is_over
        chunk = self._content(said)
        if self._reason is not None and (chunk is not None or said.finish is not None):
            self._goes_on = said.finish is None  # some hosts tell the reason first
        return chunk

    def _content(self, said: Reading) -> Chunk | None:
        words = writable(said.text or said.refusal)
        text, thoughts = self._splitter.feed(words) if words else ("", "")
        calls = tuple(call for call in map(self._tools.delta, said.tool_calls) if call is not None)
        if said.signature or said.details:
            self._tools.echo.take(said)
        thoughts = writable(said.reasoning) + thoughts
        self._note(text, thoughts)
        if not text and not thoughts and not calls:
            return None
        return Chunk(text=text, reasoning=thoughts, tool_calls=calls, model=self._model, id=self._id)

    def _note(self, text: str, thoughts: str) -> None:
        self._chars += len(text) + len(thoughts)
        self._has_text = self._has_text or bool(text.strip())
        self._has_thoughts = self._has_thoughts or bool(thoughts)

    def _cut(self) -> ProviderError:
        message = f"{self._call.route}: the stream ended before the answer was whole"
        return ConnectionFailed(
            message, provider=self._call.provider.id, model=self._call.model, scope="model", advice="next_route"
        )


def _apart(events: Sequence[SseEvent]) -> list[SseEvent]:
    """Return the events, those that a host forgot to part by a blank line one by one."""
    found: list[SseEvent] = []
    for event in events:
        if "\n" in event.text and event.name != "error" and _parsed(event.text) is None:
            found += [SseEvent(event.name, line) for line in event.text.split("\n")]
        else:
            found.append(event)
    return found


def _parsed(text: str) -> Json:
    try:
        return cast("Json", json.loads(text))
    except (ValueError, RecursionError):
        return None


def as_chunks(answer: Answer) -> tuple[Chunk, ...]:
    """Return a whole answer as the two chunks of a stream."""
    calls = tuple(
        ToolCallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments)
        for index, call in enumerate(answer.tool_calls)
    )
    return (
        Chunk(text=answer.text, reasoning=answer.reasoning, tool_calls=calls, model=answer.model, id=answer.id),
        Chunk(
            finish_reason=answer.finish_reason,
            usage=answer.usage,
            model=answer.model,
            id=answer.id,
            echo=answer.echo,
        ),
    )
