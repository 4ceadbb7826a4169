"""A call in LangChain's terms, and a LangChain model's messages in ours. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast, get_type_hints

from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_messages
from langchain_core.runnables import Runnable

from openmux_lc.errors import InvalidRequest
from openmux_lc.providers.answer import ignored_tool, must_call, no_content
from openmux_lc.providers.message import arguments_text, estimated_usage, finish_reason, new_call_id
from openmux_lc.types.catalog import Profile
from openmux_lc.types.json import JsonObject, as_int, as_list, as_object, as_text
from openmux_lc.types.run import Answer, Chunk, Request, ToolCall, ToolCallDelta, Usage
from openmux_lc.types.wire import Call

__all__ = ["Parts", "prepared", "profile_of", "to_answer", "to_messages"]

_FIELDS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("temperature", ("temperature",)),
    ("top_p", ("top_p",)),
    ("seed", ("seed",)),
    ("max_tokens", ("max_tokens", "num_predict", "max_output_tokens", "max_new_tokens")),
    ("frequency_penalty", ("frequency_penalty",)),
    ("presence_penalty", ("presence_penalty",)),
    ("reasoning_effort", ("reasoning_effort",)),
)
"""A request's field, and what model classes call it."""


def prepared(call: Call, model: BaseChatModel) -> Runnable[list[BaseMessage], AIMessage]:
    """Return the model with the call's options bound.

    Raises:
        InvalidRequest: It takes no tools.
    """
    request = call.request
    changes = _changes(request, type(model).model_fields)
    if changes:
        model = model.model_copy(update=changes)
    runnable = cast("Runnable[list[BaseMessage], AIMessage]", model)
    if request.tools:
        choice = {} if request.tool_choice is None else {"tool_choice": request.tool_choice}
        try:
            bound = model.bind_tools([dict(tool) for tool in request.tools], **choice)  # type: ignore[arg-type]
        except NotImplementedError:
            message = f"{call.route}: this model class takes no tools"
            raise InvalidRequest(message, provider=call.provider.id, model=call.model) from None
        runnable = cast("Runnable[list[BaseMessage], AIMessage]", bound)
    options: dict[str, object] = {}
    if request.stop:
        options["stop"] = list(request.stop)
    if request.response_format:
        options |= _form(request.response_format, type(model).model_fields)
    return runnable.bind(**options) if options else runnable


def to_messages(call: Call) -> list[BaseMessage]:
    """Return the request's messages as LangChain's."""
    try:
        return convert_to_messages([dict(message) for message in call.request.messages])
    except (ValueError, KeyError, TypeError, NotImplementedError):
        # LangChain's own message quotes the content.
        message = f"{call.route}: a message of this request has no form in LangChain"
        raise InvalidRequest(message, provider=call.provider.id, model=call.model, advice="stop") from None


def profile_of(model: BaseChatModel | Embeddings) -> Profile:
    """Return the model's own profile, as far as the catalog knows its keys."""
    known = get_type_hints(Profile)
    own = getattr(model, "profile", None)
    if not isinstance(own, Mapping):
        return Profile()
    return cast("Profile", {name: value for name, value in own.items() if name in known and value is not None})


def to_answer(call: Call, message: BaseMessage) -> Answer:
    """Return a model's message as an answer.

    Raises:
        EmptyAnswer: It holds neither text nor a tool call.
        BadPayload: It holds text where a tool call was required.
    """
    parts = Parts(call)
    first = parts.chunk(message) or Chunk()
    last = parts.last()
    if not first.tool_calls and must_call(call):
        raise ignored_tool(call)
    return Answer(
        route=call.route,
        text=first.text,
        reasoning=first.reasoning,
        tool_calls=tuple(
            ToolCall(id=delta.id or "", name=delta.name or "", arguments=delta.arguments or "{}")
            for delta in first.tool_calls
        ),
        finish_reason=last.finish_reason or "stop",
        usage=last.usage or Usage(),
        model=last.model,
        id=last.id,
    )


@dataclass(slots=True)
class Parts:
    """Turns a model's messages or chunks into ours and remembers what ends them."""

    call: Call
    _indexes: dict[object, int] = field(default_factory=dict)
    _usage: Usage | None = None
    _reason: str | None = None
    _model: str = ""
    _id: str = ""
    _text: int = 0
    _thoughts: int = 0
    has_content: bool = False

    def chunk(self, message: BaseMessage) -> Chunk | None:
        """Return the chunk that `message` is, None where it says nothing."""
        self._note(message)
        text, thoughts = str(message.text), _thoughts(message)
        calls = self._calls(message)
        self._text += len(text.strip())
        self._thoughts += len(thoughts)
        if not text and not thoughts and not calls:
            return None
        chunk = Chunk(text=text, reasoning=thoughts, tool_calls=calls, model=self._model, id=self._id)
        self.has_content = self.has_content or chunk.has_content
        return chunk

    def last(self) -> Chunk:
        """Return the chunk that ends the answer.

        Raises:
            EmptyAnswer: Nothing was said.
        """
        reason = self._reason or "stop"
        if not self._text and not self._indexes:
            raise no_content(self.call, reason, has_thoughts=bool(self._thoughts))
        return Chunk(
            finish_reason="tool_calls" if self._indexes and reason == "stop" else reason,
            usage=self._usage or estimated_usage(self.call.request, ("x" * (self._text + self._thoughts),)),
            model=self._model or self.call.model,
            id=self._id,
        )

    def _note(self, message: BaseMessage) -> None:
        metadata = as_object(message.response_metadata)
        for name in ("finish_reason", "stop_reason", "done_reason"):
            self._reason = finish_reason(metadata.get(name)) or self._reason
        self._model = as_text(metadata.get("model_name")) or as_text(metadata.get("model")) or self._model
        self._id = as_text(metadata.get("id")) or self._id
        usage = getattr(message, "usage_metadata", None)
        if isinstance(usage, Mapping):
            self._usage = _added(self._usage, cast("JsonObject", usage))

    def _calls(self, message: BaseMessage) -> tuple[ToolCallDelta, ...]:
        if isinstance(message, AIMessageChunk):
            return tuple(
                self._delta(
                    chunk.get("index") if chunk.get("index") is not None else chunk["id"], chunk["id"], chunk["name"],
                    chunk["args"] or "",
                )
                for chunk in message.tool_call_chunks
            )  # fmt: skip
        if not isinstance(message, AIMessage):
            return ()
        whole = [
            (call["id"], call["name"], arguments_text(cast("JsonObject", call["args"]))) for call in message.tool_calls
        ]
        whole += [(call["id"], call["name"] or "", call["args"] or "") for call in message.invalid_tool_calls]
        return tuple(self._delta(place, call_id, name, text) for place, (call_id, name, text) in enumerate(whole))

    def _delta(self, key: object, call_id: str | None, name: str | None, arguments: str) -> ToolCallDelta:
        if key not in self._indexes:
            key = key if key is not None or not self._indexes else list(self._indexes)[-1]
        is_new = key not in self._indexes
        index = self._indexes.setdefault(key, len(self._indexes))
        if is_new:
            return ToolCallDelta(index=index, id=call_id or new_call_id(), name=name or None, arguments=arguments)
        return ToolCallDelta(index=index, arguments=arguments)


def _changes(request: Request, fields: Mapping[str, object]) -> dict[str, object]:
    changes = {}
    for name, spellings in _FIELDS:
        value = getattr(request, name)
        spelling = next((spelling for spelling in spellings if spelling in fields), None)
        if value is not None and spelling is not None:
            changes[spelling] = value
    return changes


def _form(response_format: JsonObject, fields: Mapping[str, object]) -> dict[str, object]:
    """Return the option by which this model class is told the answer's form."""
    if "format" not in fields:
        return {"response_format": dict(response_format)}
    schema = as_object(response_format.get("json_schema")).get("schema")
    return {"format": schema or "json"}


def _thoughts(message: BaseMessage) -> str:
    told = message.additional_kwargs.get("reasoning_content")
    if isinstance(told, str) and told:
        return told
    blocks = (as_object(block) for block in as_list(message.content))
    return "".join(as_text(block.get("reasoning")) or as_text(block.get("thinking")) for block in blocks)


def _added(usage: Usage | None, more: JsonObject) -> Usage:
    """Return the sum: some classes tell the prompt first and the answer last."""
    known = usage or Usage()
    cached = as_int(as_object(more.get("input_token_details")).get("cache_read"))
    thought = as_int(as_object(more.get("output_token_details")).get("reasoning"))
    return Usage(
        input_tokens=known.input_tokens + (as_int(more.get("input_tokens")) or 0),
        output_tokens=known.output_tokens + (as_int(more.get("output_tokens")) or 0),
        total_tokens=known.total_tokens + (as_int(more.get("total_tokens")) or 0),
        cache_read_tokens=known.cache_read_tokens if cached is None else (known.cache_read_tokens or 0) + cached,
        reasoning_tokens=known.reasoning_tokens if thought is None else (known.reasoning_tokens or 0) + thought,
    )
