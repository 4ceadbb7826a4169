"""Where variables say that a provider is, and from which files that is believed (principle 5)."""

from pathlib import Path

import pytest

from openmux_lc.catalog.addresses import to_address
from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.errors import ConfigError, UntrustedConfigError
from openmux_lc.settings import Settings
from openmux_lc.trust import trust

EVIL = "https://evil.example/v1"
LOOPBACK = "http://127.0.0.1:9/v1"


def found(tmp_path, dotenv, environ=None):
    """Settings from a `.env` in the working directory."""
    (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
    return Settings.load(environ=environ or {}, cwd=tmp_path)


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
    with pytest.raises(UntrustedConfigError, match=r"\.env: OPENMUX_\w+_BASE_URL: .*openmux config trust") as caught:
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("host", "http://host:11434"),
        ("host:80", "http://host:80"),
        (":80", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("http://0.0.0.0:80", "http://127.0.0.1:80"),
        ("http://host:80/", "http://host:80"),
        ("HTTPS://host", "https://host"),
        ("http://host/engine", "http://host/engine"),
        (' "host:80" ', "http://host:80"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:80", "http://[::1]:80"),
        ("::1", "http://[::1]:11434"),
        ("::", "http://[::1]:11434"),
        ("[::]:80", "http://[::1]:80"),
    ],
)
def test_a_hosts_own_variable_may_leave_out_what_is_usual(text, expected):
    """As its own users write it; every interface is this machine, seen from here."""
    assert expected == to_address(text, "http://127.0.0.1:11434")


def test_what_is_usual_has_a_path_too():
    assert "http://host:1/v1" == to_address("host:1", "http://127.0.0.1:1234/v1")


def test_an_engine_is_where_its_own_variable_says(tmp_path):
    def address(environ):
        return load_catalog(Settings.load(environ=environ, cwd=tmp_path)).provider("ollama").base_url

    assert "http://127.0.0.1:7" == address({"OLLAMA_HOST": "0.0.0.0:7"})
    assert "http://box.lan:11434" == address({"OLLAMA_HOST": "box.lan"})
    assert LOOPBACK == address({"OLLAMA_HOST": "box.lan", "OPENMUX_OLLAMA_BASE_URL": LOOPBACK})
    assert "http://127.0.0.1:11434" == address({"OLLAMA_HOST": " "})


def test_other_hosts_stay_where_they_are(tmp_path):
    before = load_catalog(Settings())

    after = load_catalog(Settings.load(environ={"OLLAMA_HOST": "box.lan"}, cwd=tmp_path))

    assert {"ollama"} == {name for name, row in after.providers.items() if row != before.providers[name]}


@pytest.mark.parametrize("value", ["two words", "http://me:hunter2@host", "host:no", "ftp://host"])
def test_a_malformed_variable_of_the_hosts_own_is_named_with_ours(tmp_path, value):
    with pytest.raises(ConfigError, match=r"^environment: OLLAMA_HOST: .*OPENMUX_OLLAMA_BASE_URL") as caught:
        load_catalog(Settings.load(environ={"OLLAMA_HOST": value}, cwd=tmp_path))

    assert value not in str(caught.value)


@pytest.mark.parametrize("value", ["box.lan", "https://evil.example", "127.0.0.1.evil.example", "0.0.0.0.evil.example"])
def test_an_untrusted_env_file_may_not_say_that_an_engine_is_elsewhere(tmp_path, value):
    with pytest.raises(UntrustedConfigError, match=r"\.env: OLLAMA_HOST: .*openmux config trust"):
        load_catalog(found(tmp_path, f"OLLAMA_HOST={value}"))

    trust(tmp_path / ".env")

    assert "http" in load_catalog(found(tmp_path, f"OLLAMA_HOST={value}")).provider("ollama").base_url


def test_an_untrusted_env_file_may_name_another_port_of_this_machine(tmp_path):
    assert "http://127.0.0.1:7" == load_catalog(found(tmp_path, "OLLAMA_HOST=0.0.0.0:7")).provider("ollama").base_url


ACCOUNT = "0123456789abcdef0123456789abcdef"
OPEN = "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1"


def cloudflare(environ):
    return load_catalog(Settings.load(environ=environ)).provider("cloudflare")


@pytest.mark.parametrize(
    "environ",
    [
        {"CLOUDFLARE_ACCOUNT_ID": ACCOUNT},
        {"CF_ACCOUNT_ID": ACCOUNT},
        {"CLOUDFLARE_ACCOUNT_ID": f' "{ACCOUNT}" ', "CF_ACCOUNT_ID": "second"},
        {"CLOUDFLARE_ACCOUNT_ID": " ", "CF_ACCOUNT_ID": ACCOUNT},
    ],
)
def test_a_part_of_an_address_is_filled_by_the_first_variable_that_tells_it(environ):
    row = cloudflare(environ)

    assert f"https://api.cloudflare.com/client/v4/accounts/{ACCOUNT}/ai/v1" == row.base_url
    assert () == row.missing_variables


def test_a_part_that_nothing_tells_stays_open():
    row = cloudflare({})

    assert OPEN == row.base_url
    assert ("CLOUDFLARE_ACCOUNT_ID",) == row.missing_variables


@pytest.mark.parametrize(
    "value", ["a/b", "..", "a.b", "a@evil.example", "a?b", "a#b", "%2e%2e", "a b", "a\nb", "\u0661", "{X}", "a\\b"]
)
def test_what_fills_a_part_cannot_lead_elsewhere(value):
    """It is one segment of a path: no other path, no other host, no query."""
    with pytest.raises(
        ConfigError, match=r"^environment: CF_ACCOUNT_ID: write letters, digits, _ and - only"
    ) as caught:
        cloudflare({"CF_ACCOUNT_ID": value})

    assert value not in str(caught.value)


def test_an_address_of_the_users_own_needs_no_such_variable():
    row = cloudflare({"OPENMUX_CLOUDFLARE_BASE_URL": LOOPBACK})

    assert (LOOPBACK, ()) == (row.base_url, row.missing_variables)


def test_an_address_of_the_users_own_may_have_the_same_open_part():
    environ = {"OPENMUX_CLOUDFLARE_BASE_URL": "http://127.0.0.1:9/{CLOUDFLARE_ACCOUNT_ID}/v1"}

    assert ("CLOUDFLARE_ACCOUNT_ID",) == cloudflare(environ).missing_variables
    assert "http://127.0.0.1:9/x-1/v1" == cloudflare(environ | {"CF_ACCOUNT_ID": "x-1"}).base_url


def test_an_address_that_leaves_the_host_open_is_refused() -> None:
    """What fills a part may stand in a file found on the way: it must never become the host's name."""
    moved = "https://{CLOUDFLARE_ACCOUNT_ID}.example.org/v1"

    with pytest.raises(ConfigError, match="OPENMUX_CLOUDFLARE_BASE_URL: only its path may hold"):
        cloudflare({"OPENMUX_CLOUDFLARE_BASE_URL": moved, "CF_ACCOUNT_ID": "evil"})
