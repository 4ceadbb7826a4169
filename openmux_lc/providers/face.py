"""What the LangChain faces of a row share: how pydantic takes a row of ours."""

from typing import Annotated, Final

from pydantic import ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from openmux_lc.types.catalog import Provider

__all__ = ["FACE_CONFIG", "Row"]

FACE_CONFIG: Final = ConfigDict(
    populate_by_name=True, extra="forbid", arbitrary_types_allowed=True, protected_namespaces=()
)


class _AsItIs:
    """Lets pydantic take a value of ours by its class, without looking inside."""

    def __get_pydantic_core_schema__(self, source: type[Provider], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(source)


Row = Annotated[Provider, _AsItIs()]
"""A field that holds a provider's row."""
