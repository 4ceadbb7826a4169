"""The keyring: a real back end in a file, and machines that have none."""

import keyring
import keyring.backend
import keyring.errors
import pytest

from openmux_lc.errors import ConfigError
from openmux_lc.keys import find_key, forget_key, has_key, keep_key, kept_providers
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Auth, Provider

ROW = Provider(id="mine", name="Mine", base_url="https://mine.test/v1", auth=Auth(env=("MINE_KEY",)))


class InMemory(keyring.backend.KeyringBackend):
    """A back end of the keyring library's own kind, as a desktop would bring."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.entries:
            raise keyring.errors.PasswordDeleteError(username)
        del self.entries[service, username]


@pytest.fixture
def desktop():
    before = keyring.get_keyring()
    keyring.set_keyring(InMemory())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def headless():
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield
    keyring.set_keyring(before)


def test_a_kept_key_is_found_and_forgotten(desktop: None):
    keep_key("mine", "from-keyring")
    settings = Settings.load(environ={})
    found = find_key(ROW, settings)
    known = has_key(ROW, settings)
    forget_key("mine")

    assert known
    assert found is not None
    assert ("from-keyring", "keyring") == (found.secret.get_secret_value(), found.origin)
    assert frozenset() == kept_providers()
    assert find_key(ROW, settings) is None


def test_a_machine_without_a_keyring_is_told_what_to_do(headless: None):
    with pytest.raises(ConfigError, match=r"\.env"):
        keep_key("mine", "k")

    assert frozenset() == kept_providers()


def test_forgetting_what_was_never_kept_is_told(desktop: None):
    with pytest.raises(ConfigError, match="PasswordDeleteError"):
        forget_key("other")
