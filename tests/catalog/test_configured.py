"""What the TOML file and the address variables change, and what only a trusted file may say (principle 5)."""

from pathlib import Path

import pytest

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.catalog.free import evidence
from openmux_lc.errors import ConfigError, UnknownProviderError, UntrustedConfigError
from openmux_lc.settings import Settings
from openmux_lc.trust import trust
from openmux_lc.types.catalog import Auth, Limit, Model, Route, Window

EVIL = "https://evil.example/v1"
LOOPBACK = "http://127.0.0.1:9/v1"


def configured(tmp_path, text, environ=None):
    """Settings from a file that the user named themselves."""
    path = tmp_path / "openmux.toml"
    path.write_text(f"schema = 1\n{text}", encoding="utf-8")
    return Settings.load(environ={"OPENMUX_CONFIG": str(path), **(environ or {})}, cwd=tmp_path)


def found(tmp_path, dotenv, text="", environ=None):
    """Settings from a `.env` in the working directory, and the TOML file that it names."""
    if text:
        path = tmp_path / "project.toml"
        path.write_text(f"schema = 1\n{text}", encoding="utf-8")
        dotenv += f"\nOPENMUX_CONFIG={path}"
    (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
    return Settings.load(environ=environ or {}, cwd=tmp_path)


def test_the_users_word_makes_a_model_callable(tmp_path):
    catalog = load_catalog(configured(tmp_path, '[[models]]\nroute = "groq:some-id"\nfree = true\n'))

    told = evidence(*catalog.pinned(Route("groq", "some-id")))

    assert (told.kind, told.source) == ("user", str(tmp_path / "openmux.toml"))
    assert evidence(*catalog.pinned(Route("groq", "other-id"))) is None


def test_an_entry_without_that_word_adds_a_model_that_is_not_free(tmp_path):
    catalog = load_catalog(configured(tmp_path, '[[models]]\nroute = "groq:some-id"\n'))

    assert Model(id="some-id") == catalog.model(Route("groq", "some-id"))
    assert evidence(*catalog.pinned(Route("groq", "some-id"))) is None


def test_profile_keys_tasks_and_quality_are_laid_over_a_known_model(tmp_path):
    text = """
[[models]]
route = "groq:openai/gpt-oss-20b"
max_input_tokens = 1000
tool_calling = false
tasks = ["code"]
quality = 0.9
"""
    before = load_catalog(Settings()).model(Route("groq", "openai/gpt-oss-20b"))

    model = load_catalog(configured(tmp_path, text)).model(Route("groq", "openai/gpt-oss-20b"))

    assert {**before.profile, "max_input_tokens": 1000, "tool_calling": False} == model.profile
    assert (model.tasks, model.quality, model.capability) == ({"code"}, {"default": 0.9}, 0.9)
    assert before.evidence == model.evidence, "what was not said stays"


def test_a_model_with_dimensions_is_an_embedder(tmp_path):
    text = '[[models]]\nroute = "ollama:my-embedder"\ndimensions = 384\n'

    model = load_catalog(configured(tmp_path, text)).model(Route("ollama", "my-embedder"))

    assert (model.tasks, model.dimensions) == ({"embeddings"}, 384)


def test_the_users_word_outlives_an_engines_own_list(tmp_path):
    """Engines tell their models later; a quality that the user gave one of them stays."""
    catalog = load_catalog(configured(tmp_path, '[[models]]\nroute = "ollama:tiny"\nquality = 0.9\n'))

    catalog = catalog.with_models("ollama", (Model(id="tiny"), Model(id="big")))

    assert [("tiny", 0.9), ("big", 0.5)] == [(m.id, m.capability) for m in catalog.provider("ollama").models]


def test_the_word_about_one_model_opens_a_row_that_is_off_for_that_model_only(tmp_path):
    catalog = load_catalog(configured(tmp_path, '[[models]]\nroute = "cerebras:mine"\nfree = true\n'))

    assert evidence(*catalog.pinned(Route("cerebras", "mine"))).kind == "user"
    assert evidence(*catalog.pinned(Route("cerebras", "gpt-oss-120b"))) is None


def test_a_model_of_an_unknown_provider_names_the_file(tmp_path):
    with pytest.raises(
        UnknownProviderError, match=r"openmux\.toml: \[\[models\]\] route = 'nobody:x'.*providers\.nobody"
    ):
        load_catalog(configured(tmp_path, '[[models]]\nroute = "nobody:x"\n'))


def test_a_host_of_the_users_own(tmp_path):
    text = """
[providers.mine]
base_url = "https://host.example/v1/"
api_key_env = "MY_KEY"
free = true
limits = [
    { amount = 10, per = "minute" },
    { unit = "tokens", amount = 99, per = "day", zone = "Europe/Berlin", scope = "account" },
    { amount = 5, per = "month" },
]
"""
    row = load_catalog(configured(tmp_path, text)).provider("mine")

    assert (row.base_url, row.dialect, row.origin) == ("https://host.example/v1", "openai", "user")
    assert Auth(mode="key", env=("MY_KEY",)) == row.auth
    assert row.limits == (
        Limit(unit="requests", amount=10, window=Window(kind="rolling", seconds=60.0), scope="key"),
        Limit(unit="tokens", amount=99, window=Window(kind="calendar_day", zone="Europe/Berlin"), scope="account"),
        Limit(unit="requests", amount=5, window=Window(kind="calendar_month"), scope="key"),
    )
    assert evidence(row, Model(id="any id at all")).kind == "user"


def test_a_host_that_nobody_called_free_is_not(tmp_path):
    row = load_catalog(configured(tmp_path, f'[providers.mine]\nbase_url = "{LOOPBACK}"\n')).provider("mine")

    assert row.auth.mode == "none"
    assert evidence(row, Model(id="x")) is None


def test_a_known_provider_keeps_what_the_file_does_not_say(tmp_path):
    before = load_catalog(Settings()).provider("ollama")

    row = load_catalog(configured(tmp_path, f'[providers.ollama]\nbase_url = "{LOOPBACK}"\n')).provider("ollama")

    assert row.base_url == LOOPBACK
    assert (before.dialect, before.auth, before.free, before.limits) == (row.dialect, row.auth, row.free, row.limits)


def test_a_password_in_an_address_is_refused_and_not_repeated(tmp_path):
    text = '[providers.mine]\nbase_url = "https://me:hunter2@host.example/v1"\n'

    with pytest.raises(ConfigError, match=r"\[providers\.mine\] base_url") as caught:
        load_catalog(configured(tmp_path, text))

    assert "hunter2" not in str(caught.value)


def test_settings_built_in_code_are_checked_like_a_file():
    with pytest.raises(ConfigError, match=r"configuration:1: providers\.mine\.base_url"):
        load_catalog(Settings(document={"schema": 1, "providers": {"mine": {"base_url": "ftp://x"}}}))


@pytest.mark.parametrize(
    "text",
    [
        '[[models]]\nroute = "groq:paid"\nfree = true\n',
        f'[providers.mine]\nbase_url = "{LOOPBACK}"\nfree = true\n',
        f'[providers.mine]\nbase_url = "{EVIL}"\n',
        f'[providers.groq]\nbase_url = "{EVIL}"\n',
    ],
)
def test_a_file_found_through_the_working_directory_asks_in_vain_until_it_is_trusted(tmp_path, text):
    with pytest.raises(UntrustedConfigError, match=r"project\.toml: .*openmux config trust .*project\.toml"):
        load_catalog(found(tmp_path, "", text))

    trust(tmp_path / "project.toml")

    assert load_catalog(found(tmp_path, "", text)).providers


def test_an_untrusted_file_may_choose_models_and_stand_ins_on_this_machine(tmp_path):
    text = f"""
[[models]]
route = "groq:openai/gpt-oss-20b"
quality = 1.0
[providers.groq]
base_url = "{LOOPBACK}"
"""
    catalog = load_catalog(found(tmp_path, "", text))

    assert catalog.provider("groq").base_url == LOOPBACK
    assert catalog.model(Route("groq", "openai/gpt-oss-20b")).capability == 1.0


def test_a_trusted_file_that_changed_by_a_byte_is_asked_for_again(tmp_path):
    text = '[[models]]\nroute = "groq:paid"\nfree = true\n'
    found(tmp_path, "", text)
    trust(tmp_path / "project.toml")

    with pytest.raises(UntrustedConfigError):
        load_catalog(found(tmp_path, "", f"{text}\n"))


def test_a_variable_moves_a_provider(tmp_path):
    environ = {"OPENMUX_GROQ_BASE_URL": f" {LOOPBACK}/ ", "OPENMUX_GITHUB_MODELS_BASE_URL": EVIL}

    catalog = load_catalog(Settings.load(environ=environ, cwd=tmp_path))

    assert catalog.provider("groq").base_url == LOOPBACK
    assert catalog.provider("github-models").base_url == EVIL, "a dash is written as an underscore"


@pytest.mark.parametrize("value", ["localhost:11434", "ftp://x", "http://me:hunter2@x"])
def test_a_malformed_address_names_its_variable_and_not_itself(tmp_path, value):
    with pytest.raises(ConfigError, match="environment: OPENMUX_OLLAMA_BASE_URL: ") as caught:
        load_catalog(Settings.load(environ={"OPENMUX_OLLAMA_BASE_URL": value}, cwd=tmp_path))

    assert value not in str(caught.value)


@pytest.mark.parametrize(
    ("dotenv", "environ"),
    [
        (f"OPENMUX_GROQ_BASE_URL={EVIL}", {"GROQ_API_KEY": "of-the-environment"}),
        (f"OPENMUX_GROQ_BASE_URL={EVIL}", {}),  # the key may lie in the keyring
        (f"OPENMUX_GROQ_BASE_URL={EVIL}\nGROQ_API_KEY=in-the-file", {"GROQ_API_KEY": "of-the-environment"}),
        (f"OPENMUX_GEMINI_BASE_URL={EVIL}\nGOOGLE_API_KEY=in-the-file", {"GEMINI_API_KEY": "of-the-environment"}),
        (f"OPENMUX_KILO_BASE_URL={EVIL}", {}),
        (f"OPENMUX_OLLAMA_BASE_URL={EVIL}", {}),
        ("OPENMUX_OLLAMA_BASE_URL=http://127.0.0.1.evil.example", {}),
        ("OPENMUX_OLLAMA_BASE_URL=http://localhost.evil.example", {}),
    ],
)
def test_an_untrusted_env_file_may_not_divert_what_is_not_its_own(tmp_path, dotenv, environ):
    """A repository's `.env` must not receive the user's key, nor a keyless provider's prompts."""
    with pytest.raises(UntrustedConfigError, match=r"\.env: OPENMUX_\w+_BASE_URL .*openmux config trust") as caught:
        load_catalog(found(tmp_path, dotenv, environ=environ))

    assert "of-the-environment" not in str(caught.value)


@pytest.mark.parametrize(
    ("dotenv", "row", "url"),
    [
        (f"OPENMUX_GROQ_BASE_URL={EVIL}\nGROQ_API_KEY=in-the-file", "groq", EVIL),
        (f"OPENMUX_GROQ_BASE_URL={LOOPBACK}", "groq", LOOPBACK),
        ("OPENMUX_OLLAMA_BASE_URL=http://localhost:1", "ollama", "http://localhost:1"),
    ],
)
def test_an_untrusted_env_file_may_move_its_own_key_and_anything_to_this_machine(tmp_path, dotenv, row, url):
    assert load_catalog(found(tmp_path, dotenv)).provider(row).base_url == url


def test_a_key_given_in_code_is_not_the_files_own(tmp_path):
    settings = found(tmp_path, f"OPENMUX_GROQ_BASE_URL={EVIL}\nGROQ_API_KEY=in-the-file")

    with pytest.raises(UntrustedConfigError):
        load_catalog(settings, keys_in_code={"groq": "given-in-code"})


def test_a_trusted_env_file_may_move_anything(tmp_path):
    dotenv = f"OPENMUX_KILO_BASE_URL={EVIL}"
    found(tmp_path, dotenv)
    trust(Path(tmp_path / ".env"))

    assert load_catalog(found(tmp_path, dotenv)).provider("kilo").base_url == EVIL
