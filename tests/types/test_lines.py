"""Where a key stands in a text."""

import pytest

from openmux_lc.types.lines import line_of

TEXT = """# models = 1
schema = 1

[providers.mine]
"base_url" = "x"
limits = [{ amount = 1 }]

[providers."other"]
base_url = "y"
limits = [
    { amount = 1 },
    { amount = 2, zone = 'Mars/North' },
]
"""


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["schema"], 2),
        (["providers", "mine"], 4),
        (["providers", "mine", "base_url"], 5),
        (["providers", "mine", "limits", "amount"], 6),
        (["providers", "mine", "missing"], 4),
        (["providers", "other", "base_url"], 9),
        (["providers", "other", "limits", "zone", "Mars/North"], 12),
        (["models"], 1),
        ([], 1),
    ],
)
def test_the_last_key_that_is_there_gives_the_line(keys, expected):
    assert expected == line_of(TEXT, keys)
