"""Replicate's predictions: against genuine exchanges, and where none was recorded against its documented shapes.

The host of a recording is moved to loopback: in the bodies its address is replaced by the test host's.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openmux_lc.errors import (
    AuthenticationFailed,
    BadPayload,
    ContextOverflow,
    EmptyAnswer,
    InvalidRequest,
    PaymentRequired,
    ProviderError,
    ServerError,
)
from openmux_lc.http import Clients
from openmux_lc.providers.exchange import Reply
from openmux_lc.providers.polling import Job
from openmux_lc.providers.refusals import Refusals
from openmux_lc.providers.registry import adapter_for
from openmux_lc.providers.replicate import ReplicateAdapter, ReplicateDialect
from openmux_lc.types.run import Answer
from tests.patience import LATE_S
from tests.providers.calls import KEY, call, provider
from tests.providers.job_host import Asked, JobHost, Said, job_host

GENUINE = "https://api.replicate.com"
PICTURE = "data:image/png;base64,iVBORw0KGgo="
PREDICTION = {
    "id": "p1",
    "model": "meta/meta-llama-3-8b-instruct",
    "status": "succeeded",
    "error": None,
    "urls": {"get": "http://127.0.0.1:9/v1/predictions/p1", "cancel": "http://127.0.0.1:9/v1/predictions/p1/cancel"},
}


@pytest.fixture
def clients() -> Iterator[Clients]:
    made = Clients()
    yield made
    made.close()


def predictions(shared: Path) -> list[tuple[str, dict[str, Any]]]:
    """Every recorded exchange about a prediction."""
    folder = shared / "recordings"
    found = [*sorted(folder.glob("replicate/predictions_*")), *sorted(folder.glob("huggingface/predictions_*"))]
    return [(path.name, json.loads(path.read_text(encoding="utf-8"))) for path in found]


def read(body: dict[str, Any], *, status: int = 200, job: Job | None = None) -> Answer | Job:
    return ReplicateDialect().read(call(), Reply(status=status, headers={}, body=json.dumps(body).encode()), job)


def submitted(**fields: Any) -> tuple[str, dict[str, str], Any]:
    """The path, the headers and the body of what is sent."""
    ask = ReplicateDialect().submit(call(provider("http://127.0.0.1:9/v1"), **fields))
    return ask.url.removeprefix("http://127.0.0.1:9/v1"), dict(ask.headers), json.loads(ask.body)


def moved(recording: dict[str, Any], host: JobHost, **fields: object) -> bytes:
    """A recorded body with the host's address in place of the genuine one."""
    text = recording["response_body"].replace(GENUINE, host.origin)
    return json.dumps({**json.loads(text), **fields}).encode() if fields else text.encode()


def test_every_recorded_prediction_is_read(shared: Path, clients: Clients) -> None:
    """Files are the answer at once; what has only started is asked for again."""
    seen = {"files": 0, "started": 0}
    for name, recording in predictions(shared):
        if recording["status"] >= 400:
            continue
        told = json.loads(recording["response_body"])
        state = "files" if told.get("output") else "started"
        seen[state] += 1

        def say(host: JobHost, asked: Asked, recording: dict[str, Any] = recording) -> Said:
            if asked.method == "GET":
                return 200, moved(recording, host, status="succeeded", output=["Pa", "ris."])
            headers = {n: v for n, v in recording["response_headers"].items() if n.startswith("ratelimit")}
            return recording["status"], moved(recording, host), headers

        with job_host(say) as host:
            row = provider(f"{host.origin}/v1", dialect="replicate")
            answer = adapter_for(row, clients).send(call(row, model="meta/llama-2-70b-chat"))
            methods = [each.method for each in host.asked]

        assert (["POST", "GET"] if state == "started" else ["POST"]) == methods, name
        assert ("Paris." if state == "started" else told["output"][0]) == answer.text, name
        assert (told["model"], told["id"], "stop") == (answer.model, answer.id, answer.finish_reason), name
        if "ratelimit-remaining" in recording["response_headers"] and state == "files":
            assert answer.limits[0].remaining is not None, name
    assert {"files": 6, "started": 14} == seen


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("predictions_401_na_a9c39914.json", AuthenticationFailed),
        ("predictions_402_black-forest-labs-flux-schnell_cd84ef77.json", PaymentRequired),
        ("predictions_402_stability-ai-stable-diffusion-3.5-large_e9375d5b.json", PaymentRequired),
        ("predictions_422_black-forest-labs-flux-schnell_cbb357e6.json", InvalidRequest),
        ("predictions_422_na_0685055b.json", InvalidRequest),
    ],
)
async def test_recorded_refusals_are_typed(name: str, kind: type[ProviderError], shared: Path) -> None:
    recording = json.loads((shared / "recordings" / "replicate" / name).read_text(encoding="utf-8"))
    clients = Clients()
    with job_host(lambda _host, _asked: (recording["status"], recording["response_body"].encode())) as host:
        row = provider(f"{host.origin}/v1", dialect="replicate")
        with pytest.raises(kind) as caught:
            await adapter_for(row, clients).asend(call(row))
        await clients.aclose()

        assert 1 == len(host.asked)
    assert recording["status"] == caught.value.status_code


def test_a_slow_prediction_is_called_off_where_the_host_says(shared: Path, clients: Clients) -> None:
    """The recorded 202: the host held the request for a minute, and had nothing."""
    name = "predictions_202_na_97771e57.json"
    recording = json.loads((shared / "recordings" / "replicate" / name).read_text(encoding="utf-8"))
    with job_host(lambda host, _asked: (202, moved(recording, host))) as host:
        row = provider(f"{host.origin}/v1", dialect="replicate")
        with pytest.raises(ProviderError, match="no answer in time"):
            adapter_for(row, clients).send(call(row, seconds=0.6))

        assert host.was_asked("POST", "/v1/predictions/2ea92hmwgnrga0cmpp9rj00evw/cancel")
        assert {f"Bearer {KEY}"} == {each.headers["authorization"] for each in host.asked}


def test_a_recorded_address_of_the_genuine_host_is_not_followed_from_elsewhere(shared: Path, clients: Clients) -> None:
    """A row that points at another host sends the key there and nowhere else."""
    name = "predictions_202_na_97771e57.json"
    recording = json.loads((shared / "recordings" / "replicate" / name).read_text(encoding="utf-8"))
    with job_host(lambda _host, _asked: (202, recording["response_body"].encode())) as host:
        row = provider(f"{host.origin}/v1", dialect="replicate")
        with pytest.raises(BadPayload, match="another host"):
            adapter_for(row, clients).send(call(row))

        assert 1 == len(host.asked)


@pytest.mark.parametrize(
    ("model", "path", "version"),
    [
        ("meta/meta-llama-3-8b-instruct", "/models/meta/meta-llama-3-8b-instruct/predictions", None),
        (
            "stability-ai/stable-diffusion-3.5-large",
            "/models/stability-ai/stable-diffusion-3.5-large/predictions",
            None,
        ),
        ("meta/llama-2-70b-chat:02e509c7", "/predictions", "02e509c7"),
        ("02e509c789964a7e", "/predictions", "02e509c789964a7e"),
        ("../account/x", "/predictions", "../account/x"),
        ("owner/na me?x=1", "/predictions", "owner/na me?x=1"),
    ],
)
def test_the_model_id_decides_where_it_is_run(model: str, path: str, version: str | None) -> None:
    """No id reaches another path of the host."""
    at, _, body = submitted(model=model)

    assert path == at
    assert version == body.get("version")


def test_a_single_question_is_the_prompt_itself() -> None:
    _, headers, body = submitted(
        messages=({"role": "system", "content": "Be brief."}, {"role": "user", "content": "Capital of France?"}),
        max_tokens=64,
        temperature=0.5,
        top_p=0.9,
        seed=7,
        stop=("END", "STOP"),
        extra_body={"top_k": 40},
    )

    assert {
        "prompt": "Capital of France?",
        "system_prompt": "Be brief.",
        "max_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop_sequences": "END,STOP",
        "top_k": 40,
    } == body["input"]
    assert f"Bearer {KEY}" == headers["authorization"]


def test_a_talk_is_a_transcript_with_the_models_turn_open() -> None:
    _, _, body = submitted(
        messages=(
            {"role": "user", "content": "Hi."},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": [{"type": "text", "text": "See?"}, _image(PICTURE)]},
        )
    )

    assert {"prompt": "User: Hi.\n\nAssistant: Hello.\n\nUser: See?\n\nAssistant:", "image": PICTURE} == body["input"]


def test_the_form_of_the_answer_is_told_in_words() -> None:
    """There is no field for it, and a schema must not get lost."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    _, _, body = submitted(response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}})

    assert "JSON" in body["input"]["system_prompt"]
    assert '"city"' in body["input"]["system_prompt"]


async def test_what_a_model_refuses_is_left_out_the_next_time() -> None:
    """Modelled on the recorded 422: the named input is dropped, with the advice to retry."""
    refusal = {
        "detail": "- input: Additional property seed is not allowed\n",
        "status": 422,
        "title": "Input validation failed",
        "invalid_fields": [{"type": "additional_property_not_allowed", "field": "input.seed"}],
    }

    def say(_host: JobHost, asked: Asked) -> Said:
        return (422, refusal) if "seed" in asked.body["input"] else (201, {**PREDICTION, "output": "Hi."})

    clients = Clients()
    with job_host(say) as host:
        row = provider(f"{host.origin}/v1", dialect="replicate")
        adapter = ReplicateAdapter(clients, Refusals())
        with pytest.raises(InvalidRequest) as caught:
            await adapter.asend(call(row, seed=7))
        answer = await adapter.asend(call(row, seed=7))
        await clients.aclose()

    assert "retry" == caught.value.advice
    assert "Hi." == answer.text


def _image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize(
    ("seconds", "first_byte_s", "held", "limit"),
    [(200.0, 60.0, "wait=58", 200), (200.0, 90.0, "wait=60", 200), (12.0, 60.0, "wait=9", 12), (2.0, 60.0, None, 5)],
)
def test_the_host_holds_the_request_no_longer_than_we_wait(
    seconds: float, first_byte_s: float, held: str | None, limit: int
) -> None:
    """Nor does it go on for long after we have left."""
    _, headers, _ = submitted(seconds=seconds, first_byte_s=first_byte_s)

    assert held == headers.get("prefer")
    assert f"{limit}s" == headers["cancel-after"]


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("Paris.", "Paris."),
        (["Pa", "ris", "."], "Paris."),
        (
            ["https://a.example/1.webp", "https://a.example/2.webp"],
            "https://a.example/1.webp\nhttps://a.example/2.webp",
        ),
        ({"city": "Zürich"}, '{"city": "Zürich"}'),
        ([{"city": "Paris"}, 1], '[{"city": "Paris"}, 1]'),
        (7, "7"),
        ("<think>Hm.</think>Paris.", "Paris."),
    ],
)
def test_the_output_is_text_whatever_it_is(output: object, text: str) -> None:
    answer = read({**PREDICTION, "output": output})

    assert isinstance(answer, Answer)
    assert text == answer.text


def test_the_metrics_are_the_usage() -> None:
    told = read({**PREDICTION, "output": "Hi.", "metrics": {"input_token_count": 12, "output_token_count": 3}})
    guessed = read({**PREDICTION, "output": "Hi.", "metrics": {"predict_time": 0.3}})
    hostile = read({**PREDICTION, "output": "Hi.", "metrics": {"input_token_count": -5, "output_token_count": 9**99}})

    assert isinstance(told, Answer)
    assert isinstance(guessed, Answer)
    assert isinstance(hostile, Answer)
    assert (12, 3, 15, False) == (
        told.usage.input_tokens,
        told.usage.output_tokens,
        told.usage.total_tokens,
        told.usage.is_estimated,
    )
    assert guessed.usage.is_estimated
    assert 0 == hostile.usage.input_tokens
    assert 2**63 > hostile.usage.total_tokens


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"status": "failed", "error": "CUDA out of memory"}, ServerError),
        ({"status": "failed", "error": None}, ServerError),
        ({"status": "failed", "error": {"odd": 1}}, ServerError),
        ({"status": "failed", "error": "the prompt is too long: maximum context length is 4096"}, ContextOverflow),
        ({"status": "canceled"}, ServerError),
        ({"status": "aborted"}, ServerError),
        ({"status": "succeeded", "output": None}, EmptyAnswer),
        ({"status": "succeeded", "output": []}, EmptyAnswer),
        ({"status": "dreaming"}, BadPayload),
        ({"status": None}, BadPayload),
        ({"status": "starting", "urls": {}}, BadPayload),
        ({"status": "starting", "urls": {"get": 7}}, BadPayload),
    ],
)
def test_what_is_no_answer_is_typed(fields: dict[str, Any], kind: type[ProviderError]) -> None:
    with pytest.raises(kind):
        read({**PREDICTION, **fields})


def test_words_on_their_way_are_not_the_answer_yet() -> None:
    """Half a list of words is no answer; a list of files under way is, for a file is there once it is whole."""
    words = read({**PREDICTION, "status": "processing", "output": ["Pa"]})
    files = read({**PREDICTION, "status": "processing", "output": ["https://a.example/1.webp"]})

    assert isinstance(words, Job)
    assert isinstance(files, Answer)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"[]", b"null", b'"succeeded"', b"[" * 100_000])
def test_a_body_that_is_no_prediction_is_a_bad_payload(body: bytes) -> None:
    with pytest.raises(BadPayload):
        ReplicateDialect().read(call(), Reply(status=201, headers={}, body=body), None)


def test_a_stream_gives_the_whole_answer(clients: Clients) -> None:
    with job_host(lambda _host, _asked: (201, {**PREDICTION, "output": ["Pa", "ris."]})) as host:
        row = provider(f"{host.origin}/v1", dialect="replicate")
        began = time.monotonic()
        stream = adapter_for(row, clients).open(call(row))
        chunks = list(stream)
        stream.close()

    assert "Paris." == "".join(chunk.text for chunk in chunks)
    assert "stop" == chunks[-1].finish_reason
    assert time.monotonic() - began < LATE_S
