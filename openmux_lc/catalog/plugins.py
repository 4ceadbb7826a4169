"""Providers that installed packages bring, by the entry-point group `openmux_lc.providers`.

An entry point is a `Provider`, several of them, or a callable that returns either.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from openmux_lc.catalog.rows import check_address, is_provider_id
from openmux_lc.errors import CatalogError
from openmux_lc.types.catalog import Provider

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "installed_providers"]

GROUP: Final = "openmux_lc.providers"
_MARK: Final = f"[{GROUP}]".encode()


def installed_providers() -> tuple[Provider, ...]:
    """Return the providers of every installed package, in the order of their names.

    Raises:
        CatalogError: An entry point cannot be loaded or gives something else.
    """
    if not any(_may_bring_some(folder) for folder in sys.path):
        return ()
    from importlib.metadata import entry_points  # 20 ms, for nothing on most machines

    points = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    return tuple(provider for point in points for provider in _load(point))


def _may_bring_some(folder: str) -> bool:
    """Whether a folder of `sys.path` holds a package that names the group."""
    try:
        with os.scandir(folder) as found:
            return any(_names_group(entry.path) for entry in found if entry.name.endswith((".dist-info", ".egg-info")))
    except NotADirectoryError:
        return True  # an archive: let importlib look inside
    except OSError:
        return False


def _names_group(folder: str) -> bool:
    try:
        with open(os.path.join(folder, "entry_points.txt"), "rb") as file:  # noqa: PTH118, PTH123 - 150 of them in 1 ms
            return _MARK in file.read()
    except OSError:
        return False


def _load(point: EntryPoint) -> tuple[Provider, ...]:
    try:
        brought = point.load()
    except (ImportError, AttributeError) as error:
        raise _fault(point, f"cannot be loaded: {error}") from error
    if callable(brought):
        brought = brought()
    rows = (brought,) if isinstance(brought, Provider) else brought
    if not isinstance(rows, Iterable):
        raise _fault(point, "gives neither a Provider nor several")
    return tuple(_checked(point, row) for row in rows)


def _checked(point: EntryPoint, row: object) -> Provider:
    if not isinstance(row, Provider):
        raise _fault(point, f"gives a {type(row).__name__}, not a Provider")
    if not is_provider_id(row.id):
        raise _fault(point, f"gives the provider id {row.id!r}; it begins with a-z and holds a-z, 0-9, _ and -")
    if problem := check_address(row.base_url):
        raise _fault(point, f"gives the provider {row.id!r} a malformed base_url: {problem}")
    return replace(row, origin=point.name)


def _fault(point: EntryPoint, problem: str) -> CatalogError:
    package = f" of {point.dist.name}" if point.dist else ""
    return CatalogError(f"entry point {point.name!r}{package} ({GROUP}): {problem}; update or uninstall the package")
