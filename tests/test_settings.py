"""Settings: order of the layers, bad input, and what a found file may not say."""

from pathlib import Path

import pytest

from openmux_lc.call_options import CallOptions
from openmux_lc.config_schema import WEIGHT_TERMS
from openmux_lc.errors import ConfigError, UntrustedConfigError
from openmux_lc.folders import config_folder
from openmux_lc.routing.score import TERMS
from openmux_lc.settings import Settings
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


def found(tmp_path: Path, dotenv: str = "", project: str = "", own: str = "", **environ: str) -> Settings:
    """Settings of a folder with a `.env` that may name a TOML file, over the user's own file."""
    if own:
        config_folder().mkdir(parents=True, exist_ok=True)
        (config_folder() / "config.toml").write_text(f"schema = 1\n[routing]\n{own}\n")
    if project:
        path = tmp_path / "project.toml"
        path.write_text(f"schema = 1\n[routing]\n{project}\n")
        dotenv += f"\nOPENMUX_CONFIG={path}"
    (tmp_path / ".env").write_text(dotenv)
    return load(tmp_path, **environ)


@pytest.mark.parametrize("url", ["sqlite:////home/me/.ssh/config", "sqlite:///state.db", "redis://me:hunter2@host"])
def test_an_untrusted_dotenv_may_not_say_which_file_is_written(tmp_path: Path, url: str):
    """Principle 5: a repository one merely stands in would have it overwritten."""
    with pytest.raises(UntrustedConfigError) as caught:
        found(tmp_path, f"OPENMUX_STATE_URL={url}")

    told = str(caught.value)
    assert f"{tmp_path / '.env'}: OPENMUX_STATE_URL: " in told
    assert f"openmux config trust {tmp_path / '.env'}" in told
    assert url not in told


def test_nor_may_an_untrusted_file(tmp_path: Path):
    with pytest.raises(UntrustedConfigError) as caught:
        found(tmp_path, project='state_url = "sqlite:///x.db"')

    told = str(caught.value)
    assert f"{tmp_path / 'project.toml'}:3: routing.state_url: " in told
    assert f"openmux config trust {tmp_path / 'project.toml'}" in told


def test_memory_is_what_an_untrusted_file_may_say(tmp_path: Path):
    own = 'state_url = "sqlite:////own.db"'

    assert found(tmp_path, "OPENMUX_STATE_URL=memory:", own=own).state_url == "memory:"
    assert found(tmp_path, project='state_url = "memory:"', own=own).state_url == "memory:"
    assert found(tmp_path, project='profile = "speed"', own=own).state_url == "sqlite:////own.db"


def test_a_trusted_dotenv_and_the_environment_may_name_a_file(tmp_path: Path):
    dotenv = "OPENMUX_STATE_URL=sqlite:////mine.db"
    over = found(tmp_path, dotenv, OPENMUX_STATE_URL="sqlite:////other.db")
    trust(tmp_path / ".env")

    assert over.state_url == "sqlite:////other.db"
    assert found(tmp_path, dotenv).state_url == "sqlite:////mine.db"


@pytest.mark.parametrize(
    ("dotenv", "project", "place"),
    [
        ("OPENMUX_OFFLINE=0", "", ".env: OPENMUX_OFFLINE"),
        ("ORCHESTRATOR_OFFLINE_MODE_ENABLED=no", "", ".env: ORCHESTRATOR_OFFLINE_MODE_ENABLED"),
        ("", "offline = false", "project.toml:3: routing.offline"),
    ],
)
def test_an_untrusted_file_may_not_lift_what_the_user_forbids(tmp_path: Path, dotenv: str, project: str, place: str):
    with pytest.raises(UntrustedConfigError, match="openmux config trust") as caught:
        found(tmp_path, dotenv, project, own="offline = true")

    assert place in str(caught.value)


@pytest.mark.parametrize(
    ("dotenv", "project", "own", "environ", "expected"),
    [
        ("OPENMUX_OFFLINE=1", "", "", {}, True),
        ("OPENMUX_OFFLINE=1", "", "offline = false", {}, True),
        ("OPENMUX_OFFLINE=0", "", "", {}, False),
        ("OPENMUX_OFFLINE=0", "", "offline = false", {}, False),
        ("", "offline = true", "", {}, True),
        ("", 'profile = "speed"', "offline = true", {}, True),  # another file does not hide the user's own word
        ("OPENMUX_OFFLINE=0", "", "", {"OPENMUX_OFFLINE": "1"}, True),
        ("OPENMUX_OFFLINE=0", "", "", {"ORCHESTRATOR_OFFLINE_MODE_ENABLED": "1"}, True),
        ("OPENMUX_OFFLINE=1", "offline = true", "", {"OPENMUX_OFFLINE": "0"}, False),
    ],
)
def test_an_untrusted_file_may_forbid_more(
    tmp_path: Path, dotenv: str, project: str, own: str, environ: dict[str, str], *, expected: bool
):
    """And the environment, which is the user's own word, outranks it both ways."""
    assert expected == found(tmp_path, dotenv, project, own, **environ).offline


@pytest.mark.parametrize(
    ("dotenv", "project", "own", "expected"),
    [
        ("OPENMUX_PROVIDERS=groq,kilo", "", "", ("groq", "kilo")),
        ("OPENMUX_PROVIDERS=kilo,groq", "", 'providers = ["groq", "ollama"]', ("groq",)),
        ("OPENMUX_PROVIDERS=kilo", "", 'providers = ["groq", "ollama"]', ()),
        ("", 'providers = ["kilo", "groq"]', 'providers = ["groq", "ollama"]', ("groq",)),
        ("", 'providers = ["kilo"]', "offline = false", ("kilo",)),
        ("", 'profile = "speed"', 'providers = ["groq"]', ("groq",)),
    ],
)
def test_an_untrusted_file_only_takes_providers_away(
    tmp_path: Path, dotenv: str, project: str, own: str, expected: tuple[str, ...]
):
    assert expected == found(tmp_path, dotenv, project, own).providers


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A=1\nthis is no assignment\n", 2),
        ("A=1\n\n\n# a note\n\nGROQ KEY=gsk_hidden\n", 6),
        ("A='gsk_hidden\nB=2\n", 1),
        ("\n\n=gsk_hidden\n", 3),
        ("A=1\n\n   GROQ KEY=gsk_hidden\n", 3),
        ('A=1\r\n\r\nB="gsk_hidden\r\n', 3),
    ],
)
def test_a_broken_line_of_a_dotenv_is_named_and_not_shown(tmp_path: Path, text: str, line: int):
    """A key that was thought to be set and is not: python-dotenv only logs it."""
    (tmp_path / ".env").write_bytes(text.encode())

    with pytest.raises(ConfigError) as caught:
        load(tmp_path)

    assert f"{tmp_path / '.env'}:{line}: " in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_what_a_dotenv_may_hold_is_read(tmp_path: Path):
    text = "\ufeffA=1\r\nexport B='two words' # note\r\n\r\n# C=3\r\nD\r\nE=\"a\\nb\"\r\nA=4\r\n  \r\n"
    (tmp_path / ".env").write_bytes(text.encode())

    settings = load(tmp_path)

    assert {"A": "4", "B": "two words", "E": "a\nb"} == {name: it.value for name, it in settings.environment.items()}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[routing.weights.mine]\nquality = 1\nbeauty = 1\n",
            ":4: routing.weights.mine.beauty: unknown term; terms are",
        ),
        ("[routing.weights.mine]\nquality = -1\n", ":3: routing.weights.mine.quality: "),
        (
            """[providers.mine]
base_url = "http://127.0.0.1:1"
limits = [
    { amount = 1, per = "day", zone = "Europe/Berlin" },
    { amount = 1, per = "day", zone = "Mars/North" },
]
""",
            ":6: providers.mine.limits.zone: 'Mars/North' is no time zone; write one such as Europe/Berlin",
        ),
    ],
)
def test_a_word_that_means_nothing_is_told_with_file_key_and_line(tmp_path: Path, text: str, told: str):
    path = tmp_path / "c.toml"
    path.write_text(f"schema = 1\n{text}")

    with pytest.raises(ConfigError) as caught:
        load(tmp_path, OPENMUX_CONFIG=str(path))

    assert f"{path}{told}" in str(caught.value)


def test_the_terms_of_a_profile_are_those_that_are_scored():
    assert TERMS == WEIGHT_TERMS


def test_repeats_and_their_waits_are_configurable(tmp_path: Path):
    """S2-12: retries with exponential back-off; environment over file, zero is a word too."""
    config = tmp_path / "config.toml"
    config.write_text("schema = 1\n[routing]\nmax_retries = 0\nbackoff_s = 2.5\n")
    named = {"OPENMUX_CONFIG": str(config)}

    default, in_file = load(tmp_path).to_options(), load(tmp_path, **named).to_options()
    said = load(tmp_path, **named, OPENMUX_MAX_RETRIES="3", OPENMUX_BACKOFF="0").to_options()

    assert (1, 0.05) == (default.max_retries, default.backoff_s)
    assert (0, 2.5) == (in_file.max_retries, in_file.backoff_s)
    assert (3, 0.0) == (said.max_retries, said.backoff_s)


@pytest.mark.parametrize("text", ["-1", "21", "many", "nan"])
def test_a_number_of_repeats_that_is_none_is_an_error(tmp_path: Path, text: str):
    with pytest.raises(ConfigError, match="OPENMUX_MAX_RETRIES"):
        load(tmp_path, OPENMUX_MAX_RETRIES=text)


def test_every_wait_of_a_run_is_configurable_apart(tmp_path: Path):
    """Deadline, first byte, silence, slot and repeats; environment over file, the call over both."""
    config = tmp_path / "config.toml"
    config.write_text(
        "schema = 1\n[routing]\ntimeout_s = 50\nfirst_byte_timeout_s = 4\nstall_timeout_s = 5\nmax_wait_s = 6\n"
        "retry_budget_s = 7\n"
    )
    named = {"OPENMUX_CONFIG": str(config)}
    said = {"OPENMUX_FIRST_BYTE_TIMEOUT": "14", "OPENMUX_STALL_TIMEOUT": "15", "OPENMUX_MAX_WAIT": "0"}
    given = CallOptions.checked({"timeout": 9, "first_byte_timeout": 24, "stall_timeout": 25, "max_wait": 26})

    default, in_file = load(tmp_path).to_options(), load(tmp_path, **named).to_options()
    in_environment = load(tmp_path, **named, **said, OPENMUX_RETRY_BUDGET="17").to_options()
    in_call = given.to_options(in_environment)

    found = [
        (each.timeout_s, each.first_byte_s, each.stall_s, each.max_wait_s, each.retry_budget_s)
        for each in (default, in_file, in_environment, in_call)
    ]
    assert [(120, None, 60, 0, 30), (50, 4, 5, 6, 7), (50, 14, 15, 0, 17), (9, 24, 25, 26, 17)] == found


@pytest.mark.parametrize("name", ["OPENMUX_FIRST_BYTE_TIMEOUT", "OPENMUX_STALL_TIMEOUT", "OPENMUX_MAX_WAIT"])
def test_a_wait_that_is_no_number_of_seconds_is_refused(tmp_path: Path, name: str):
    with pytest.raises(ConfigError, match=name):
        load(tmp_path, **{name: "soon"})


def test_hedging_is_off_and_may_be_switched_on_in_every_layer(tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text("schema = 1\n[routing]\nhedge = true\n")
    named = {"OPENMUX_CONFIG": str(config)}

    layers = [load(tmp_path), load(tmp_path, **named), load(tmp_path, **named, OPENMUX_HEDGE="0")]

    assert [False, True, False] == [each.to_options().hedge for each in layers]
    assert CallOptions.checked({"hedge": True}).to_options(layers[2].to_options()).hedge
