"""The copy of a row that a user may edit."""

import re
import tomllib

import pytest

from openmux_lc.catalog.catalog import load_catalog
from openmux_lc.catalog.export import editable_copy, editable_text
from openmux_lc.errors import UnknownProviderError
from openmux_lc.folders import data_folder
from openmux_lc.settings import Settings

ROWS = list(load_catalog(Settings()).providers)


@pytest.mark.parametrize("row_id", ROWS)
def test_an_untouched_copy_changes_nothing(row_id):
    before = load_catalog(Settings())

    path = editable_copy(row_id)

    assert data_folder() / "providers" / f"{row_id}.toml" == path
    assert before == load_catalog(Settings())


@pytest.mark.parametrize("row_id", ROWS)
def test_the_uncommented_lines_are_the_whole_row(row_id):
    """What the user takes the `# ` away from is valid as it stands."""
    before = load_catalog(Settings()).provider(row_id)
    head, _, body = editable_text(row_id).partition("schema = 1\n")
    text = f"schema = 1\n{re.sub('^# ', '', body, flags=re.MULTILINE)}"

    assert head.startswith("# Your copy")
    assert tomllib.loads(text)["providers"][row_id]["base_url"] == before.base_url
    editable_copy(row_id).write_text(text, encoding="utf-8")
    assert before == load_catalog(Settings()).provider(row_id)


def test_a_changed_line_counts():
    path = editable_copy("groq")
    path.write_text(path.read_text(encoding="utf-8").replace("# rank = 20", "rank = 3"), encoding="utf-8")

    assert load_catalog(Settings()).provider("groq").rank == 3


def test_what_the_user_wrote_is_never_overwritten():
    editable_copy("groq").write_text("schema = 1\n[providers.groq]\nrank = 3\n", encoding="utf-8")

    path = editable_copy("groq")

    assert path.read_text(encoding="utf-8") == "schema = 1\n[providers.groq]\nrank = 3\n"


@pytest.mark.parametrize("row_id", ["nobody", "../../etc/passwd", ""])
def test_a_row_that_is_not_shipped_has_no_copy(row_id):
    with pytest.raises(UnknownProviderError, match="ships no row"):
        editable_copy(row_id)
