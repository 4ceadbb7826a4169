# ruff: noqa: E501 - tables are read by the row
"""Answers in shapes that hosts send and nobody has recorded here, each read by the package and by the replay's judge.

A table says who writes a shape and how that is known. The second reading of the replay must agree, for it judges
exchanges that none of us has seen.
"""

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest

from openmux_lc.engine.assembly import Assembly
from openmux_lc.errors import BadPayload, EmptyAnswer, PermissionDenied, ProviderError, RateLimited, ServerError
from openmux_lc.http import Clients
from openmux_lc.providers import flow
from openmux_lc.providers.answer import decode_answer
from openmux_lc.providers.chunks import StreamDecoder
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.listing import read_ids
from openmux_lc.providers.vectors import decode_vectors
from openmux_lc.types.run import Answer, EmbeddingRequest
from tests.providers.calls import call, provider
from tests.providers.raw_host import raw_host
from tests.providers.replay.judge import ids_in, vectors_in
from tests.providers.replay.read_native import read_ollama
from tests.providers.replay.read_openai import read_chat
from tests.providers.replay.said import Said
from tests.providers.ways import astreamed, reply, streamed

DONE = "data: [DONE]\n\n"


@dataclass(frozen=True)
class Due:
    """What a shape says."""

    text: str = ""
    reasoning: str = ""
    calls: Sequence[tuple[str, str]] = ()
    finish: str = "stop"


def _whole(body: str) -> Answer:
    return decode_answer(call(), Reply(status=200, headers={}, body=body.encode()))


def _streamed(stream: bytes, cuts: Sequence[int]) -> Answer:
    decoder, assembly = StreamDecoder(call()), Assembly(call().route)
    edges = [0, *cuts, len(stream)]
    for start, end in pairwise(edges):
        for chunk in decoder.feed(stream[start:end]):
            assembly.add(chunk)
    for chunk in decoder.finish():
        assembly.add(chunk)
    return assembly.answer()


def _every_cut(stream: bytes) -> list[Answer]:
    """Return what a stream says however it is cut: at one place, wherever that is, and into single bytes."""
    ways = [[], list(range(1, len(stream))), *([at] for at in range(1, len(stream), max(1, len(stream) // 150)))]
    return [_streamed(stream, cuts) for cuts in ways]


def _events(*payloads: Any, end: str = DONE) -> str:
    texts = (payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False) for payload in payloads)
    return "".join(f"data: {text}\n\n" for text in texts) + end


def _delta(finish: str | None = None, *, index: Any = 0, answer_id: Any = "a1", **delta: Any) -> dict[str, Any]:
    return {"id": answer_id, "model": "big", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def _seen(answer: Answer) -> Due:
    calls = tuple((each.name, each.arguments) for each in answer.tool_calls)
    return Due(answer.text, answer.reasoning, calls, answer.finish_reason)


def _judged(said: Said) -> Due:
    assert not said.is_malformed
    return Due(said.text, said.reasoning.strip(), tuple(said.calls), said.finish_due)


def _body(message: Mapping[str, Any] | None, finish: str | None = "stop", **fields: Any) -> str:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"id": "a1", "model": "big", "choices": [choice], **fields}, ensure_ascii=False)


ADD = {"name": "add", "arguments": '{"a": 1}'}
CALL = {"id": "c1", "type": "function", "function": ADD}
ADDED = Due(calls=(("add", '{"a": 1}'),), finish="tool_calls")
BOTH = Due(calls=(("add", '{"a": 1}'), ("mul", '{"b": 2}')), finish="tool_calls")

MESSAGES: dict[str, tuple[dict[str, Any], Due]] = {
    # Cloudflare parses a token that looks like a number or a truth value: github.com/cloudflare/ai/issues/651.
    "a number as content": ({"content": 6}, Due("6")),
    "zero as content": ({"content": 0}, Due("0")),
    "a fraction as content": ({"content": 0.005}, Due("0.005")),
    "a truth value as content": ({"content": True}, Due("true")),
    # OpenAI's audio models, which OpenRouter and Pollinations relay: content is null beside the sound.
    "a spoken answer": ({"content": None, "audio": {"id": "x", "data": "UklG", "transcript": "Paris."}}, Due("Paris.")),
    "no sound": ({"content": "Paris.", "audio": None}, Due("Paris.")),
    # OpenRouter's image models: github.com/openrouter docs "image generation"; the text beside the picture counts.
    "a picture beside the text": (
        {"content": "Here.", "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
        Due("Here."),
    ),
    # Mistral's citations are parts of the content without a text.
    "references in the content": (
        {"content": [{"type": "text", "text": "Paris"}, {"type": "reference", "reference_ids": [1]}, {"type": "text", "text": "."}]},
        Due("Paris."),
    ),
    "thoughts without an end": ({"content": [{"type": "thinking", "thinking": None}, {"type": "text", "text": "Paris."}]}, Due("Paris.")),
    # OpenRouter: thoughts that are encrypted have no text, a summary may come beside them.
    "encrypted thoughts": (
        {"content": "Paris.", "reasoning": None, "reasoning_details": [{"type": "reasoning.encrypted", "data": "x", "text": None}]},
        Due("Paris."),
    ),
    "a summary beside encrypted thoughts": (
        {
            "content": "Paris.",
            "reasoning_details": [
                {"type": "reasoning.summary", "summary": "hm", "index": 0},
                {"type": "reasoning.encrypted", "data": "x", "index": 0},
            ],
        },
        Due("Paris.", "hm"),
    ),
    "thoughts under both names": ({"content": "Paris.", "reasoning_content": "hm", "reasoning": "hm"}, Due("Paris.", "hm")),
    "thoughts under the second name only": ({"content": "Paris.", "reasoning_content": "", "reasoning": "hm"}, Due("Paris.", "hm")),
    # A tag further on, or another tag, is the answer's own text: prompts ask models to write such tags.
    "a closing tag alone": ({"content": "Okay.\n</think>\n\nParis."}, Due("Okay.\n</think>\n\nParis.")),
    "another tag": ({"content": "<thought>hm</thought>Paris."}, Due("<thought>hm</thought>Paris.")),
    "a call written as text": ({"content": '<tool_call>\n{"name": "add"}\n</tool_call>'}, Due('<tool_call>\n{"name": "add"}\n</tool_call>')),
    # The first form of tool calls, which Azure (GitHub Models) still answers to `functions` with.
    "a function call": ({"content": None, "function_call": ADD}, ADDED),
    "a null list and a function call": ({"content": None, "tool_calls": None, "function_call": ADD}, ADDED),
    # Text Generation Inference: its guide to version 1.4.3 shows the one call itself, and huggingface_hub's
    # types of a streamed delta had it so (inference/_generated/types/chat_completion.py).
    "a call without its list": ({"tool_calls": {"index": 0, "id": "", "type": "function", "function": ADD}}, ADDED),
    # The same guide, and one recording: arguments under the schema's name.
    "parameters for arguments": (
        {"tool_calls": [{"id": 0, "type": "function", "function": {"description": None, "name": "add", "parameters": {"a": 1}}}]},
        ADDED,
    ),
    # Some servers send the empty form of a call beside the words.
    "a call that says nothing": (
        {"content": "Paris.", "tool_calls": [{"index": 0, "id": "", "type": "function", "function": {"name": "", "arguments": ""}}]},
        Due("Paris."),
    ),
    "arguments as an object": ({"tool_calls": [{"function": {"name": "add", "arguments": {"a": 1}}}]}, ADDED),
    "arguments null": ({"tool_calls": [{"function": {"name": "add", "arguments": None}}]}, Due(calls=(("add", "{}"),), finish="tool_calls")),
    "an index as text": ({"tool_calls": [{**CALL, "index": "0"}]}, ADDED),
    "an index null": ({"tool_calls": [{**CALL, "index": None}]}, ADDED),
    "an id that is a number": ({"tool_calls": [{**CALL, "id": 7}]}, ADDED),
    "an id null": ({"tool_calls": [{**CALL, "id": None}]}, ADDED),
    # Gemini's compatible door: calls of one delta lack index and id alike.
    "two calls without ids": (
        {"tool_calls": [{"function": ADD}, {"function": {"name": "mul", "arguments": '{"b": 2}'}}]},
        BOTH,
    ),
    "null beside the words": (
        {"role": None, "content": "Paris.", "refusal": None, "tool_calls": [], "function_call": None, "reasoning": None, "annotations": None},
        Due("Paris."),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_read_alike_whole_and_in_a_stream_and_by_the_judge(name: str) -> None:
    message, due = MESSAGES[name]
    body, stream = _body(message), _events(_delta(**message), _delta("stop"))

    whole, cut = _whole(body), _every_cut(stream.encode())

    assert due == _seen(whole)
    assert all(due == _seen(each) for each in cut)
    assert due == _judged(read_chat(body)) == _judged(read_chat(stream))


STREAMS: dict[str, tuple[str, Due]] = {
    # Cloudflare: the token between two strings comes as a number.
    "numbers among texts": (_events(_delta(content=" ["), _delta(content=1), _delta(content="]"), _delta("stop")), Due(" [1]")),
    "a function call in pieces": (
        _events(
            _delta(function_call={"name": "add", "arguments": ""}),
            _delta(function_call={"arguments": '{"a"'}),
            _delta(function_call={"arguments": ": 1}"}),
            _delta("function_call"),
        ),
        ADDED,
    ),
    "a call without its list in pieces": (
        _events(
            _delta(tool_calls={"index": 0, "id": "", "function": {"name": "add", "arguments": ""}}),
            _delta(tool_calls={"index": 0, "id": "", "function": {"name": None, "arguments": '{"a"'}}),
            _delta(tool_calls={"index": 0, "id": "", "function": {"name": None, "arguments": ": 1}"}}),
            _delta("eos_token", content=""),
        ),
        ADDED,
    ),
    # Local GLM servers and proxies say the whole call again at the end: github.com/anomalyco/opencode/pull/17339.
    "the whole call again": (
        _events(
            _delta(tool_calls=[{"index": 0, "id": "c1", "function": {"name": "add", "arguments": '{"a"'}}]),
            _delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}]),
            _delta("tool_calls", tool_calls=[{"index": 0, "id": "c1", "function": ADD}]),
        ),
        ADDED,
    ),
    "the whole arguments again": (
        _events(_delta(tool_calls=[{"index": 0, **CALL}]), _delta("tool_calls", tool_calls=[{"index": 0, "function": {"arguments": '{"a": 1}'}}])),
        ADDED,
    ),
    # Converters in front of Gemini number every call 0: github.com/omnigent-ai/omnigent/pull/28.
    "two calls under one index without ids": (
        _events(
            _delta(tool_calls=[{"index": 0, "id": "", "function": ADD}]),
            _delta(tool_calls=[{"index": 0, "id": "", "function": {"name": "mul", "arguments": '{"b": 2}'}}]),
            _delta("tool_calls"),
        ),
        BOTH,
    ),
    # lmdeploy and SGLang: index 0 for all, told apart by ids that later pieces lack or repeat (InternLM/lmdeploy/issues/3412).
    "two calls under one index with ids": (
        _events(
            _delta(tool_calls=[{"index": 0, "id": "0", "function": {"name": "add", "arguments": ""}}]),
            _delta(tool_calls=[{"index": 0, "id": "0", "function": {"name": None, "arguments": '{"a": 1}'}}]),
            _delta(tool_calls=[{"index": 0, "id": "1", "function": {"name": "mul", "arguments": ""}}]),
            _delta(tool_calls=[{"index": 0, "id": "1", "function": {"name": None, "arguments": '{"b": 2}'}}]),
            _delta("tool_calls"),
        ),
        BOTH,
    ),
    # GLM at Mistral: later pieces have the id "null", no id, or one of the model's own (langchainjs/pull/11505, mistral-vibe/issues/1127).
    "an id that is the word null": (
        _events(
            _delta(tool_calls=[{"id": "chatcmpl-tool-1", "function": {"name": "add", "arguments": '{"a"'}}]),
            _delta("tool_calls", tool_calls=[{"id": "null", "function": {"name": "", "arguments": ": 1}"}}]),
        ),
        ADDED,
    ),
    "an id that changes": (
        _events(
            _delta(tool_calls=[{"index": 0, "id": "chatcmpl-tool-1", "function": {"name": "add", "arguments": ""}}]),
            _delta(tool_calls=[{"index": 0, "id": "toolcall0", "function": {"arguments": '{"a"'}}]),
            _delta("tool_calls", tool_calls=[{"index": 0, "id": "toolcall0", "function": {"arguments": ": 1}"}}]),
        ),
        ADDED,
    ),
    "an id that changes without an index": (
        _events(
            _delta(tool_calls=[{"id": "chatcmpl-tool-1", "function": {"name": "add", "arguments": ""}}]),
            _delta(tool_calls=[{"id": "toolcall0", "function": {"name": "", "arguments": '{"a"'}}]),
            _delta("tool_calls", tool_calls=[{"id": "toolcall0", "function": {"name": "", "arguments": ": 1}"}}]),
        ),
        ADDED,
    ),
    # vLLM's parser for Mistral's models tells the id first, with a null function: github.com/vllm-project/vllm/pull/19425.
    "an id before its function": (
        _events(
            _delta(content="", tool_calls=[{"id": "c1", "index": 0, "type": "function", "function": None}]),
            _delta(content="", tool_calls=[]),
            _delta(content="", tool_calls=[{"id": None, "index": 0, "function": {"name": "add", "arguments": '{"a"'}}]),
            _delta("tool_calls", content="", tool_calls=[{"id": None, "index": 0, "function": {"name": None, "arguments": ": 1}"}}]),
        ),
        ADDED,
    ),
    # Mistral, as its clients know it: ids are the word null, and an index is missing.
    "two calls with the word null for an id": (
        _events(_delta(tool_calls=[{**CALL, "id": "null"}, {"id": "null", "function": {"name": "mul", "arguments": '{"b": 2}'}}]), _delta("tool_calls")),
        BOTH,
    ),
    # Text Generation Inference 3.1.1, in its own tests: an empty id, the name in every piece.
    "a name and an empty id in every piece": (
        _events(
            _delta(content=None, tool_calls=[{"id": "", "index": 0, "function": {"name": "add", "arguments": "{"}}]),
            _delta(content=None, tool_calls=[{"id": "", "index": 0, "function": {"name": "add", "arguments": '"a": 1'}}]),
            _delta(content=None, tool_calls=[{"id": "", "index": 0, "function": {"name": "add", "arguments": "}"}}]),
            _delta("stop", content=""),
        ),
        ADDED,
    ),
    "interleaved calls": (
        _events(
            _delta(tool_calls=[{"index": 0, "id": "x", "function": {"name": "add", "arguments": '{"a"'}}]),
            _delta(tool_calls=[{"index": 1, "id": "y", "function": {"name": "mul", "arguments": '{"b"'}}]),
            _delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}, {"index": 1, "function": {"arguments": ": 2}"}}]),
            _delta("tool_calls"),
        ),
        BOTH,
    ),
    "a name in every piece": (
        _events(
            _delta(tool_calls=[{"index": 0, "function": {"name": "add", "arguments": '{"a"'}}]),
            _delta(tool_calls=[{"index": 0, "function": {"name": "add", "arguments": ": 1}"}}]),
            _delta(tool_calls=[{"index": 0, "function": {"name": "add", "arguments": ""}}]),
            _delta("tool_calls"),
        ),
        ADDED,
    ),
    "a reason before the last piece": (
        _events(
            _delta("tool_calls", tool_calls=[{"index": 0, "id": "c1", "function": {"name": "add", "arguments": '{"a"'}}]),
            _delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}]),
        ),
        ADDED,
    ),
    # `n` answers: only the first is ours.
    "a second answer": (
        _events(_delta(content="Par"), _delta(content="Rom", index=1), _delta(content="is."), _delta("length", index=1), _delta("stop")),
        Due("Paris."),
    ),
    # Text Generation Inference 1: the index counts the chunks, and no answer has an id.
    "an index that counts the chunks": (
        _events(_delta(content="Par", answer_id=""), _delta(content="i", index=1, answer_id=""), _delta("eos_token", content="s.", index=2, answer_id="")),
        Due("Paris."),
    ),
    # Old LiteLLM counted choices from one: github.com/BerriAI/litellm/issues/3678.
    "an index that begins with one": (_events(_delta(content="Par", index=1), _delta("stop", content="is.", index=1)), Due("Paris.")),
    "a spoken answer in pieces": (
        _events(
            _delta(role="assistant", audio={"id": "x", "transcript": "Par"}),
            _delta(audio={"transcript": "is."}),
            _delta(audio={"data": "UklG"}),
            _delta("stop"),
        ),
        Due("Paris."),
    ),
    # OpenRouter, with every field but one null: github.com/pydantic/pydantic-ai/issues/3994.
    "an answer inside the provider": (
        _events({"id": None, "choices": None, "model": None, "provider": _delta("stop", content="Paris.")}),
        Due("Paris."),
    ),
    "a null choice list beside usage": (_events(_delta("stop", content="Paris."), {"choices": None, "usage": {"prompt_tokens": 1, "completion_tokens": 2}}), Due("Paris.")),
    "null deltas": (_events(_delta(content="Paris."), {"choices": [{"index": 0, "delta": None, "finish_reason": "stop"}]}), Due("Paris.")),
    # Azure, filtering while it streams: a last chunk of offsets, with neither id nor delta (microsoft/autogen/issues/6465).
    "a chunk of offsets": (
        _events(
            _delta(content="Paris."),
            _delta("stop"),
            {"id": "", "model": "", "object": "", "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {"check_offset": 1}}]},
        ),
        Due("Paris."),
    ),
    "no reason but an end": (_events(_delta(content="Paris."), _delta("")), Due("Paris.")),
    "messages instead of deltas": (_events(json.loads(_body({"role": "assistant", "content": "Paris."}))), Due("Paris.")),
    # Proxies in between: pings, empty data, other fields of the protocol, marks at the very start, another line end.
    "pings": ('event: ping\ndata: {"type": "ping"}\n\n: ping\n\n' + _events(_delta("stop", content="Paris.")), Due("Paris.")),
    "empty data": ("data:\n\ndata: \n\n" + _events(_delta("stop", content="Paris.")), Due("Paris.")),
    "ids and times": ("retry: 3000\nid: 1\n" + _events(_delta("stop", content="Paris.")), Due("Paris.")),
    "a byte order mark": ("\ufeff" + _events(_delta("stop", content="Paris.")), Due("Paris.")),
    "blanks in front": (" \n\n " + _events(_delta("stop", content="Paris.")), Due("Paris.")),
    "carriage returns": (_events(_delta("stop", content="Paris.")).replace("\n", "\r"), Due("Paris.")),
    "two ends": (_events(_delta("stop", content="Paris."), end=DONE + DONE), Due("Paris.")),
    "words behind the end": (_events(_delta("stop", content="Paris."), end=DONE + _events(_delta(content="No."))), Due("Paris.")),
    "a whole body as a stream": (_body({"content": "Paris."}), Due("Paris.")),
    "a whole body behind a mark": ("\ufeff" + _body({"content": "Paris."}), Due("Paris.")),
    "a whole body behind blanks": ("\n   \n" * 9 + _body({"content": "Paris."}), Due("Paris.")),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_read_alike_wherever_it_is_cut_and_by_the_judge(name: str) -> None:
    stream, due = STREAMS[name]

    cut = _every_cut(stream.encode())

    assert all(due == _seen(each) for each in cut)
    assert due == _judged(read_chat(stream))


REASONS = {
    # Gemini's compatible door: its own words, or OpenAI's with its own behind a colon.
    "content_filter: RECITATION": "content_filter",
    "content_filter: PROHIBITED_CONTENT": "content_filter",
    "SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MAX_TOKENS": "length",
    "STOP": "stop",
    "COMPLETE": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "model_length": "length",
    # Z.ai, relayed by Hugging Face's router: github.com/pydantic/pydantic-ai/pull/7685.
    "sensitive": "content_filter",
    "model_context_window_exceeded": "length",
    # A host's own word stays, in small letters: vLLM's for a request that was taken back.
    "abort": "abort",
}


@pytest.mark.parametrize("word", REASONS)
def test_a_reason_has_its_openai_name(word: str) -> None:
    body, stream = _body({"content": "Par"}, word), _events(_delta(word, content="Par"))

    answers = [_whole(body), *_every_cut(stream.encode())]

    assert {REASONS[word]} == {answer.finish_reason for answer in answers}
    assert REASONS[word] == read_chat(body).finish_due == read_chat(stream).finish_due


def test_an_id_that_is_the_word_null_is_none() -> None:
    named = {"id": "null", "type": "function", "function": ADD}

    whole = _whole(_body({"tool_calls": [named, named]}))
    streamed = _streamed(_events(_delta(tool_calls=[named]), _delta("tool_calls")).encode(), [])

    assert "null" not in {each.id for each in (*whole.tool_calls, *streamed.tool_calls)}


def test_an_answer_inside_the_provider_is_read_whole() -> None:
    inner = {
        "id": "gen-1",
        "model": "big",
        "provider": "Google",
        "choices": [{"message": {"content": "Paris."}, "finish_reason": "stop"}],
    }
    body = json.dumps({"id": None, "choices": None, "model": None, "object": None, "provider": inner})

    answer = _whole(body)

    assert ("Paris.", "big", "gen-1") == (answer.text, answer.model, answer.id)
    assert Due("Paris.") == _judged(read_chat(body))


FAULTS: dict[str, tuple[str, type[ProviderError]]] = {
    # Gemini's compatible door refuses to recite with an empty message.
    "a recital": (_body({"role": "assistant"}, "content_filter: RECITATION"), PermissionDenied),
    "a malformed call": (_body({"role": "assistant"}, "function_call_filter: MALFORMED_FUNCTION_CALL"), EmptyAnswer),
    "only a picture": (_body({"content": "", "images": [{"type": "image_url", "image_url": {"url": "data:,"}}]}), EmptyAnswer),
    # Cerebras writes its errors without an envelope.
    "a flat error": (
        json.dumps({"message": "We're experiencing high traffic right now!", "type": "too_many_requests_error", "param": "queue", "code": "queue_exceeded"}),
        ServerError,
    ),
    # The same host under load, with no status of failure: github.com/elizaOS/eliza/pull/10122.
    "a flat error without a code": (
        json.dumps({"message": "Encountered a server error, please try again.", "type": "server_error", "param": "", "code": ""}),
        ServerError,
    ),
    "a flat error in a stream": (
        _events(_delta(content="Par"), {"message": "Too many requests", "type": "too_many_requests_error", "code": "request_quota_exceeded"}, end=""),
        RateLimited,
    ),
    # Hugging Face's router relays Novita's.
    "a numbered error": (json.dumps({"code": 429, "reason": "RATE_LIMIT", "message": "rate limit exceeded", "metadata": {}}), RateLimited),
    "an error object in a stream": (_events({"object": "error", "message": "engine crashed", "code": 500}, end=""), ServerError),
    "a broken line behind the host": (_events(_delta(content="Par"), _delta("network_error")), ServerError),
    "an error behind the reason": (
        _events(_delta("stop", content="Par"), {"error": {"message": "Overloaded", "code": 503}}, end=""),
        ServerError,
    ),
    "an error behind blanks": ("\n   \n" * 9 + json.dumps({"error": {"message": "Overloaded", "code": 503}}), ServerError),
    # OpenRouter answers so when a provider hiccups: github.com/pydantic/pydantic-ai/pull/6901.
    "null choices and no error": (json.dumps({"id": None, "choices": None, "provider": None, "error": None}), BadPayload),
    "a web page": ("<!DOCTYPE html><html></html>", BadPayload),
    "a call without a name": (_body({"tool_calls": [{"id": "c", "function": {"arguments": "{}"}}]}), BadPayload),
    "events of no JSON": ("data: null\n\n", BadPayload),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_no_answer_is_a_typed_fault_wherever_it_is_cut(name: str) -> None:
    text, kind = FAULTS[name]

    for cuts in ([], list(range(1, len(text.encode()))), [len(text) // 2]):
        with pytest.raises(kind):
            _streamed(text.encode(), cuts)
    if not text.lstrip().startswith("data:"):
        with pytest.raises(kind):
            _whole(text)
    said = read_chat(text)
    assert said.is_error or said.is_malformed or said.is_empty or not all(each for each, _ in said.calls)


@pytest.mark.parametrize("space", ["", " "])
async def test_a_native_stream_may_end_with_a_line_that_has_no_message(space: str) -> None:
    """Ollama's first versions ended so, and its documentation shows it: no message beside the counts."""
    end = {"model": "tiny", "done": True, "total_duration": 5, "prompt_eval_count": 12, "eval_count": 3}
    parts = [
        {"model": "tiny", "message": {"role": "assistant", "content": text}, "done": False} for text in ("Par", "is.")
    ]
    body = "".join(json.dumps(part, separators=(",", f":{space}")) + "\n" for part in [*parts, end])
    asked = provider(id="ollama", dialect="ollama", is_local=True)

    with raw_host([reply(body, kind="application/x-ndjson")]) as host, closing(Clients()) as clients:
        row = replace(asked, base_url=host.base_url.removesuffix("/v1"))
        answers = [streamed(call(row, key=""), clients), await astreamed(call(row, key=""), clients)]

    assert [("Paris.", "stop", 12, 3)] * 2 == [
        (each.text, each.finish_reason, each.usage.input_tokens, each.usage.output_tokens) for each in answers
    ]
    said = read_ollama(body)
    assert ("Paris.", (12, 3), False) == (said.text, said.tokens, said.is_malformed)


TWO = EmbeddingRequest(texts=("first text", "second text"))
PACKED = [base64.b64encode(struct.pack("<2f", *numbers)).decode() for numbers in ((0.5, 1.0), (2.0, 3.0))]
VECTORS: dict[str, Any] = {
    "by place": {"data": [{"index": 1, "embedding": [2, 3]}, {"index": 0, "embedding": [0.5, 1]}]},
    "one place for all": {"data": [{"index": 0, "embedding": [0.5, 1]}, {"index": 0, "embedding": [2, 3]}]},
    "packed": {"data": [{"embedding": PACKED[0]}, {"embedding": PACKED[1]}]},
    # llama-cpp-python wraps each vector once more: github.com/abetlen/llama-cpp-python/issues/1588.
    "wrapped": {"data": [{"index": 0, "embedding": [[0.5, 1]]}, {"index": 1, "embedding": [[2, 3]]}]},
    # llama.cpp's own `/embeddings`, which is not the one below `/v1`.
    "without an envelope": [{"index": 0, "embedding": [[0.5, 1]]}, {"index": 1, "embedding": [[2, 3]]}],
    "bare": [[0.5, 1], [2, 3]],
    "under another name": {"embeddings": [[0.5, 1], [2, 3]]},
}


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_are_read_in_every_wrapping(name: str) -> None:
    body = json.dumps(VECTORS[name])

    found = decode_vectors(call(), TWO, Reply(status=200, headers={}, body=body.encode()))

    assert ((0.5, 1.0), (2.0, 3.0)) == found.vectors
    assert [[0.5, 1.0], [2.0, 3.0]] == vectors_in(body)


def test_one_vector_without_a_list_is_read() -> None:
    one = EmbeddingRequest(texts=("only text",))

    found = decode_vectors(call(), one, Reply(status=200, headers={}, body=b'{"embedding": [0.5, 1]}'))

    assert ((0.5, 1.0),) == found.vectors


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 4, "total_tokens": 4}, (4, False)),
        ({"input_tokens": 4}, (4, False)),
        ({"total_tokens": 4}, (4, False)),
        # LM Studio counts none: github.com/lmstudio-ai/lmstudio-bug-tracker/issues/1546.
        ({"prompt_tokens": 0, "total_tokens": 0}, (6, True)),
        (None, (6, True)),
    ],
)
def test_the_tokens_of_texts_are_told_or_estimated(usage: Any, tokens: tuple[int, bool]) -> None:
    body = json.dumps({**VECTORS["packed"], "usage": usage}).encode()

    found = decode_vectors(call(), TWO, Reply(status=200, headers={}, body=body))

    assert tokens == (found.usage.input_tokens, found.usage.is_estimated)


LISTS: dict[str, tuple[Any, Sequence[str]]] = {
    # Ollama's compatible door without any model.
    "none as null": ({"object": "list", "data": None}, []),
    "none as null, natively": ({"models": None}, []),
    "none": ([], []),
    # LM Studio's own door, version 1.
    "keys": ({"models": [{"type": "llm", "publisher": "qwen", "key": "qwen/qwen3-4b", "display_name": "Qwen3 4B"}]}, ["qwen/qwen3-4b"]),
    # llama.cpp answers with both lists.
    "both lists": ({"models": [{"name": "a", "model": "a"}], "object": "list", "data": [{"id": "a"}]}, ["a"]),
    "a list inside the data": ({"data": {"models": [{"id": "a"}, {"id": "b"}]}}, ["a", "b"]),
    # OpenRouter's page of one model.
    "one model inside the data": ({"data": {"id": "qwen/qwen3", "name": "Qwen3", "endpoints": [{"name": "x"}]}}, ["qwen/qwen3"]),
    "one model": ({"id": "a", "object": "model"}, ["a"]),
    "names": (["flux", "turbo", "flux"], ["flux", "turbo"]),
    "ids with a prefix": ({"data": [{"id": "models/gemini-2.5-flash"}], "has_more": False}, ["gemini-2.5-flash"]),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_models_is_read_whatever_holds_it(name: str) -> None:
    page, due = LISTS[name]

    found = read_ids(call(provider()), Reply(status=200, headers={}, body=json.dumps(page).encode()))

    assert list(due) == list(found) == ids_in(json.dumps(page))


@pytest.mark.parametrize("page", [{}, {"data": None}, {"data": "none"}, {"data": {}}, {"object": "list"}])
def test_a_page_without_a_list_is_no_list_of_models(page: Any) -> None:
    with pytest.raises(BadPayload, match="holds no list of models"):
        read_ids(call(provider()), Reply(status=200, headers={}, body=json.dumps(page).encode()))


EARLY = _delta("stop", role="assistant", content="")
WORDS = [_delta(content=f"word{number} ") for number in range(8)]
EACH = [_delta("tool_calls", content=f"word{number} ") for number in range(8)]


@pytest.mark.parametrize("parts", [[EARLY, *WORDS], EACH])
async def test_words_after_a_finish_reason_are_waited_for(parts: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Together and OpenRouter were recorded with the reason in the first chunk, or in every one; words go on for long."""
    monkeypatch.setattr(flow, "_USAGE_WAIT_S", 0.6)
    head = b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    pieces = [head, *(_events(part, end="").encode() for part in parts), DONE.encode()]

    with raw_host(pieces, pause_s=0.1) as host, closing(Clients()) as clients:
        asked = call(provider(host.base_url))
        texts = [streamed(asked, clients).text, (await astreamed(asked, clients)).text]

    assert ["".join(f"word{number} " for number in range(8))] * 2 == texts


def test_a_stream_that_breaks_among_words_after_a_finish_reason_is_not_whole() -> None:
    decoder = StreamDecoder(call())

    decoder.feed(_events(EARLY, end="").encode())
    was_complete = decoder.is_complete
    decoder.feed(_events(*WORDS, end="").encode())

    assert (True, False) == (was_complete, decoder.is_complete)
    decoder.feed(_events(_delta("stop"), end="").encode())
    assert decoder.is_complete
