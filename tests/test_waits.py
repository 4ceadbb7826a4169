"""How long one host may take: what is usual for its kind, what the user says, and the deadline over both."""

import pytest

from openmux_lc.types.catalog import Provider
from openmux_lc.types.run import Options
from openmux_lc.waits import patience_s

REMOTE = Provider(id="r", name="r", base_url="http://127.0.0.1")
LOCAL = Provider(id="l", name="l", base_url="http://127.0.0.1", is_local=True)


@pytest.mark.parametrize(
    ("provider", "is_stream", "first_byte_s", "remaining_s", "expected"),
    [
        (REMOTE, True, None, 1e6, 30.0),
        (REMOTE, False, None, 1e6, 90.0),
        (LOCAL, True, None, 1e6, 600.0),
        (REMOTE, True, 5.0, 1e6, 5.0),
        (REMOTE, False, 300.0, 1e6, 300.0),
        (LOCAL, False, 5.0, 1e6, 5.0),
        (REMOTE, True, 60.0, 10.0, 10.0),
    ],
)
def test_the_users_word_stands_for_what_is_usual_and_the_deadline_over_it(
    provider: Provider, is_stream: bool, first_byte_s: float | None, remaining_s: float, expected: float
):
    options = Options(first_byte_s=first_byte_s)

    assert expected == patience_s(provider, remaining_s, options, is_last=True, is_stream=is_stream)


def test_who_is_not_the_last_leaves_a_third_of_the_time_to_the_others():
    assert 6.0 == patience_s(REMOTE, 9.0, Options(first_byte_s=8.0), is_last=False, is_stream=True)
