"""`openmux config`: where settings come from, and whom the user trusts."""

import json
from pathlib import Path

import pytest

from openmux_lc.cli.config import without_password
from tests.cli.program import KEY, Invoke


def check(invoke: Invoke, **env: str) -> dict[str, tuple[str, str]]:
    ended = invoke("config", "check", "--json", env=env)
    assert ended.exit_code == 0, ended.stderr
    assert KEY not in ended.stdout
    return {entry["setting"]: (entry["value"], entry["from"]) for entry in json.loads(ended.stdout)}


def test_each_setting_tells_where_it_comes_from(invoke: Invoke, tmp_path: Path):
    config = tmp_path / "mine.toml"
    config.write_text("schema = 1\n[routing]\nprofile = 'speed'\ntimeout_s = 9.0\n", encoding="utf-8")
    Path(".env").write_text(f"OPENMUX_OFFLINE=1\nGROQ_API_KEY={KEY}\n", encoding="utf-8")

    told = check(invoke, OPENMUX_CONFIG=str(config), OPENMUX_TIMEOUT="7", OPENMUX_STATE_URL="memory:")

    assert told["profile"] == ("speed", str(config))
    assert told["timeout_s"] == ("7", "OPENMUX_TIMEOUT (environment)")
    assert told["offline"] == ("yes", f"OPENMUX_OFFLINE ({Path('.env').absolute()})")
    assert told["providers"] == ("all", "default")
    assert told["key of groq"] == ("GROQ_API_KEY", str(Path(".env").absolute()))
    assert told[".env"][1].startswith("not trusted")


def test_the_table_and_its_verdict(invoke: Invoke):
    ended = invoke("config", "check", env={"OPENMUX_GROQ_BASE_URL": "http://127.0.0.1:9/v1"})

    assert ended.exit_code == 0
    assert "address of groq" in ended.stdout
    assert "the configuration holds" in ended.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema = 1\n[routing]\nfallbak = []\n", ":3: routing.fallbak"),
        ("schema = 1\n[routing]\nfallback = ['grok:x']\n", "grok"),
        (
            "schema = 1\n[routing]\nproviders = ['grok']\n",
            ":3: routing.providers: no provider 'grok'; did you mean 'groq'",
        ),
        ("schema = \n", "not valid TOML"),
        ("schema = 1\n[[models]]\nroute = 'nope:x'\n", "nope"),
        ("schema = 1\n[routing]\nprofile = 'nonesuch'\n", "nonesuch"),
        ("schema = 1\n[routing.weights.mine]\nbeauty = 1.0\n", "beauty"),
    ],
)
def test_what_is_wrong_is_named_and_ends_with_two(invoke: Invoke, tmp_path: Path, text: str, told: str):
    config = tmp_path / "mine.toml"
    config.write_text(text, encoding="utf-8")

    ended = invoke("config", "check", env={"OPENMUX_CONFIG": str(config)})

    assert ended.exit_code == 2
    assert told in ended.stderr


def test_providers_that_do_not_exist_are_wrong_configuration(invoke: Invoke):
    ended = invoke("config", "check", env={"OPENMUX_PROVIDERS": "grok"})

    assert ended.exit_code == 2
    assert "environment: OPENMUX_PROVIDERS: no provider 'grok'; did you mean 'groq'?" in ended.stderr


def test_an_address_tells_its_variable(invoke: Invoke):
    told = check(invoke, OLLAMA_HOST="0.0.0.0:9", OPENMUX_LMSTUDIO_BASE_URL="http://127.0.0.1:9/v1")

    assert told["address of ollama"] == ("http://127.0.0.1:9", "OLLAMA_HOST (environment)")
    assert told["address of lmstudio"] == ("http://127.0.0.1:9/v1", "OPENMUX_LMSTUDIO_BASE_URL (environment)")


def test_a_dotenv_that_names_a_file_to_be_written_is_refused_until_it_is_trusted(invoke: Invoke, tmp_path: Path):
    victim = tmp_path / "victim"
    victim.write_text("precious\n", encoding="utf-8")
    Path(".env").write_text(f"OPENMUX_STATE_URL=sqlite:///{victim}\n", encoding="utf-8")

    refused = invoke("doctor", env={"OPENMUX_OFFLINE": "1"})
    invoke("config", "trust", ".env")
    trusted = invoke("doctor", "--json", env={"OPENMUX_OFFLINE": "1"})

    assert refused.exit_code == 2
    assert f"openmux config trust {Path('.env').absolute()}" in refused.stderr
    assert "cannot be used" in json.loads(trusted.stdout)["state"]
    assert "precious\n" == victim.read_text(encoding="utf-8")


def test_path_is_one_line_for_scripts(invoke: Invoke, tmp_path: Path):
    usual = invoke("config", "path")
    config = tmp_path / "mine.toml"
    config.write_text("schema = 1\n", encoding="utf-8")
    named = invoke("config", "path", env={"OPENMUX_CONFIG": str(config)})

    assert usual.stdout.endswith("config.toml\n")
    assert named.stdout == f"{config}\n"
    assert "provider rows" in usual.stderr


def test_trust_holds_for_a_file_as_it_is_now(invoke: Invoke):
    """DESIGN.md, principle 5: one changed byte and it is asked for again."""
    path = Path(".env")
    path.write_text("A=1\n", encoding="utf-8")

    before = check(invoke)[".env"][1]
    ended = invoke("config", "trust", ".env")
    trusted = check(invoke)[".env"][1]
    path.write_text("A=2\n", encoding="utf-8")
    after = check(invoke)[".env"][1]

    assert ended.exit_code == 0
    assert [before.startswith("not"), trusted, after.startswith("not")] == [True, "trusted", True]


def test_a_diverted_key_is_refused_until_the_file_is_trusted(invoke: Invoke):
    Path(".env").write_text("OPENMUX_GROQ_BASE_URL=https://evil.example/v1\n", encoding="utf-8")
    env = {"GROQ_API_KEY": KEY, "OPENMUX_PROVIDERS": "groq", "OPENMUX_STATE_URL": "memory:"}

    refused = invoke("chat", "hello", env=env)
    invoke("config", "trust", ".env")
    trusted = invoke("config", "check", env=env)

    assert refused.exit_code == 2
    assert "openmux config trust" in refused.stderr
    assert KEY not in refused.stderr
    assert trusted.exit_code == 0


def test_a_file_that_is_not_there_cannot_be_trusted(invoke: Invoke):
    ended = invoke("config", "trust", "nowhere.env")

    assert ended.exit_code == 2
    assert "nowhere.env" in ended.stderr


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:////a/b", "sqlite:////a/b"),
        ("memory:", "memory:"),
        ("redis://user:secret@host:1/0", "redis://***@host:1/0"),
        ("http://[", "(no address)"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, expected: str):
    assert expected == without_password(url)
