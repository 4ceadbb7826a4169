"""The fake upstream speaks real HTTP, plays its script in order, and leaves nothing behind."""

import asyncio
import doctest
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest

from openmux_lc.testing import (
    Answer,
    FakeUpstream,
    Fault,
    Received,
    answer_with_tool,
    cut,
    hanging,
    rate_limited,
    server_error,
    slow,
    stalled,
    unauthorized,
)
from openmux_lc.testing import fake_upstream as module
from openmux_lc.testing.__main__ import main
from openmux_lc.testing.fixtures import fake_upstream as fake_upstream  # noqa: PLC0414 - registers the fixture here

QUESTION = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=5.0) as made:
        yield made


def ask(client: httpx.Client, up: FakeUpstream, **fields: object) -> httpx.Response:
    return client.post(f"{up.base_url}/chat/completions", json={**QUESTION, **fields})


def test_a_script_is_played_in_order_and_its_last_behaviour_repeats(client: httpx.Client) -> None:
    """Every request takes the next behaviour; none is left means the last one again."""
    with FakeUpstream([server_error(), rate_limited(), Answer("done")]) as up:
        statuses = [ask(client, up).status_code for _ in range(5)]

    assert [500, 429, 200, 200, 200] == statuses


def test_a_script_function_sees_the_request(client: httpx.Client) -> None:
    """A callable decides from the parsed request."""

    def script(received: Received) -> Answer | Fault:
        return Answer("secret") if "authorization" in received.headers else unauthorized()

    with FakeUpstream(script) as up:
        refused = ask(client, up)
        client.headers["Authorization"] = "Bearer k"
        answered = ask(client, up)

    assert (401, 200) == (refused.status_code, answered.status_code)


def test_a_model_can_have_a_script_of_its_own(client: httpx.Client) -> None:
    """`per_model` wins over the script and keeps its own place in its list."""
    with FakeUpstream(Answer("all"), per_model={"ill": [server_error(), Answer("well")]}) as up:
        texts = [ask(client, up, model=model).status_code for model in ("ill", "other", "ill", "other")]

    assert [500, 200, 200, 200] == texts


def test_another_script_can_be_put_in_place_while_running(client: httpx.Client, fake_upstream: FakeUpstream) -> None:
    """`play` lets a provider fall ill and recover in one test."""
    before = ask(client, fake_upstream)
    fake_upstream.play(server_error(503))
    after = ask(client, fake_upstream)

    assert (200, 503) == (before.status_code, after.status_code)


def test_an_empty_script_is_refused() -> None:
    """Nothing to play is a mistake of the test and is told at once."""
    with pytest.raises(ValueError, match="at least one behaviour"):
        FakeUpstream([])


def test_what_a_script_function_raises_fails_the_test(client: httpx.Client) -> None:
    """The client sees a 500; leaving the context raises the script's own error."""

    def script(received: Received) -> Answer:
        raise LookupError(received.model)

    with pytest.raises(LookupError, match="m"), FakeUpstream(script) as up:
        assert 500 == ask(client, up).status_code


def test_requests_are_recorded_whole_and_bounded(client: httpx.Client) -> None:
    """Method, path, lower-case headers and the parsed body; at most the last 1000."""
    with FakeUpstream() as up:
        for number in range(1003):
            client.get(f"{up.root_url}/v1/models", params={"n": number})
        ask(client, up, temperature=0.5)
        requests = up.requests

    assert 1000 == len(requests)
    assert "/v1/models?n=4" == requests[0].path
    assert ("POST", "/v1/chat/completions") == (requests[-1].method, requests[-1].path)
    assert {**QUESTION, "temperature": 0.5} == requests[-1].body
    assert "application/json" == requests[-1].headers["content-type"]


def test_one_connection_serves_many_requests(client: httpx.Client, fake_upstream: FakeUpstream) -> None:
    """Keep-alive holds across plain answers, faults and streams."""
    fake_upstream.play([Answer(), server_error(), rate_limited(), Answer()])
    for stream in (False, True, False, True):
        ask(client, fake_upstream, stream=stream)

    assert 1 == fake_upstream.connections_open


def test_closing_a_stream_closes_its_connection(client: httpx.Client, fake_upstream: FakeUpstream) -> None:
    """A reader that leaves in the middle is noticed at once, also while the server waits."""
    fake_upstream.play(hanging(after_chunks=1))
    with client.stream("POST", f"{fake_upstream.base_url}/chat/completions", json={**QUESTION, "stream": True}) as got:
        lines = got.iter_lines()
        first = next(lines)
        while_open = fake_upstream.connections_open

    assert first.startswith("data: ")
    assert 1 == while_open
    assert fake_upstream.wait_for_connections(0)


def test_waiting_for_connections_that_never_come_says_so(fake_upstream: FakeUpstream) -> None:
    """The helper returns False at its deadline instead of hanging."""
    assert not fake_upstream.wait_for_connections(3, timeout_s=0.01)


def test_stopping_ends_every_connection_and_thread(client: httpx.Client) -> None:
    """A stalled answer does not delay the stop, and no thread stays."""
    with FakeUpstream(stalled()) as up:
        errors: list[Exception] = []

        def call() -> None:
            try:
                ask(client, up)
            except httpx.TransportError as error:
                errors.append(error)

        caller = threading.Thread(target=call)
        caller.start()
        assert up.wait_for_connections(1)
    caller.join(5)

    assert 1 == len(errors)
    assert 0 == up.connections_open
    assert not [thread for thread in threading.enumerate() if thread.name == "fake-upstream"]


def test_a_stopped_upstream_refuses_and_comes_back_at_the_same_address(client: httpx.Client) -> None:
    """Stop and start play a provider that goes down and recovers."""
    with FakeUpstream() as up:
        address = up.base_url
        up.stop()
        with pytest.raises(httpx.ConnectError):
            ask(client, up)
        up.start()

        assert 200 == ask(client, up).status_code
        assert address == up.base_url


def test_starting_twice_and_stopping_twice_is_harmless() -> None:
    """Both are idempotent, so fixtures may overlap."""
    up = FakeUpstream()
    up.start()
    address = up.base_url
    up.start()
    up.stop()
    up.stop()

    assert address == up.base_url


def test_a_key_is_checked_when_one_is_set(client: httpx.Client) -> None:
    """Without the right bearer token every dialect path answers 401."""
    with FakeUpstream(api_key="k1") as up:
        wrong = client.get(f"{up.base_url}/models", headers={"Authorization": "Bearer k2"})
        right = client.get(f"{up.base_url}/models", headers={"Authorization": "Bearer k1"})

    assert (401, 200) == (wrong.status_code, right.status_code)


def test_the_list_of_models_takes_ids_rows_and_faults(client: httpx.Client) -> None:
    """Ids become plain rows; a row of one's own is sent as it is."""
    row = {"id": "b", "pricing": {"prompt": "0"}}
    with FakeUpstream(models=["a", row]) as up:
        listed = client.get(f"{up.base_url}/models").json()["data"]
    with FakeUpstream(models=server_error(502)) as up:
        failed = client.get(f"{up.base_url}/models")

    assert ["a", "b"] == [model["id"] for model in listed]
    assert row == listed[1]
    assert 502 == failed.status_code


def test_further_pages_answer_what_they_are_told(client: httpx.Client) -> None:
    """`pages` makes an upstream look like another server; the rest is a 404."""
    with FakeUpstream(pages={"/api/version": {"version": "1"}, "/props": Fault(401, body="no")}) as up:
        version, props = client.get(f"{up.root_url}/api/version?x=1"), client.get(f"{up.root_url}/props")
        missing = client.get(f"{up.root_url}/nothing")

    assert {"version": "1"} == version.json()
    assert (401, "no") == (props.status_code, props.text)
    assert (404, "not_found") == (missing.status_code, missing.json()["error"]["type"])


def test_any_path_prefix_works(client: httpx.Client, fake_upstream: FakeUpstream) -> None:
    """Hosts keep the dialect under prefixes of their own."""
    response = client.post(f"{fake_upstream.root_url}/openai/v1/chat/completions", json=QUESTION)

    assert 200 == response.status_code


def test_pipelined_requests_are_answered_one_after_the_other(fake_upstream: FakeUpstream) -> None:
    """Two requests in one packet get two answers in order, the first being slow."""
    fake_upstream.play([Answer("first", first_byte_s=0.01), Answer("second")])
    body = json.dumps(QUESTION).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    port = int(fake_upstream.root_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall((head + body) * 2)
        got = b""
        while b"second" not in got:
            got += raw.recv(65536)

    assert got.index(b"first") < got.index(b"second")


def test_a_request_that_is_not_json_is_still_recorded(client: httpx.Client, fake_upstream: FakeUpstream) -> None:
    """A broken body is None, and the script plays all the same."""
    client.post(f"{fake_upstream.base_url}/chat/completions", content=b"{not json")

    assert fake_upstream.requests[0].body is None
    assert "" == fake_upstream.requests[0].model


def test_a_request_without_a_stated_length_is_hung_up_on(client: httpx.Client, fake_upstream: FakeUpstream) -> None:
    """Chunked request bodies are beyond this server; it says so by closing."""
    with pytest.raises(httpx.TransportError):
        client.post(f"{fake_upstream.base_url}/chat/completions", content=iter([b"{}"]))


async def test_fifty_calls_at_once_are_all_answered(fake_upstream: FakeUpstream) -> None:
    """One thread serves many connections side by side; slow ones do not hold up others."""
    fake_upstream.play(lambda received: slow(0.02) if received.model == "slow" else Answer("ok"))
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        url = f"{fake_upstream.base_url}/chat/completions"
        calls = [
            client.post(url, json={**QUESTION, "model": "slow" if number % 10 == 0 else "m", "stream": True})
            for number in range(50)
        ]
        responses = await asyncio.gather(*calls)

    assert {200} == {response.status_code for response in responses}


def test_a_cut_answer_breaks_the_protocol_not_the_server(client: httpx.Client, fake_upstream: FakeUpstream) -> None:
    """After a broken connection the next request is served."""
    fake_upstream.play([cut(after_chunks=1), answer_with_tool("add")])
    with pytest.raises(httpx.RemoteProtocolError):
        ask(client, fake_upstream, stream=True)

    assert 200 == ask(client, fake_upstream).status_code


def test_it_runs_in_a_process_of_its_own_until_its_input_ends(client: httpx.Client) -> None:
    """`python -m openmux_lc.testing` tells its address and ends with its parent."""
    command = [sys.executable, "-m", "openmux_lc.testing", "hello", "there"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, env=environment) as process:
        assert process.stdout is not None
        base_url = json.loads(process.stdout.readline())["base_url"]
        answer = client.post(f"{base_url}/chat/completions", json=QUESTION).json()
        process.communicate(timeout=10)

    assert "hello there" == answer["choices"][0]["message"]["content"]
    assert 0 == process.returncode


def test_the_documented_example_runs() -> None:
    """The docstring's example does what it shows."""
    results = doctest.testmod(module)

    assert results.attempted > 0
    assert 0 == results.failed


def test_the_program_answers_with_the_words_it_was_given(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without words it answers like any other fake upstream; its output is one JSON line."""
    answers: list[str] = []

    class Input:
        def read(self) -> str:
            base_url = json.loads(capsys.readouterr().out)["base_url"]
            body = client.post(f"{base_url}/chat/completions", json=QUESTION).json()
            answers.append(body["choices"][0]["message"]["content"])
            return ""

    monkeypatch.setattr(sys, "stdin", Input())
    main(["hello", "there"])
    main([])

    assert ["hello there", "Hello from the fake upstream."] == answers


def test_pages_may_be_a_function_that_leaves_the_rest_to_the_script(client: httpx.Client) -> None:
    """Any method and path; None plays the script, and what it raises is told as a script's own."""

    def page(received: Received) -> Fault | None:
        if received.path == "/broken":
            raise LookupError("no such page")
        return Fault(202, body={"seen": received.method}) if received.path == "/queue/1" else None

    with pytest.raises(LookupError), FakeUpstream(Answer("hi"), pages=page) as up:  # noqa: PT012 - told on leaving
        seen = client.delete(f"{up.root_url}/queue/1")
        answered = ask(client, up)
        broken = client.get(f"{up.root_url}/broken")

    assert (202, {"seen": "DELETE"}) == (seen.status_code, seen.json())
    assert "hi" == answered.json()["choices"][0]["message"]["content"]
    assert 500 == broken.status_code
