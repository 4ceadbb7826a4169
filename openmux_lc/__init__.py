"""Good answers from free models, behind the objects you already use.

Importing this package loads nothing but itself; each name loads its module at
first use.
"""

from __future__ import annotations

from openmux_lc._version import __version__

# What `typing` would tell; importing it is nine tenths of what importing this package costs.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from openmux_lc.chat_models import ChatOpenMux
    from openmux_lc.embeddings import OpenMuxEmbeddings
    from openmux_lc.graph import create_openmux_graph
    from openmux_lc.mux import Mux
    from openmux_lc.orchestrator import Orchestrator
    from openmux_lc.provider_models import provider_chat_model, provider_embeddings
    from openmux_lc.rate_limiter import OpenMuxRateLimiter
    from openmux_lc.routing.classify import classify_text as classify
    from openmux_lc.settings import Settings

__all__ = [
    "ChatOpenMux",
    "Mux",
    "OpenMuxEmbeddings",
    "OpenMuxRateLimiter",
    "Orchestrator",
    "Settings",
    "__version__",
    "classify",
    "create_openmux_graph",
    "provider_chat_model",
    "provider_embeddings",
]

_HOMES = {
    "ChatOpenMux": ("openmux_lc.chat_models", "ChatOpenMux"),
    "Mux": ("openmux_lc.mux", "Mux"),
    "OpenMuxEmbeddings": ("openmux_lc.embeddings", "OpenMuxEmbeddings"),
    "OpenMuxRateLimiter": ("openmux_lc.rate_limiter", "OpenMuxRateLimiter"),
    "Orchestrator": ("openmux_lc.orchestrator", "Orchestrator"),
    "Settings": ("openmux_lc.settings", "Settings"),
    "classify": ("openmux_lc.routing.classify", "classify_text"),
    "create_openmux_graph": ("openmux_lc.graph", "create_openmux_graph"),
    "provider_chat_model": ("openmux_lc.provider_models", "provider_chat_model"),
    "provider_embeddings": ("openmux_lc.provider_models", "provider_embeddings"),
}


def __getattr__(name: str) -> object:
    """Load a public name from its module (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, attribute = home
    value: object = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
