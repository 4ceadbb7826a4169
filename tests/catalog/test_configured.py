"""What the TOML file changes, and what only a trusted file may say (principle 5)."""

import pytest

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.catalog.free import evidence
from openmux_lc.errors import ConfigError, UnknownProviderError, UntrustedConfigError
from openmux_lc.providers.registry import DIALECTS
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
    with pytest.raises(UnknownProviderError, match=r"openmux\.toml:3: models\.route: 'nobody:x'.*providers\.nobody"):
        load_catalog(configured(tmp_path, '[[models]]\nroute = "nobody:x"\n'))


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("amount = 1", "to window = 'rolling' belongs per = 'second' or 'minute' or 'hour' or 'day'"),
        ("amount = 1, per = 'month', window = 'rolling'", "to window = 'rolling' belongs per = 'second'"),
        ("amount = 1, per = 'month', window = 'token_bucket'", "to window = 'token_bucket' belongs per = 'second'"),
        ("amount = 1, per = 'minute', window = 'concurrency'", "to window = 'concurrency' belongs no per"),
        (
            "amount = 1, per = 'day', window = 'anniversary_month'",
            "to window = 'anniversary_month' belongs per = 'month'",
        ),
        ("amount = 1, per = 'month', window = 'anniversary_month'", "an anniversary_month has an anchor"),
        ("amount = 1, per = 'month', anchor = 2026-01-31T00:00:00Z", "no other window has one"),
        ("amount = 1, per = 'month', window = 'anniversary_month', anchor = 2026-01-31", "anchor: "),
        ("amount = 1, per = 'day', scope = 'user'", "limits.scope: "),
        ("amount = 1, per = 'day', window = 'daily'", "limits.window: "),
    ],
)
def test_a_limit_that_makes_no_sense_names_file_line_and_key(tmp_path, limit, told):
    text = f'[providers.mine]\nbase_url = "http://127.0.0.1:1/v1"\nlimits = [{{ {limit} }}]\n'

    with pytest.raises(ConfigError, match=r"openmux\.toml:4: providers\.mine\.limits") as caught:
        load_catalog(configured(tmp_path, text))

    assert told in str(caught.value)


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
    { amount = 3, per = "day", window = "rolling", scope = "organisation_model" },
    { unit = "credits", amount = 7, per = "hour", window = "token_bucket" },
    { amount = 8, per = "month", window = "anniversary_month", anchor = 2026-01-31T00:00:00Z, scope = "organisation" },
    { amount = 2, window = "concurrency" },
]
"""
    row = load_catalog(configured(tmp_path, text)).provider("mine")

    assert (row.base_url, row.dialect, row.origin) == ("https://host.example/v1", "openai", "user")
    assert Auth(mode="key", env=("MY_KEY",)) == row.auth
    assert row.limits == (
        Limit(unit="requests", amount=10, window=Window(kind="rolling", seconds=60.0), scope="key"),
        Limit(unit="tokens", amount=99, window=Window(kind="calendar_day", zone="Europe/Berlin"), scope="account"),
        Limit(unit="requests", amount=5, window=Window(kind="calendar_month"), scope="key"),
        Limit(unit="requests", amount=3, window=Window(kind="rolling", seconds=86_400.0), scope="organisation_model"),
        Limit(unit="credits", amount=7, window=Window(kind="token_bucket", seconds=3600.0), scope="key"),
        Limit(
            unit="requests",
            amount=8,
            window=Window(kind="anniversary_month", anchor=1_769_817_600.0),
            scope="organisation",
        ),
        Limit(unit="requests", amount=2, window=Window(kind="concurrency"), scope="key"),
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

    with pytest.raises(ConfigError, match=r"openmux\.toml:3: providers\.mine\.base_url: ") as caught:
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
        f'[providers.groq]\nbase_url = "{LOOPBACK}"\napi_key_env = "OTHER_SECRET"\n',
        f'[providers.mine]\nbase_url = "{LOOPBACK}"\napi_key_env = "OTHER_SECRET"\n',
        f'[providers.ollama]\nbase_url = "{LOOPBACK}"\napi_key_env = "GROQ_API_KEY"\n',
    ],
)
def test_a_file_found_through_the_working_directory_asks_in_vain_until_it_is_trusted(tmp_path, text):
    with pytest.raises(UntrustedConfigError, match=r"project\.toml:\d+: \w.*openmux config trust .*project\.toml"):
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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[routing]\nfallback = [\n "groq:x",\n "nope:x",\n]\n', ":5: routing.fallback: no provider 'nope'"),
        ('[routing]\nfallback = ["auto", "grok:openai/gpt-oss-20b"]\n', "did you mean groq:openai/gpt-oss-20b"),
        (
            '[routing]\nproviders = ["ollama", "grok"]\n',
            ":3: routing.providers: no provider 'grok'; did you mean 'groq'?",
        ),
        (
            f"""[providers.one]
base_url = "{LOOPBACK}"
dialect = "openai"
[providers.two]
base_url = "{LOOPBACK}"
dialect = "opanai"
""",
            ":7: providers.two.dialect: no dialect 'opanai'; did you mean 'openai'?",
        ),
        (f'[providers.one]\nbase_url = "{LOOPBACK}"\ndialect = "xyz"\n', "there are cloudflare, cohere, gemini, "),
    ],
)
def test_a_choice_of_what_does_not_exist_is_told_with_file_key_and_line(tmp_path, text, told):
    with pytest.raises(ConfigError) as caught:
        load_catalog(configured(tmp_path, text))

    assert str(caught.value).startswith(f"{tmp_path / 'openmux.toml'}:")
    assert told in str(caught.value)


def test_the_dialects_that_a_file_may_name_are_those_that_are_spoken():
    assert set(DIALECTS) == {row.dialect for row in load_catalog(Settings()).providers.values()}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("grok", "did you mean 'groq'?"),
        ("groq, nobodys-host", "no provider 'nobodys-host'; there are ai-horde, cerebras, "),
    ],
)
def test_a_choice_of_providers_that_do_not_exist_names_variable_and_mend(tmp_path, value, told):
    """Else the pool would be empty, and the reason a riddle."""
    with pytest.raises(UnknownProviderError, match=r"^environment: OPENMUX_PROVIDERS: no provider ") as caught:
        load_catalog(Settings.load(environ={"OPENMUX_PROVIDERS": value}, cwd=tmp_path))

    assert told in str(caught.value)


def test_a_choice_in_code_is_checked_as_well():
    with pytest.raises(UnknownProviderError, match=r"^providers: no provider 'grok'"):
        load_catalog(Settings(providers=("grok",)))


def test_a_host_of_the_users_own_may_be_chosen(tmp_path):
    text = f'[routing]\nproviders = ["mine"]\nfallback = ["mine:x"]\n[providers.mine]\nbase_url = "{LOOPBACK}"\n'

    assert "mine" in load_catalog(configured(tmp_path, text)).providers
