"""Rows that point at a `FakeUpstream`, one for each way in which a dialect's adapter asks."""

from collections.abc import Mapping
from importlib.util import find_spec

from openmux_lc.testing import FakeUpstream
from openmux_lc.types.catalog import Provider
from tests.providers.calls import provider

MODEL = "owner/tiny"
_ALL: Mapping[str, tuple[str, str]] = {
    "openai": ("openai", ""),
    "openai/text": ("openai", "text_generation"),
    "ollama": ("ollama", ""),
    "ollama/text": ("ollama", "text_generation"),
    "gemini": ("gemini", ""),
    "cohere": ("cohere", ""),
    "cloudflare": ("cloudflare", ""),
    "cloudflare/run": ("cloudflare", "native_run"),
    "huggingface": ("huggingface", ""),
    "huggingface/task": ("huggingface", "text_generation"),
    "pollinations": ("pollinations", ""),
    "pollinations/old": ("pollinations", ""),
    "replicate": ("replicate", ""),
    "horde": ("horde", ""),
}
"""Dialect and quirk of each."""

_LACKS_CLIENT = find_spec("huggingface_hub") is None
ROWS = {name: row for name, row in _ALL.items() if not (_LACKS_CLIENT and name == "huggingface/task")}
"""Those that can be asked: one host's tasks and vectors are written by its own client, an extra."""

POLLED = frozenset({"replicate", "horde"})
MAKE_VECTORS = sorted(ROWS.keys() - POLLED - ({"huggingface"} if _LACKS_CLIENT else set()))
TEXT_ONLY = frozenset({"openai/text", "ollama/text", "huggingface/task"}) | POLLED
"""Models there take a text on: they have no tools and no thoughts."""


def row_of(name: str, up: FakeUpstream) -> Provider:
    """Return the row."""
    dialect, quirk = ROWS[name]
    address = f"{up.root_url}/openai" if name == "pollinations/old" else up.url_for(dialect)
    return provider(address, dialect=dialect, quirks=frozenset(filter(None, [quirk])))
