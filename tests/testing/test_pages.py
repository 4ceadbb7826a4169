"""What the dialects have beside answers: pages, lists, single vectors, jobs that nobody knows."""

from collections.abc import Iterator

import httpx
import pytest

from openmux_lc.testing import Answer, FakeUpstream, Received, endless, rate_limited, server_error
from openmux_lc.testing.dialects.shape import dump
from openmux_lc.testing.jobs import Jobs


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=5.0) as made:
        yield made


def test_a_local_engines_pages_are_there(client: httpx.Client) -> None:
    with FakeUpstream(models=["tiny"]) as up:
        tags = client.get(f"{up.root_url}/api/tags").json()
        version = client.get(f"{up.root_url}/api/version").json()
        running = client.get(f"{up.root_url}/api/ps").json()
        shown = client.post(f"{up.root_url}/api/show", json={"model": "tiny"}).json()

    assert ["tiny"] == [model["name"] for model in tags["models"]]
    assert "0.0.0-fake" == version["version"]
    assert [] == running["models"]
    assert "completion" in shown["capabilities"]


def test_a_native_stream_is_wanted_unless_the_body_says_no(client: httpx.Client) -> None:
    """One dialect streams by itself; the script sees what holds."""
    wanted: list[bool] = []

    def script(received: Received) -> Answer:
        wanted.append(received.wants_stream)
        return Answer("a b")

    with FakeUpstream(script) as up:
        streamed = client.post(f"{up.root_url}/api/chat", json={"model": "m", "messages": []})
        whole = client.post(f"{up.root_url}/api/chat", json={"model": "m", "messages": [], "stream": False})

    assert [True, False] == wanted
    assert ("application/x-ndjson", 3) == (streamed.headers["content-type"], len(streamed.text.splitlines()))
    assert "a b" == whole.json()["message"]["content"]


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/api/embeddings", {"model": "m", "prompt": "a"}, "embedding"),
        ("/v1beta/models/m:embedContent", {"content": {"parts": [{"text": "a"}]}}, "embedding"),
    ],
)
def test_a_single_vector_has_a_door_of_its_own(client: httpx.Client, path: str, body: object, name: str) -> None:
    with FakeUpstream() as up:
        told = client.post(f"{up.root_url}{path}", json=body).json()[name]

    vector = told["values"] if isinstance(told, dict) else told
    assert 8 == len(vector)


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v2/embed", "/v1beta/models/m:batchEmbedContents", "/api/embed"])
def test_a_request_for_vectors_meets_faults_and_floods_too(client: httpx.Client, path: str) -> None:
    with FakeUpstream([rate_limited(), endless(1)]) as up:
        limited = client.post(f"{up.root_url}{path}", json={"model": "m"})
        flooded = client.post(f"{up.root_url}{path}", json={"model": "m"})

    assert 429 == limited.status_code
    assert len(flooded.content) > 1024 * 1024


def test_a_list_may_fail_in_the_dialects_words(client: httpx.Client) -> None:
    with FakeUpstream(models=server_error(), dialect="gemini") as up:
        failed = client.get(f"{up.base_url}/models")

    assert (500, "INTERNAL") == (failed.status_code, failed.json()["error"]["status"])


def test_a_job_that_nobody_knows_is_a_404(client: httpx.Client) -> None:
    with FakeUpstream() as up:
        told = client.get(f"{up.url_for('replicate')}/predictions/none")

    assert (404, "No such job.") == (told.status_code, told.json()["detail"])


def test_a_fault_is_told_when_a_job_is_handed_in(client: httpx.Client) -> None:
    with FakeUpstream(rate_limited(3)) as up:
        told = client.post(f"{up.url_for('horde')}/generate/text/async", json={"prompt": "x", "models": ["m"]})

    assert (429, "3") == (told.status_code, told.headers["retry-after"])
    assert "m" == up.requests[0].model


def test_only_the_last_thousand_jobs_are_kept() -> None:
    jobs = Jobs()
    for number in range(1001):
        jobs.take(str(number), Received(method="POST", path="/", headers={}), Answer())

    assert jobs.get("0") is None
    assert jobs.get("1000") is not None


def test_arguments_that_are_no_json_become_an_empty_object(client: httpx.Client) -> None:
    """Where a dialect has objects, a model's broken text cannot be sent as it is."""
    from openmux_lc.testing import answer_with_tool

    with FakeUpstream(answer_with_tool("add", "{broken")) as up:
        told = client.post(f"{up.root_url}/api/chat", json={"model": "m", "messages": [], "stream": False}).json()

    assert {"name": "add", "arguments": {}} == told["message"]["tool_calls"][0]["function"]


def test_half_a_character_is_sent_as_an_escape() -> None:
    assert b'"\\ud800"' == dump("\ud800")
