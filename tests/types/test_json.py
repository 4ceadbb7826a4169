"""The narrow readers never raise and never lie about a type."""

from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.types.json import as_float, as_int, as_list, as_object, as_text, dig

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(ANYTHING)
def test_every_reader_gives_its_type_for_anything(value: object):
    number = as_float(value)

    assert isinstance(as_text(value), str)
    assert isinstance(as_object(value), dict)
    assert isinstance(as_list(value), list | tuple)
    assert as_int(value) is None or isinstance(as_int(value), int)
    assert number is None or abs(number) < float("inf")


def test_numbers_are_read_out_of_text():
    assert 12 == as_int(" 12 ")
    assert 12 == as_int(12.0)
    assert 1.5 == as_float("1.5")
    assert as_int(True) is None  # noqa: FBT003
    assert as_float("nan") is None
    assert as_int("9" * 400) is None


def test_dig_walks_objects_and_arrays_or_gives_none():
    body = {"choices": [{"message": {"content": "hi"}}]}

    assert "hi" == dig(body, "choices", 0, "message", "content")
    assert "hi" == dig(body, "choices", -1, "message", "content")
    assert dig(body, "choices", 1, "message") is None
    assert dig(body, "choices", "message") is None
    assert dig(None, 0) is None
