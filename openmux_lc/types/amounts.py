"""What a call uses in each unit that a limit may count.

Pure. A unit without a price for the model or its provider is not charged; seconds of
audio are not made of tokens, so a call of text uses none.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from openmux_lc.types.catalog import LimitUnit, Model, Provider

__all__ = ["to_amounts"]

_MILLION: Final = 1_000_000


def to_amounts(provider: Provider, model: Model, *, input_tokens: int, output_tokens: int) -> dict[LimitUnit, int]:
    """Return what one call uses by unit, expected or actual; parts of a unit are rounded up.

    Args:
        provider: Its prices hold for models that have none of their own.
        model: The one that is called.
        input_tokens: Of the prompt.
        output_tokens: Of the answer, thoughts included.
    """
    amounts: dict[LimitUnit, int] = {"requests": 1, "tokens": input_tokens + output_tokens}
    for unit, price in {**provider.unit_prices, **model.unit_prices}.items():
        parts = input_tokens * price.input_per_million + output_tokens * price.output_per_million
        amounts[unit] = ceil(parts / _MILLION)
    return amounts
