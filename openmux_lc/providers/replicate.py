"""Replicate's predictions: a model's inputs go in, its output comes out, or is waited for.

The host waits itself as long as it may; only what takes longer is asked for again.
"""

from __future__ import annotations

import json
import math
import re
import time
from typing import Final

from openmux_lc.http import Clients
from openmux_lc.providers.answer import bad_payload, to_answer
from openmux_lc.providers.exchange import Ask, Reply, parse_json
from openmux_lc.providers.extra import harmless_extra, refuse_all_but_one_picture
from openmux_lc.providers.fault import has_error, to_fault
from openmux_lc.providers.openai import auth_header
from openmux_lc.providers.polling import Job, PollingAdapter, job_ask, kept_fields, refuse_tools
from openmux_lc.providers.reading import Reading
from openmux_lc.providers.refusals import Refusals
from openmux_lc.providers.transcript import as_transcript
from openmux_lc.types.json import Json, JsonObject, as_int, as_object, as_text, dig
from openmux_lc.types.run import Answer, Usage
from openmux_lc.types.wire import Call

__all__ = ["ReplicateAdapter", "ReplicateDialect"]

_LONGEST_WAIT_S: Final = 60
_MARGIN_S: Final = 2.0
_SHORTEST_DEADLINE_S: Final = 5
_MOST_TOKENS: Final = 10**12
_NAME: Final = re.compile(r"[\w.-]{1,200}/[\w.-]{1,200}", re.ASCII)
_ENDED: Final = frozenset({"failed", "canceled", "aborted"})
_UNDER_WAY: Final = frozenset({"starting", "processing"})


class ReplicateDialect:
    """Requests and replies of `/models/{owner}/{name}/predictions` and `/predictions`."""

    def submit(self, call: Call) -> Ask:
        """Return the request that hands the question in.

        Raises:
            InvalidRequest: It needs a tool, or asks for what could cost money.
        """
        refuse_tools(call)
        refuse_all_but_one_picture(call)
        name, _, version = call.model.partition(":")
        body: dict[str, Json] = {"input": {**_input(call), **harmless_extra(call)}}
        path = f"/models/{name}/predictions"
        if version or not _NAME.fullmatch(name) or ".." in name:
            path = "/predictions"
            body["version"] = version or name
        headers = {**_patience(call), **auth_header(call)}
        return job_ask(call, f"{call.provider.base_url}{path}", method="POST", headers=headers, body=body)

    def read(self, call: Call, reply: Reply, job: Job | None) -> Answer | Job:
        """Return the answer, or the prediction that is being made."""
        payload = as_object(parse_json(call, reply.body, status=reply.status))
        status, output = as_text(payload.get("status")), payload.get("output")
        if status in _ENDED or has_error(payload):
            said = as_text(payload.get("error")) or as_text(dig(payload, "error", "message")) or f"it is {status}"
            raise to_fault(call, reply, now=time.time(), payload={"error": {"message": said, "type": status}})
        # A file is there only once it is whole; words may still be on their way.
        if status == "succeeded" or (status == "processing" and _are_files(output)):
            return to_answer(call, reply, payload, _reading(call, payload))
        if status not in _UNDER_WAY:
            raise bad_payload(call, "is no prediction", reply.status)
        return job or _job(call, payload)


class ReplicateAdapter(PollingAdapter):
    """An `Adapter` for models that are run as predictions.

    Args:
        clients: Where the connections are pooled.
        refusals: What models are known to refuse.
    """

    def __init__(self, clients: Clients, refusals: Refusals | None = None) -> None:
        """Open nothing yet."""
        super().__init__(ReplicateDialect(), clients, refusals)


def _input(call: Call) -> dict[str, Json]:
    request, said = call.request, as_transcript(call.request)
    fields: dict[str, tuple[str, Json]] = {
        "prompt": ("", said.turns),
        "system_prompt": ("", said.system or None),
        "image": ("", said.image or None),
        "max_tokens": ("no_max_tokens", request.max_tokens),
        "temperature": ("no_temperature", request.temperature),
        "top_p": ("no_top_p", request.top_p),
        "stop_sequences": ("no_stop", ",".join(request.stop) or None),
        "seed": ("no_seed", request.seed),
        "frequency_penalty": ("no_penalties", request.frequency_penalty),
        "presence_penalty": ("no_penalties", request.presence_penalty),
    }
    return kept_fields(call, fields)


def _patience(call: Call) -> dict[str, str]:
    """Return how long the host may hold the request open, and when it may give up by itself."""
    left_s = call.content_at - time.monotonic()
    wait_s = int(min(_LONGEST_WAIT_S, left_s - _MARGIN_S, call.first_byte_s - _MARGIN_S))
    found = {"prefer": f"wait={wait_s}"} if wait_s >= 1 else {}
    return {**found, "cancel-after": f"{max(math.ceil(left_s), _SHORTEST_DEADLINE_S)}s"}


def _job(call: Call, payload: JsonObject) -> Job:
    look, cancel = as_text(dig(payload, "urls", "get")), as_text(dig(payload, "urls", "cancel"))
    if not look:
        raise bad_payload(call, "names no address to ask again")
    headers = auth_header(call)
    off = job_ask(call, cancel, method="POST", headers=headers) if cancel else None
    return Job(look=job_ask(call, look, headers=headers), cancel=off)


def _reading(call: Call, payload: JsonObject) -> Reading:
    sent, got = (as_int(dig(payload, "metrics", f"{side}_token_count")) for side in ("input", "output"))
    counts = [min(max(count or 0, 0), _MOST_TOKENS) for count in (sent, got)]
    usage = Usage(input_tokens=counts[0], output_tokens=counts[1], total_tokens=sum(counts))
    return Reading(
        text=_text(call, payload.get("output")),
        usage=None if sent is None and got is None else usage,
        model=as_text(payload.get("model")),
        id=as_text(payload.get("id")),
        is_answer=True,
    )


def _text(call: Call, output: Json) -> str:
    """Return the output as text: pieces joined, files by line, anything else as JSON."""
    if output is None or isinstance(output, str):
        return output or ""
    if isinstance(output, list) and all(isinstance(piece, str) for piece in output):
        return ("\n" if _are_files(output) else "").join(map(as_text, output))
    try:
        return json.dumps(output, ensure_ascii=False)
    except RecursionError:
        raise bad_payload(call, "is nested too deeply") from None


def _are_files(output: Json) -> bool:
    """Whether the output is addresses of files and nothing else."""
    pieces = [output] if isinstance(output, str) else output if isinstance(output, list) else []
    return bool(pieces) and all(as_text(piece).startswith(("https://", "data:")) for piece in pieces)
