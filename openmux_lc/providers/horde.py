"""AI Horde's text queue: volunteers' machines take a prompt on and are asked for the text.

Modelled on the service's documentation. Only the question itself carries a key: who
knows a job's id may look at it.
"""

from __future__ import annotations

import math
import re
from typing import Final

from openmux_lc._version import __version__
from openmux_lc.errors import ServerError
from openmux_lc.http import Clients
from openmux_lc.providers.answer import bad_payload, to_answer
from openmux_lc.providers.exchange import Ask, Reply, parse_json
from openmux_lc.providers.extra import harmless_extra, refuse_files
from openmux_lc.providers.openai import auth_header
from openmux_lc.providers.polling import Job, PollingAdapter, job_ask, kept_fields, refuse_tools
from openmux_lc.providers.reading import Reading
from openmux_lc.providers.refusals import Refusals
from openmux_lc.providers.transcript import NEXT_TURN, as_transcript
from openmux_lc.types.json import Json, JsonObject, as_list, as_object, as_text
from openmux_lc.types.run import Answer
from openmux_lc.types.wire import Call

__all__ = ["HordeAdapter", "HordeDialect"]

_ANONYMOUS: Final = "0000000000"
_AGENT: Final = {"client-agent": f"openmux-lc:{__version__}:unknown"}
_ID: Final = re.compile(r"[\w-]{1,100}", re.ASCII)
_SHORTEST, _USUAL, _LONGEST = 16, 512, 1024
_WINDOW_STEP, _LARGEST_WINDOW = 1024, 32_768


class HordeDialect:
    """Requests and replies of `/generate/text`."""

    def submit(self, call: Call) -> Ask:
        """Return the request that puts the prompt into the queue.

        Raises:
            InvalidRequest: It needs a tool, holds more than text, or asks for what could cost money.
        """
        refuse_tools(call)
        refuse_files(call)
        prompt = _prompt(call)
        body: JsonObject = {
            "prompt": prompt,
            "params": {**_params(call, prompt), **harmless_extra(call)},
            "models": [call.model],
            "trusted_workers": False,
        }
        headers = {"apikey": _ANONYMOUS, **_AGENT, **auth_header(call)}
        return job_ask(call, f"{call.provider.base_url}/generate/text/async", method="POST", headers=headers, body=body)

    def read(self, call: Call, reply: Reply, job: Job | None) -> Answer | Job:
        """Return the answer, or the place in the queue."""
        payload = as_object(parse_json(call, reply.body, status=reply.status))
        if job is None:
            return _job(call, payload, reply)
        if payload.get("faulted") is True:
            raise _server_error(call, "the worker that had taken the question on failed", reply)
        if payload.get("done") is True:
            return to_answer(call, reply, payload, _reading(call, payload))
        if "done" not in payload:
            raise bad_payload(call, "does not tell how far it is", reply.status)
        if payload.get("is_possible") is False:
            fault = _server_error(call, "no worker serves this model just now", reply)
            return Job(look=job.look, cancel=job.cancel, fault=fault)
        return job


class HordeAdapter(PollingAdapter):
    """An `Adapter` for the text queue.

    Args:
        clients: Where the connections are pooled.
        refusals: What models are known to refuse.
    """

    def __init__(self, clients: Clients, refusals: Refusals | None = None) -> None:
        """Open nothing yet."""
        super().__init__(HordeDialect(), clients, refusals)


def _prompt(call: Call) -> str:
    """Return the talk with the model's turn open: these models complete a text."""
    said = as_transcript(call.request)
    turns = f"User: {said.turns}\n\nAssistant:" if said.is_question else said.turns
    return "\n\n".join(filter(None, (said.system, turns)))


def _params(call: Call, prompt: str) -> dict[str, Json]:
    request = call.request
    length = min(max(request.max_tokens or _USUAL, _SHORTEST), _LONGEST)
    # A prompt beyond the window loses its beginning without a word; a larger window has fewer workers.
    need = math.ceil((len(prompt) / 3 + length) / _WINDOW_STEP) * _WINDOW_STEP
    fields: dict[str, tuple[str, Json]] = {
        "n": ("", 1),
        "max_length": ("", length),
        "max_context_length": ("", min(max(need, 2 * _WINDOW_STEP), _LARGEST_WINDOW)),
        "temperature": ("no_temperature", request.temperature),
        "top_p": ("no_top_p", request.top_p),
        "stop_sequence": ("no_stop", [*request.stop, NEXT_TURN]),
    }
    return kept_fields(call, fields)


def _job(call: Call, payload: JsonObject, reply: Reply) -> Job:
    number = as_text(payload.get("id"))
    if not _ID.fullmatch(number):
        raise bad_payload(call, "holds no id of a job", reply.status)
    url = f"{call.provider.base_url}/generate/text/status/{number}"
    return Job(look=job_ask(call, url, headers=_AGENT), cancel=job_ask(call, url, method="DELETE", headers=_AGENT))


def _reading(call: Call, payload: JsonObject) -> Reading:
    made = as_object(next(iter(as_list(payload.get("generations"))), None))
    notes = (as_object(note).get("type") for note in as_list(made.get("gen_metadata")))
    is_censored = made.get("state") == "censored" or "censorship" in notes
    text = as_text(made.get("text"))
    for mark in (*call.request.stop, NEXT_TURN):
        text = text.partition(mark)[0] if mark else text  # the service leaves it at the end
    return Reading(
        text="" if is_censored else text.strip(),
        finish="content_filter" if is_censored else "stop",
        model=as_text(made.get("model")),
        is_answer=True,
    )


def _server_error(call: Call, what: str, reply: Reply) -> ServerError:
    message = f"{call.route}: {what}"
    return ServerError(message, provider=call.provider.id, model=call.model, status_code=reply.status)
