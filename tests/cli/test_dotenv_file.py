"""A `.env` file is changed in one place only, and is private."""

import io
import stat
import sys
from pathlib import Path

import dotenv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.cli.dotenv_file import read_dotenv, value_in, with_variable, write_private
from openmux_lc.errors import ConfigError

KEYS = st.text(alphabet=[chr(code) for code in range(0x21, 0x7F)], min_size=1, max_size=60)
LINES = st.lists(
    st.sampled_from(["A=1", "# a comment", "", "export B='two words'", "OTHER_KEY=x", "GROQ_API_KEY_2=no", 'C="x#y"']),
    max_size=6,
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "K=v\n"),
        ("A=1\n", "A=1\nK=v\n"),
        ("A=1", "A=1\nK=v\n"),
        ("A=1\r\n", "A=1\r\nK=v\r\n"),
        ("K=\nA=1\n", "K=v\nA=1\n"),
        ("# note\nK=old  # why\nA=1\n", "# note\nK=v\nA=1\n"),
        ("export K=old\n", "export K=v\n"),
        ("  K = old\r\nA=1\r\n", "  K=v\r\nA=1\r\n"),
        ("#K=\n", "#K=\nK=v\n"),
        ("K=one\nK=two\n", "K=one\nK=v\n"),
        ("XK=1\nK2=2\n", "XK=1\nK2=2\nK=v\n"),
        ("\ufeffK=old\n", "\ufeffK=v\n"),
    ],
)
def test_one_line_changes_and_all_others_stay(before: str, after: str):
    assert after == with_variable(before, "K", "v")


@given(lines=LINES, key=KEYS)
def test_what_is_written_is_read_back_and_nothing_else_moves(lines: list[str], key: str):
    before = "\n".join(lines)

    after = with_variable(before, "GROQ_API_KEY", key)

    old = dotenv.dotenv_values(stream=io.StringIO(before), interpolate=False)
    new = dotenv.dotenv_values(stream=io.StringIO(after), interpolate=False)
    assert new == {**old, "GROQ_API_KEY": key}
    assert after.startswith(before)


def test_the_value_that_counts_is_the_last_one():
    assert value_in("K=one\nK=two\n", "K") == "two"
    assert value_in("K=\n", "K") == ""
    assert value_in("", "K") == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no file modes")
def test_the_file_is_readable_by_its_owner_alone(tmp_path: Path):
    path = tmp_path / ".env"
    path.write_text("A=1\n", encoding="utf-8")
    path.chmod(0o644)

    write_private(path, "A=1\nK=v\n")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text(encoding="utf-8") == "A=1\nK=v\n"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_stays_a_link(tmp_path: Path):
    target = tmp_path / "real.env"
    target.write_text("A=1\n", encoding="utf-8")
    link = tmp_path / ".env"
    link.symlink_to(target)

    write_private(link, "A=2\n")

    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "A=2\n"


def test_a_folder_that_does_not_take_it_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="nowhere"):
        write_private(tmp_path / "nowhere" / ".env", "A=1\n")


def test_a_file_that_is_no_utf8_is_left_alone(tmp_path: Path):
    path = tmp_path / ".env"
    path.write_bytes(b"A=\xff\n")

    with pytest.raises(ConfigError, match="left as it is"):
        read_dotenv(path)

    assert path.read_bytes() == b"A=\xff\n"


def test_no_file_is_an_empty_text(tmp_path: Path):
    assert read_dotenv(tmp_path / ".env") == ""
