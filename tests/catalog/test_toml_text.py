"""What is written is read back as it was."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmux_lc.catalog.toml_text import to_toml, toml_value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = TEXTS | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
INLINE = st.dictionaries(TEXTS, PLAIN, max_size=3)
VALUES = PLAIN | st.lists(PLAIN, max_size=30) | st.lists(INLINE, max_size=3)
TABLES = st.recursive(
    st.dictionaries(TEXTS, VALUES, max_size=3), lambda inner: st.dictionaries(TEXTS, VALUES | inner, max_size=3)
)


@given(TABLES)
def test_a_table_comes_back_as_it_was(table):
    assert table == tomllib.loads(to_toml(table))


@given(TABLES)
def test_a_table_at_a_path_comes_back_under_it(table):
    assert {"a b": {"c": table}} == tomllib.loads(to_toml(table, ("a b", "c")) or "['a b'.c]")


@pytest.mark.parametrize("value", [None, object(), b"x"])
def test_what_toml_cannot_hold_is_an_error(value):
    with pytest.raises(TypeError, match=type(value).__name__):
        toml_value(value)
