"""What responses tell about limits reaches the ledger from every kind of response, however it ends."""

import time
from pathlib import Path

import pytest

from openmux_lc.engine.ask import AnswerStream, ask
from openmux_lc.errors import AllRoutesFailedError
from openmux_lc.mux import Mux, to_request
from openmux_lc.testing import Answer, FakeUpstream, Fault, cut
from openmux_lc.types.run import Options
from openmux_lc.types.state import Cooldown
from tests.pool import make_pool

QUESTION = to_request("What is the capital of France?")
SPENT = {
    "x-ratelimit-limit-requests": "1000",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "2m59.56s",
}
REFUSED = Fault(
    429,
    body={
        "error": {
            "message": "Rate limit reached for model `m` in organization `org` service tier `on_demand` on requests "
            "per minute (RPM): Limit 2, Used 2, Requested 1. Please try again in 20s.",
            "type": "requests",
            "code": "rate_limit_exceeded",
        }
    },
    headers={"retry-after": "20"},
)


def pause_of(mux: Mux) -> Cooldown | None:
    return mux.ledger.snapshot().cooldowns.get("first:m")


def test_the_headers_of_a_whole_answer_count(tmp_path: Path) -> None:
    with FakeUpstream(Answer("Paris.", headers=SPENT)) as upstream, make_pool(tmp_path, {"first": upstream}) as mux:
        ask(mux, QUESTION)
        pause = pause_of(mux)

    assert pause is not None
    assert 170 < pause.until - time.time() < 181


@pytest.mark.parametrize("leaves", [False, True], ids=["read to its end", "left"])
def test_the_headers_of_a_stream_count_however_it_ends(tmp_path: Path, *, leaves: bool) -> None:
    """S4 defect 9: the rate headers of streaming responses were ignored there."""
    answer = Answer("one two three four", headers=SPENT, per_chunk_s=0.01)
    with FakeUpstream(answer) as upstream, make_pool(tmp_path, {"first": upstream}) as mux:
        with AnswerStream(mux, QUESTION) as stream:
            for _ in stream:
                if leaves:
                    break
        pause = pause_of(mux)

    assert pause is not None
    assert 170 < pause.until - time.time() < 181


def test_a_limit_that_a_refusal_tells_is_learned(tmp_path: Path) -> None:
    """FIELD e1: `Limit 2, Used 2` is worth more than a pause: it holds next time as well."""
    with FakeUpstream(REFUSED) as upstream, make_pool(tmp_path, {"first": upstream}) as mux:
        with pytest.raises(AllRoutesFailedError):
            ask(mux, QUESTION, Options(chain=("first:m",)))
        learned = mux.ledger._books.mirror.learned  # what `openmux quota` shows

    ((name, row),) = learned.items()
    assert ("key_model|requests|rolling|60.0|0|first:m", 2, "body") == (name, row.amount, row.source)


def test_a_stream_that_breaks_off_has_told_its_limits_too(tmp_path: Path) -> None:
    broken = cut(2)
    answer = Answer(broken.text, after_chunks=2, ending="cut", headers=SPENT)
    with FakeUpstream(answer) as upstream, make_pool(tmp_path, {"first": upstream}) as mux:
        with AnswerStream(mux, QUESTION) as stream, pytest.raises(Exception, match="broke off"):
            list(stream)
        pause = pause_of(mux)

    assert pause is not None
    assert 170 < pause.until - time.time() < 181
