"""Options that several commands share."""

import io
import sys

import pytest

from openmux_lc.cli.options import read_text, to_options, to_task
from openmux_lc.errors import ConfigError
from openmux_lc.mux import Mux
from openmux_lc.settings import Settings


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> io.BytesIO:
    """Standard input, to be filled by the test."""
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content, encoding="ascii"))
    return content


def fill(stdin: io.BytesIO, content: bytes) -> None:
    stdin.write(content)
    stdin.seek(0)


def test_words_are_joined_to_one_text():
    assert read_text(["what", "is", "this?"]) == "what is this?"


def test_a_dash_stands_for_standard_input(stdin: io.BytesIO):
    fill(stdin, "piped é\n".encode())

    assert read_text(["-"]) == "piped é"


def test_words_may_stand_around_standard_input(stdin: io.BytesIO):
    fill(stdin, b"the article\n")

    assert read_text(["Sum", "up:", "-", "In one line."]) == "Sum up:\n\nthe article\n\nIn one line."


def test_a_byte_order_mark_is_no_text(stdin: io.BytesIO):
    fill(stdin, b"\xef\xbb\xbfhello")

    assert read_text(["-"]) == "hello"


@pytest.mark.parametrize("content", [b"", b"  \n"])
def test_empty_input_is_wrong_usage(stdin: io.BytesIO, content: bytes):
    fill(stdin, content)

    with pytest.raises(ConfigError, match="there is no text"):
        read_text(["-"])


def test_input_that_is_no_utf8_is_named_by_its_first_bad_byte(stdin: io.BytesIO):
    fill(stdin, b"abc\xff")

    with pytest.raises(ConfigError, match="byte 3"):
        read_text(["-"])


def test_endless_input_is_not_read_to_its_end(stdin: io.BytesIO):
    fill(stdin, b"x" * (16 * 1024 * 1024 + 1))

    with pytest.raises(ConfigError, match="16 MiB"):
        read_text(["-"])


def test_an_argument_that_is_no_utf8_becomes_text_that_can_be_sent():
    assert read_text(["a\udcffb"]).encode("utf-8") == "a\ufffdb".encode()


def test_a_task_is_found_whatever_its_case():
    assert to_task(" Code ") == "code"


def test_an_unknown_task_names_those_that_exist():
    with pytest.raises(ConfigError, match=r"'poems'.*chat, code, tts"):
        to_task("poems")


def test_what_was_not_said_stays_as_the_settings_have_it():
    mux = Mux(Settings(timeout_s=7.0, routing_profile="fast", state_url="memory:"))

    options = to_options(mux, models=None, task=None, profile=None)

    assert (7.0, "fast", (), None) == (options.timeout_s, options.routing_profile, options.chain, options.task)


def test_what_was_said_wins():
    mux = Mux(Settings(state_url="memory:"))

    options = to_options(mux, models=["a:b", "auto"], task="code", profile="fast", timeout_s=3)

    assert (3, "fast", ("a:b", "auto"), "code") == (
        options.timeout_s,
        options.routing_profile,
        options.chain,
        options.task,
    )


@pytest.mark.parametrize("seconds", [0, -1, 1e9, float("nan")])
def test_a_wait_that_is_none_is_refused(seconds: float):
    mux = Mux(Settings(state_url="memory:"))

    with pytest.raises(ConfigError, match="--timeout"):
        to_options(mux, models=None, task=None, profile=None, timeout_s=seconds)
