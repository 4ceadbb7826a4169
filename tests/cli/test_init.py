"""`openmux init`: a key comes in unseen, is checked, and lies in one place."""

import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from openmux_lc.testing import FakeUpstream
from tests.cli.program import KEY, Invoke, Openmux, hosted_at, posix_only, terminal

OTHER = "gsk_" + "ANOTHERKEYthatstoodtherebefore000001"


def without_key(upstream: FakeUpstream, **changes: str) -> dict[str, str]:
    return {name: value for name, value in hosted_at(upstream).items() if name != "GROQ_API_KEY"} | changes


def take(openmux: Openmux, upstream: FakeUpstream, *words: str, key: str = KEY, **changes: str):
    return openmux("init", "--provider", "groq", "--key-stdin", *words, env=without_key(upstream, **changes), stdin=key)


def test_a_good_key_is_written_privately_and_never_shown(openmux: Openmux):
    path = Path(".env")
    path.write_text("# mine\nA=1\nexport GROQ_API_KEY=\nB='two words'\n", encoding="utf-8")
    with FakeUpstream(api_key=KEY, models=("a", "b")) as upstream:
        ended = take(openmux, upstream, key=f"  {KEY}\n")

    assert ended.code == 0
    assert path.read_text(encoding="utf-8") == f"# mine\nA=1\nexport GROQ_API_KEY={KEY}\nB='two words'\n"
    assert sys.platform == "win32" or stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KEY not in ended.out + ended.err
    assert "accepts the key; it lists 2 models" in ended.err
    assert ".env" in ended.err


def test_the_next_question_finds_the_key(openmux: Openmux):
    with FakeUpstream(api_key=KEY) as upstream:
        take(openmux, upstream)
        ended = openmux("chat", "hello", env=without_key(upstream))

    assert (0, "Hello from the fake upstream.\n") == (ended.code, ended.out)


def test_a_refused_key_is_not_written(openmux: Openmux):
    with FakeUpstream(api_key=OTHER) as upstream:
        ended = take(openmux, upstream)

    assert ended.code == 1
    assert not Path(".env").exists()
    assert "does not accept this key (401)" in ended.err
    assert KEY not in ended.out + ended.err


def test_no_check_keeps_a_key_unseen(openmux: Openmux):
    with FakeUpstream(api_key=OTHER) as upstream:
        ended = take(openmux, upstream, "--no-check")

    assert ended.code == 0
    assert upstream.requests == ()
    assert Path(".env").read_text(encoding="utf-8") == f"GROQ_API_KEY={KEY}\n"


def test_where_there_is_no_free_way_to_check_nobody_is_asked(openmux: Openmux, tmp_path: Path):
    config = tmp_path / "mine.toml"
    with FakeUpstream() as upstream:
        row = f'[providers.mine]\nbase_url = "{upstream.base_url}"\napi_key_env = "MINE_API_KEY"\nfree = true\n'
        config.write_text(f"schema = 1\n{row}", encoding="utf-8")
        env = {"OPENMUX_CONFIG": str(config), "OPENMUX_STATE_URL": "memory:"}
        ended = openmux("init", "--provider", "mine", "--key-stdin", env=env, stdin=KEY)

    assert ended.code == 0
    assert "no free way" in ended.err
    assert upstream.requests == ()
    assert Path(".env").read_text(encoding="utf-8") == f"MINE_API_KEY={KEY}\n"


def test_offline_a_key_is_kept_and_nobody_is_asked(openmux: Openmux):
    with FakeUpstream(api_key=KEY) as upstream:
        ended = take(openmux, upstream, OPENMUX_OFFLINE="1")

    assert ended.code == 0
    assert upstream.requests == ()
    assert Path(".env").exists()


def test_a_provider_that_wants_more_than_a_key_says_what(openmux: Openmux):
    env = {"OPENMUX_STATE_URL": "memory:"}
    ended = openmux("init", "--provider", "cloudflare", "--key-stdin", env=env, stdin=KEY)

    assert ended.code == 0
    assert "also wants CLOUDFLARE_ACCOUNT_ID set" in ended.err
    assert Path(".env").read_text(encoding="utf-8") == f"CLOUDFLARE_API_TOKEN={KEY}\n"


def test_a_host_that_cannot_be_reached_does_not_lose_the_key(openmux: Openmux):
    with FakeUpstream() as upstream:
        pass  # its port is closed now

    ended = take(openmux, upstream)

    assert ended.code == 0
    assert "could not be checked" in ended.err
    assert KEY in Path(".env").read_text(encoding="utf-8")


def test_another_key_is_never_replaced_unasked(openmux: Openmux):
    path = Path(".env")
    path.write_text(f"GROQ_API_KEY={OTHER}\n", encoding="utf-8")
    with FakeUpstream(api_key=KEY) as upstream:
        ended = take(openmux, upstream)
        kept = path.read_text(encoding="utf-8")
        replaced = take(openmux, upstream, "--replace")

    assert ended.code == 2
    assert kept == f"GROQ_API_KEY={OTHER}\n"
    assert "--replace" in ended.err
    assert OTHER not in ended.err
    assert replaced.code == 0
    assert path.read_text(encoding="utf-8") == f"GROQ_API_KEY={KEY}\n"


def test_the_same_key_again_is_fine(openmux: Openmux):
    with FakeUpstream(api_key=KEY) as upstream:
        codes = [take(openmux, upstream).code for _ in range(2)]

    assert codes == [0, 0]
    assert Path(".env").read_text(encoding="utf-8") == f"GROQ_API_KEY={KEY}\n"


def test_the_env_file_in_force_is_the_one_that_is_changed(openmux: Openmux):
    Path(".env").write_text("A=1\n", encoding="utf-8")
    below = Path("deep/down")
    below.mkdir(parents=True)
    with FakeUpstream(api_key=KEY) as upstream:
        openmux("init", "--provider", "groq", "--key-stdin", env=without_key(upstream), stdin=KEY, cwd=below.absolute())

    assert not (below / ".env").exists()
    assert Path(".env").read_text(encoding="utf-8") == f"A=1\nGROQ_API_KEY={KEY}\n"


def test_another_file_can_be_named(openmux: Openmux, tmp_path: Path):
    with FakeUpstream(api_key=KEY) as upstream:
        take(openmux, upstream, "--env-file", str(tmp_path / "keys.env"))

    assert (tmp_path / "keys.env").read_text(encoding="utf-8") == f"GROQ_API_KEY={KEY}\n"
    assert not Path(".env").exists()


def test_an_environment_variable_that_wins_is_pointed_out(openmux: Openmux):
    with FakeUpstream(api_key=KEY) as upstream:
        ended = take(openmux, upstream, GROQ_API_KEY=OTHER)

    assert ended.code == 0
    assert "environment variable GROQ_API_KEY" in ended.err
    assert OTHER not in ended.err


@pytest.mark.parametrize("key", ["", "   \n", "two words", "tab\there", "ключ", "bell\x07", "x" * 5000])
def test_what_cannot_be_a_key_is_refused_without_being_repeated(openmux: Openmux, key: str):
    with FakeUpstream() as upstream:
        ended = take(openmux, upstream, key=key)

    assert ended.code == 2
    assert "nothing was written" in ended.err
    assert not key.strip() or key.strip() not in ended.err
    assert not Path(".env").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--provider", "grok", "--key-stdin"), "no provider 'grok'"),
        (("--provider", "together", "--key-stdin"), "is off"),
        (("--key-stdin",), "--provider"),
        ((), "--key-stdin"),
        (("--provider", "groq"), "--key-stdin"),
    ],
)
def test_wrong_usage_is_told(invoke: Invoke, words: tuple[str, ...], told: str):
    ended = invoke("init", *words, stdin="x\n")

    assert ended.exit_code == 2
    assert told in ended.stderr


def test_a_keyring_that_refuses_is_told(openmux: Openmux):
    """A server has no keyring; the error names the way out, and nothing is written."""
    pytest.importorskip("keyring")
    with FakeUpstream(api_key=KEY) as upstream:
        ended = take(openmux, upstream, "--keyring", PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")

    assert ended.code == 2
    assert ".env" in ended.err
    assert KEY not in ended.out + ended.err


def test_a_keyring_takes_the_key_instead_of_a_file(openmux: Openmux):
    pytest.importorskip("keyring")
    with FakeUpstream(api_key=KEY) as upstream:
        ended = take(openmux, upstream, "--keyring", PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring")

    assert ended.code == 0
    assert "keyring" in ended.err
    assert not Path(".env").exists()


@posix_only
@pytest.mark.parametrize(
    "chosen", [lambda _: "groq", lambda _: "Groq", lambda shown: re.search(r"(\d+) +Groq", shown)[1]]
)
def test_the_wizard_asks_shows_the_page_and_never_the_key(chosen: Callable[[str], str]):
    with (
        FakeUpstream(api_key=KEY) as upstream,
        terminal("init", env=without_key(upstream)) as screen,
    ):
        screen.wait_for("provider (number or name): ")
        screen.type("nobody\n")
        screen.wait_for("none of them")
        screen.wait_for("provider (number or name): ")
        screen.type(f"{chosen(screen.shown)}\n")
        screen.wait_for("get a key at https://console.groq.com/keys")
        screen.wait_for("key (not shown): ")
        screen.type(f"{KEY}\n")
        screen.wait_for("accepts the key")
        code = screen.code()

    assert code == 0
    assert KEY not in screen.shown
    assert Path(".env").read_text(encoding="utf-8") == f"GROQ_API_KEY={KEY}\n"


@posix_only
def test_the_wizard_asks_before_it_replaces_a_key():
    Path(".env").write_text(f"GROQ_API_KEY={OTHER}\n", encoding="utf-8")
    with (
        FakeUpstream(api_key=KEY) as upstream,
        terminal("init", "--provider", "groq", env=without_key(upstream)) as screen,
    ):
        screen.wait_for("key (not shown): ")
        screen.type(f"{KEY}\n")
        screen.wait_for("replace it? [y/N]")
        screen.type("n\n")
        code = screen.code()

    assert code == 2
    assert Path(".env").read_text(encoding="utf-8") == f"GROQ_API_KEY={OTHER}\n"
    assert OTHER not in screen.shown


@posix_only
def test_leaving_the_wizard_writes_nothing():
    with FakeUpstream() as upstream, terminal("init", env=without_key(upstream)) as screen:
        screen.wait_for("provider (number or name): ")
        screen.type("\x04")
        code = screen.code()

    assert code == 1
    assert not Path(".env").exists()
