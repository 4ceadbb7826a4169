"""Settings: order of the layers, bad input, and what a found file may not say."""

from pathlib import Path

import pytest

from openmux_lc.errors import ConfigError
from openmux_lc.settings import Settings, config_folder
from openmux_lc.trust import is_trusted, trust


def load(tmp_path: Path, **environ: str) -> Settings:
    return Settings.load(environ=environ, cwd=tmp_path)


def test_arguments_win_over_environment_over_dotenv_over_the_file(tmp_path: Path):
    """The order of the contract, each layer removed in turn."""
    config = tmp_path / "config.toml"
    config.write_text('schema = 1\n[routing]\nprofile = "budget"\n')
    (tmp_path / ".env").write_text("OPENMUX_ROUTING_PROFILE=speed\nOPENMUX_OFFLINE=1\n")
    named = {"OPENMUX_CONFIG": str(config)}

    from_environment = load(tmp_path, **named, OPENMUX_ROUTING_PROFILE="quality", OPENMUX_OFFLINE="0")
    from_dotenv = load(tmp_path, **named)
    (tmp_path / ".env").unlink()
    from_file = load(tmp_path, **named)
    from_argument = Settings.load(environ={**named, "OPENMUX_OFFLINE": "0"}, cwd=tmp_path, offline=True)

    assert ("quality", False) == (from_environment.routing_profile, from_environment.offline)
    assert ("speed", True) == (from_dotenv.routing_profile, from_dotenv.offline)
    assert ("budget", False) == (from_file.routing_profile, from_file.offline)
    assert from_argument.offline


def test_a_dotenv_is_found_in_a_parent_folder(tmp_path: Path):
    """S1-02: the search goes upward from the working directory."""
    (tmp_path / ".env").write_text("GROQ_API_KEY=gsk_test\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)

    found = Settings.load(environ={}, cwd=inner).lookup("GROQ_API_KEY")

    assert found is not None
    assert ("gsk_test", str(tmp_path / ".env")) == (found.value, found.origin)


def test_no_repr_shows_a_key(tmp_path: Path):
    settings = load(tmp_path, GROQ_API_KEY="gsk_secret_value")

    assert "gsk_secret_value" not in repr(settings)
    assert "gsk_secret_value" not in repr(settings.lookup("GROQ_API_KEY"))


def test_a_blank_variable_counts_as_unset(tmp_path: Path):
    assert load(tmp_path, GROQ_API_KEY="  ").lookup("GROQ_API_KEY") is None


def test_providers_are_a_list_of_ids(tmp_path: Path):
    assert ("groq", "ollama") == load(tmp_path, OPENMUX_PROVIDERS=" groq, ollama,").providers


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"OPENMUX_PROVIDERS": "Groq!"}, "Groq!"),
        ({"OPENMUX_OFFLINE": "perhaps"}, "write 1 or 0"),
        ({"OPENMUX_TIMEOUT": "soon"}, "number of seconds"),
        ({"OPENMUX_TIMEOUT": "-1"}, "number of seconds"),
        ({"OPENMUX_CONFIG": "/nowhere/at/all.toml"}, "/nowhere/at/all.toml"),
    ],
)
def test_a_bad_variable_is_named_with_its_mend(tmp_path: Path, variables: dict[str, str], told: str):
    with pytest.raises(ConfigError, match=r".") as caught:
        load(tmp_path, **variables)

    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema = 2\n", ":1: schema"),
        ("schema = 1\n\n[routing]\nfalback = []\n", ":4: routing.falback"),
        ("schema = 1\n[[models]]\nroute = 'nocolon'\n", ":3: models.route"),
        ("schema = 1\n[providers.mine]\nbase_url = 'ftp://x'\n", ":3: providers.mine.base_url"),
        ("schema = 1\n[[models]\n", "not valid TOML"),
        ("[routing]\n", "schema"),
    ],
)
def test_a_malformed_file_is_told_with_file_key_and_line(tmp_path: Path, text: str, told: str):
    path = tmp_path / "c.toml"
    path.write_text(text)

    with pytest.raises(ConfigError) as caught:
        load(tmp_path, OPENMUX_CONFIG=str(path))

    assert str(path) in str(caught.value)
    assert told in str(caught.value)


def test_an_unknown_key_is_answered_with_the_nearest_one(tmp_path: Path):
    path = tmp_path / "c.toml"
    path.write_text("schema = 1\n[routing]\nfalback = []\n")

    with pytest.raises(ConfigError, match="did you mean 'fallback'"):
        load(tmp_path, OPENMUX_CONFIG=str(path))


def test_an_address_is_overridden_by_a_variable_with_underscores(tmp_path: Path):
    settings = load(tmp_path, OPENMUX_AI_HORDE_BASE_URL="http://127.0.0.1:1/v1")

    found = settings.base_url("ai-horde")

    assert found is not None
    assert "http://127.0.0.1:1/v1" == found.value


def test_trust_ends_with_the_first_changed_byte(tmp_path: Path):
    """A file is trusted by path and content (DESIGN.md, principle 5)."""
    path = tmp_path / ".env"
    path.write_text("A=1\n")

    trust(path)
    before = is_trusted(path)
    path.write_text("A=2\n")

    assert before
    assert not is_trusted(path)


def test_what_a_dotenv_names_is_not_trusted_as_configuration(tmp_path: Path):
    config = tmp_path / "c.toml"
    config.write_text("schema = 1\n")
    (tmp_path / ".env").write_text(f"OPENMUX_CONFIG={config}\n")

    origin = load(tmp_path).document_origin

    assert origin is not None
    assert not origin.is_trusted


def test_the_platforms_configuration_folder_is_the_default_and_trusted(tmp_path: Path):
    config_folder().mkdir(parents=True)
    (config_folder() / "config.toml").write_text('schema = 1\n[routing]\nfallback = ["ollama:qwen3:8b"]\n')

    settings = load(tmp_path)

    assert ("ollama:qwen3:8b",) == settings.fallback
    assert settings.document_origin is not None
    assert settings.document_origin.is_trusted


def test_trusting_nothing_is_an_error(tmp_path: Path):
    with pytest.raises(ConfigError, match="no file"):
        trust(tmp_path / "absent")


def test_a_dotenv_that_is_no_text_is_told(tmp_path: Path):
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00A=1")

    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path)
