"""Several answers become one, without asking a model and without losing who dissented."""

import json
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.combine.combine import combine
from openmux_lc.combine.text import agreement
from openmux_lc.types.catalog import Route
from openmux_lc.types.run import Answer, ToolCall, Usage

Strategy = Literal["best", "concatenate", "vote"]
STRATEGIES: tuple[Strategy, ...] = ("best", "concatenate", "vote")
CALL = ToolCall(id="1", name="clock", arguments="{}")


def _answers(*texts: str, **fields: object) -> list[Answer]:
    return [
        Answer(route=Route(f"p{number}", "m"), text=text, **fields)  # type: ignore[arg-type]
        for number, text in enumerate(texts)
    ]


def _objects(*values: object) -> list[Answer]:
    return _answers(*(json.dumps(value) for value in values))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_one_answer_stays_as_it_is(strategy: Strategy) -> None:
    """Nothing to combine: the very same answer."""
    answers = _answers("Paris")

    assert answers[0] is combine(answers, strategy)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_answer_is_an_error_of_the_caller(strategy: Strategy) -> None:
    """Combining nothing is never silently an empty answer."""
    with pytest.raises(ValueError, match="there is no answer to combine"):
        combine((), strategy)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_usage_is_the_sum(strategy: Strategy) -> None:
    """Every call spent its tokens; what nobody told stays unknown."""
    usages = (
        Usage(input_tokens=1, output_tokens=2, total_tokens=3, reasoning_tokens=1),
        Usage(input_tokens=10, output_tokens=20, total_tokens=30, is_estimated=True),
    )
    answers = [Answer(route=Route("p", "m"), text="x", usage=usage) for usage in usages]

    assert (
        Usage(input_tokens=11, output_tokens=22, total_tokens=33, reasoning_tokens=1, is_estimated=True)
        == combine(answers, strategy).usage
    )


def test_the_best_answer_is_the_one_the_others_agree_with() -> None:
    """S1-08: the medoid; an outlier loses, wherever it stands."""
    answers = _answers(
        "Bananas are yellow and grow in bunches",
        "The capital of France is Paris",
        "Paris is the capital of France, of course",
    )

    assert "The capital of France is Paris" == combine(answers, "best").text


def test_refusals_and_cut_texts_come_last() -> None:
    """Two refusals that agree do not outvote one answer; nor does a text that ran out of room."""
    refusals = [*_answers("I'm sorry, I cannot help.", "I cannot help, sorry."), *_answers("It is Paris.")]
    cut = [*_answers("It is Paris and it has", finish_reason="length"), *_answers("It is Lyon.")]

    assert "It is Paris." == combine(refusals, "best").text
    assert "It is Lyon." == combine(cut, "best").text
    assert "I cannot." == combine(_answers("I cannot.", "I cannot, no."), "best").text
    assert combine(_answers("a", "b", finish_reason="length"), "best").text in {"a", "b"}


def test_a_tie_goes_to_the_better_route() -> None:
    """Answers come in the order of rank."""
    assert Route("p0", "m") == combine(_answers("one", "two"), "best").route


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_tool_call_is_taken_whole_and_never_mixed_with_text(strategy: Strategy) -> None:
    """A call made of two answers would be a call that nobody made."""
    answers = [*_answers("I would look at the clock"), Answer(route=Route("q", "m"), tool_calls=(CALL,))]

    found = combine(answers, strategy)

    assert (Route("q", "m"), "", (CALL,)) == (found.route, found.text, found.tool_calls)


def test_concatenation_shows_every_answer_under_its_route() -> None:
    """S0-11: nothing is lost, nothing is anonymous; blank answers are left out."""
    assert "[p0:m]\none\n\n[p1:m]\ntwo" == combine(_answers(" one ", "two", "  "), "concatenate").text


def test_the_majority_wins_whatever_its_spelling() -> None:
    """S0-11: case, spaces and full stops do not split a vote; the dissenter is named."""
    found = combine(_answers("Lyon", "Paris.", " paris"), "vote")

    assert "Paris." == found.text
    assert pytest.approx(2 / 3) == found.extra["agreement"]
    assert ["p0:m"] == found.extra["dissent"]


def test_without_a_majority_the_answer_nearest_to_the_others_wins() -> None:
    """Every text differs: the medoid, and everybody else dissents."""
    found = combine(_answers("no idea at all", "it is Paris I think", "I think it is Paris today"), "vote")

    assert "it is Paris I think" == found.text
    assert ["p0:m", "p2:m"] == found.extra["dissent"]


def test_json_is_voted_field_by_field() -> None:
    """FIELD 9: three models, one wrong field: the majority's value, agreement .67, the dissenter named."""
    found = combine(
        _objects({"city": "Paris", "n": 2}, {"city": "Lyon", "n": 2.0}, {"city": "paris", "n": 2, "x": 1}), "vote"
    )

    assert {"city": "Paris", "n": 2} == json.loads(found.text)
    assert {"city": pytest.approx(2 / 3), "n": 1.0, "x": pytest.approx(2 / 3)} == found.extra["fields"]
    assert {"city": ["p1:m"], "x": ["p2:m"]} == found.extra["dissent"]
    assert pytest.approx(7 / 9) == found.extra["agreement"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2], [2, 1.0]),
        ({"a": 1, "b": [True]}, {"b": [True], "a": 1.0}),
        ("Yes.", "yes"),
        (None, None),
        (10**30, 10**30),
    ],
)
def test_values_that_mean_the_same_are_one_vote(one: object, other: object) -> None:
    """Order in lists and objects, number types and case do not split a field."""
    assert 1.0 == combine(_objects({"v": one}, {"v": other}), "vote").extra["agreement"]


@pytest.mark.parametrize(("one", "other"), [(True, 1), (0, False), ("1", 1), (2**53, 2**53 + 1), (None, "")])
def test_values_that_mean_something_else_are_two_votes(one: object, other: object) -> None:
    """True is not 1, and large whole numbers are compared exactly."""
    assert 0.5 == combine(_objects({"v": one}, {"v": other}), "vote").extra["agreement"]


def test_fenced_json_is_read_and_empty_objects_agree() -> None:
    """Models like to wrap JSON; an empty object is a unanimous vote."""
    fenced = combine(_answers('```json\n{"a": 1}\n```', '{"a": 1}'), "vote")
    empty = combine(_answers("{}", "{}"), "vote")

    assert ({"a": 1}, 1.0) == (json.loads(fenced.text), fenced.extra["agreement"])
    assert ({}, 1.0) == (json.loads(empty.text), empty.extra["agreement"])


@pytest.mark.parametrize("text", ["[1]", "7", "{", "[" * 100_000])
def test_what_is_no_object_is_voted_as_text(text: str) -> None:
    """Arrays, numbers, broken and absurdly nested JSON count as texts."""
    assert text == combine(_answers(text, text, '{"a": 1}'), "vote").text


def test_agreement_is_a_share_of_words() -> None:
    """Without others it is full; without words too; else Jaccard's."""
    assert 1.0 == agreement("x", ())
    assert 1.0 == agreement("", ("",))
    assert pytest.approx((2 / 5 + 1) / 2) == agreement("a b c", ("a B d e", "A b c"))


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5), st.sampled_from(STRATEGIES))
def test_any_answers_combine_to_one_that_somebody_gave_or_that_shows_all(
    texts: Sequence[str], strategy: Strategy
) -> None:
    """No strategy raises, and only concatenation and fields make new texts."""
    answers = _answers(*texts)

    found = combine(answers, strategy)

    assert found.route in {answer.route for answer in answers}
    if strategy == "best":
        assert found.text in texts
