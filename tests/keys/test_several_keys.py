"""Several keys of one provider: which are found, and that they take turns only where limits are per key (FIELD e1)."""

from pathlib import Path

import pytest

from openmux_lc.engine.ask import AnswerStream, aask, ask
from openmux_lc.errors import AllRoutesFailedError, NoRouteError
from openmux_lc.keys import find_keys, has_key
from openmux_lc.mux import Mux, to_request
from openmux_lc.settings import Settings
from openmux_lc.testing import Answer, Behaviour, FakeUpstream, Received, rate_limited, unauthorized
from openmux_lc.trust import UntrustedConfigError
from openmux_lc.types.catalog import Auth, Provider
from openmux_lc.types.run import Options

QUESTION = to_request("What is the capital of France?")
ROW = Provider(id="mine", name="Mine", base_url="https://mine.test/v1", auth=Auth(env=("MINE_KEY", "MINE_TOKEN")))


def found(folder: Path, **environ: str) -> list[tuple[int, str, str]]:
    keys = find_keys(ROW, Settings.load(environ=environ, cwd=folder))
    return [(key.slot, key.secret.get_secret_value(), key.variable) for key in keys]


def test_numbered_variables_are_further_keys(tmp_path: Path) -> None:
    keys = found(
        tmp_path, MINE_KEY="a", MINE_KEY_2="b", MINE_TOKEN_3="c", MINE_KEY_9="i", MINE_KEY_10="x", MINE_KEY_1="y"
    )

    assert [(0, "a", "MINE_KEY"), (1, "b", "MINE_KEY_2"), (2, "c", "MINE_TOKEN_3"), (8, "i", "MINE_KEY_9")] == keys


def test_the_same_key_twice_counts_once_in_its_first_place(tmp_path: Path) -> None:
    assert [(0, "a", "MINE_KEY"), (2, "b", "MINE_KEY_3")] == found(
        tmp_path, MINE_KEY="a", MINE_KEY_2="a", MINE_KEY_3="b"
    )


def test_a_further_key_alone_is_a_key(tmp_path: Path) -> None:
    settings = Settings.load(environ={"MINE_KEY_2": "b"}, cwd=tmp_path)

    assert has_key(ROW, settings)
    assert [1] == [key.slot for key in find_keys(ROW, settings)]


def test_keys_in_code_stand_for_all_others(tmp_path: Path) -> None:
    settings = Settings.load(environ={"MINE_KEY_2": "b"}, cwd=tmp_path)
    keys = find_keys(ROW, settings, {"mine": ["x", " ", "y"]})

    assert [(0, "x"), (2, "y")] == [(key.slot, key.secret.get_secret_value()) for key in keys]


def test_a_found_file_may_not_divert_a_further_key(tmp_path: Path) -> None:
    """Its own key does not give it the one that lies in the environment."""
    (tmp_path / ".env").write_text("GROQ_API_KEY=theirs\nOPENMUX_GROQ_BASE_URL=https://evil.test/v1\n")
    settings = Settings.load(environ={"GROQ_API_KEY_2": "yours", "OPENMUX_STATE_URL": "memory:"}, cwd=tmp_path)

    with pytest.raises(UntrustedConfigError):
        Mux(settings).pool()


class Keyed:
    """An upstream that knows what becomes of each key."""

    def __init__(self, **fates: Behaviour) -> None:
        self.fates, self.asked = fates, []

    def __call__(self, received: Received) -> Behaviour:
        key = received.headers["authorization"].removeprefix("Bearer ")
        self.asked.append(key)
        return self.fates[key]


def pool(folder: Path, upstream: FakeUpstream, *, scope: str = "key", amount: int = 100, keys: str = "ab") -> Mux:
    config = folder / "openmux.toml"
    config.write_text(
        f"""schema = 1
[[models]]
route = "mine:m"
free = true
[providers.mine]
base_url = "{upstream.base_url}"
free = true
api_key_env = "MINE_KEY"
[[providers.mine.limits]]
unit = "requests"
amount = {amount}
per = "minute"
scope = "{scope}"
""",
        encoding="utf-8",
    )
    environ = {"OPENMUX_CONFIG": str(config), "OPENMUX_STATE_URL": "memory:", "OPENMUX_PROVIDERS": "mine"}
    return Mux(Settings.load(environ=environ, cwd=folder), keys={"mine": list(keys)})


@pytest.fixture(params=["sync", "async", "stream"])
def way(request: pytest.FixtureRequest) -> object:
    return request.param


async def answered(mux: Mux, way: str) -> tuple[str, list[object]]:
    """Return the answer and the attempts: their outcome and the key that was used."""
    options = Options(timeout_s=20.0)
    if way == "stream":
        with AnswerStream(mux, QUESTION, options) as stream:
            text = "".join(chunk.text for chunk in stream)
        report = stream.report
    else:
        asked = ask(mux, QUESTION, options) if way == "sync" else await aask(mux, QUESTION, options)
        text, report = asked.answer.text, asked.report
    whole = mux.report(str(report["run_id"]))["attempts"]
    assert isinstance(whole, list)
    return text, [(each["outcome"], each["key_slot"]) for each in whole if isinstance(each, dict)]


async def test_a_key_that_is_limited_gives_way_to_the_next_in_the_same_run(tmp_path: Path, way: str) -> None:
    keyed = Keyed(a=rate_limited(600), b=Answer("Paris."))
    with FakeUpstream(keyed) as upstream, pool(tmp_path, upstream) as mux:
        first = await answered(mux, way)
        second = await answered(mux, way)

    assert ("Paris.", [("failed", 0), ("ok", 1)]) == first
    assert ("Paris.", [("ok", 1)]) == second
    assert ["a", "b", "b"] == keyed.asked


async def test_a_wrong_key_gives_way_as_well(tmp_path: Path, way: str) -> None:
    keyed = Keyed(a=unauthorized(), b=Answer("Paris."))
    with FakeUpstream(keyed) as upstream, pool(tmp_path, upstream) as mux:
        told = await answered(mux, way)

    assert ("Paris.", [("failed", 0), ("ok", 1)]) == told


async def test_a_key_is_kept_until_its_quota_is_used_up(tmp_path: Path, way: str) -> None:
    """Sticky: hosts cache prompts per key. What is used up is known before anything is sent."""
    keyed = Keyed(a=Answer("A."), b=Answer("B."))
    with FakeUpstream(keyed) as upstream, pool(tmp_path, upstream, amount=2) as mux:
        texts = [(await answered(mux, way))[0] for _ in range(4)]
        with pytest.raises(NoRouteError) as caught:
            await answered(mux, way)

    assert ["A.", "A.", "B.", "B."] == texts
    assert 4 == len(keyed.asked)
    assert caught.value.retry_at is not None


@pytest.mark.parametrize("scope", ["account", "ip"])
async def test_keys_never_take_turns_where_the_account_is_limited(tmp_path: Path, scope: str, way: str) -> None:
    keyed = Keyed(a=rate_limited(600), b=Answer("Paris."))
    with FakeUpstream(keyed) as upstream, pool(tmp_path, upstream, scope=scope) as mux:
        with pytest.raises(AllRoutesFailedError):
            await answered(mux, way)

    assert {"a"} == set(keyed.asked)


async def test_every_key_fails_and_each_is_asked_once(tmp_path: Path, way: str) -> None:
    keyed = Keyed(a=rate_limited(600), b=unauthorized(), c=rate_limited(300))
    with FakeUpstream(keyed) as upstream, pool(tmp_path, upstream, keys="abc") as mux:
        with pytest.raises(AllRoutesFailedError) as caught:
            await answered(mux, way)

    assert ["a", "b", "c"] == keyed.asked
    assert [(0, True), (1, True), (2, False)] == [(each.key_slot, each.has_other_key) for each in caught.value.attempts]


def test_no_key_is_written_anywhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    keys = ["sk-first-secret", "sk-second-secret"]
    keyed = Keyed(**{keys[0]: rate_limited(600), keys[1]: Answer("Paris.")})
    with FakeUpstream(keyed) as upstream, pool(tmp_path, upstream) as mux:
        mux._keys = type(mux._keys)(mux.settings, {"mine": keys})  # the pool above names them by letters
        asked = ask(mux, QUESTION)
        whole = mux.report(str(asked.report["run_id"]))
        told = f"{asked.report} {whole} {mux.ledger.run_log.newest()} {mux!r} {caplog.text}"

    assert keys == keyed.asked
    assert "secret" not in told
