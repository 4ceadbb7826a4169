"""The fixtures that come with the package, used as its users do."""

import httpx
import pytest

from openmux_lc.testing import Answer
from openmux_lc.testing.fixtures import MakeChaos
from openmux_lc.testing.fixtures import chaos_upstream as chaos_upstream  # noqa: PLC0414 - registers the fixture here
from openmux_lc.testing.fixtures import fake_upstream as fake_upstream  # noqa: PLC0414 - the same

pytest_plugins = ["pytester"]

QUESTION = {"model": "m", "messages": []}


def test_each_call_starts_a_host_of_its_own(chaos_upstream: MakeChaos) -> None:
    good = chaos_upstream(1, 0.0, sound=Answer("Hi."))
    bad = chaos_upstream(1, 1.0, of=["server_error"], weights={"server_error": 2.0}, dialect="ollama")
    with httpx.Client(trust_env=False) as client:
        answered = client.post(f"{good.base_url}/chat/completions", json=QUESTION)
        failed = client.post(f"{bad.root_url}/api/chat", json=QUESTION)

    assert "Hi." == answered.json()["choices"][0]["message"]["content"]
    assert (500, {"error": "The server had an error while processing your request."}) == (
        failed.status_code,
        failed.json(),
    )


def test_a_failed_test_shows_what_was_done(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import urllib.request
        from openmux_lc.testing.fixtures import chaos_upstream

        def test_it(chaos_upstream):
            host = chaos_upstream("night", 1, of=["html_page"])
            body = b'{"model": "tiny", "messages": []}'
            urllib.request.urlopen(f"{host.base_url}/chat/completions", data=body)
        """
    )
    ended = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:asyncio")

    ended.assert_outcomes(failed=1)
    ended.stdout.fnmatch_lines(["chaos with seed 'night' did:", "  0: html_page (tiny)"])
