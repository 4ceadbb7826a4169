"""A key appears nowhere: not in an answer, an error, a log, a report or a file."""

from pathlib import Path

import pytest

from openmux_lc.testing import FakeUpstream, Fault, html_page, unauthorized
from tests.cli.program import KEY, Invoke, Openmux, hosted_at

ECHO = Fault(401, body={"error": {"message": f"Incorrect API key provided: {KEY}", "type": "invalid_api_key"}})
"""Some providers repeat the key in their error."""

COMMANDS = (
    ("chat", "hello"),
    ("chat", "--json", "hello"),
    ("chat", "--why", "hello"),
    ("models", "--all", "--json"),
    ("providers", "--json"),
    ("doctor", "--online"),
    ("doctor", "--json"),
    ("explain", "hello"),
    ("config", "check"),
    ("runs", "--json"),
    ("report", "--json", "last"),
    ("chat", "-m", "groq:openai/gpt-oss-20b", "--json", "hello"),
)


@pytest.mark.parametrize(
    ("bad", "level"),
    [(None, "DEBUG"), (ECHO, "WARNING"), (ECHO, "DEBUG"), (unauthorized(), "INFO"), (html_page(), "DEBUG")],
)
def test_no_command_ever_shows_or_keeps_the_key(invoke: Invoke, tmp_path: Path, bad: Fault | None, level: str):
    with FakeUpstream(bad, models=bad or ("a",)) as upstream:
        env = hosted_at(upstream, OPENMUX_STATE_URL=f"sqlite:///{tmp_path / 'state.db'}", LOG_LEVEL=level)
        ended = [invoke(*words, env=env) for words in COMMANDS]

    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert any(each.headers.get("authorization") == f"Bearer {KEY}" for each in upstream.requests)
    assert [words for words, each in zip(COMMANDS, ended, strict=True) if KEY in each.output] == []
    assert KEY.encode() not in kept
    assert level == "DEBUG" or not any("Traceback" in each.output for each in ended)


def test_the_real_program_does_not_show_it_either(openmux: Openmux):
    with FakeUpstream(ECHO, models=ECHO) as upstream:
        ended = openmux("chat", "--why", "hello", env=hosted_at(upstream, LOG_LEVEL="DEBUG"))

    assert ended.code == 1
    assert "AuthenticationFailed" in ended.err
    assert KEY not in ended.out + ended.err
