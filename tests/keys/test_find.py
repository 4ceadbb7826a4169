"""Keys: where they are found, in which order, and that they never show."""

from pathlib import Path

from openmux_lc.keys import find_key, has_key
from openmux_lc.settings import Settings
from openmux_lc.types.catalog import Auth, Provider

ROW = Provider(id="mine", name="Mine", base_url="https://mine.test/v1", auth=Auth(env=("MINE_KEY", "MINE_TOKEN")))


def settings(tmp_path: Path, **environ: str) -> Settings:
    return Settings.load(environ=environ, cwd=tmp_path)


def test_an_argument_wins_over_the_environment(tmp_path: Path):
    found = find_key(ROW, settings(tmp_path, MINE_KEY="from-environment"), {"mine": "from-argument"})

    assert found is not None
    assert ("from-argument", "argument") == (found.secret.get_secret_value(), found.origin)


def test_the_environment_wins_over_a_dotenv(tmp_path: Path):
    (tmp_path / ".env").write_text("MINE_KEY=from-file\n")

    found = find_key(ROW, settings(tmp_path, MINE_KEY=" from-environment\n"))

    assert found is not None
    assert ("from-environment", "environment") == (found.secret.get_secret_value(), found.origin)


def test_the_second_variable_serves_where_the_first_is_blank(tmp_path: Path):
    found = find_key(ROW, settings(tmp_path, MINE_KEY="", MINE_TOKEN="t"))

    assert found is not None
    assert "MINE_TOKEN" == found.variable


def test_no_key_is_needed_or_stored_for_a_keyless_host(tmp_path: Path):
    """S0-18: a host without keys reads none, even when one lies about."""
    row = Provider(id="free", name="Free", base_url="https://free.test", auth=Auth(mode="none", env=("MINE_KEY",)))

    assert find_key(row, settings(tmp_path, MINE_KEY="k")) is None
    assert not has_key(row, settings(tmp_path, MINE_KEY="k"))


def test_a_key_shows_in_no_repr(tmp_path: Path):
    found = find_key(ROW, settings(tmp_path, MINE_KEY="very-secret"))

    assert "very-secret" not in repr(found)


def test_nothing_is_found_where_nothing_is(tmp_path: Path):
    assert find_key(ROW, settings(tmp_path)) is None
    assert not has_key(ROW, settings(tmp_path))
