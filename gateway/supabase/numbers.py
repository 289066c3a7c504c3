"""Numbers as Supabase's storage server reads them: JavaScript's, with its validator's coercion."""

from __future__ import annotations

import math
import re
from typing import cast

# ECMA-262 §7.1.4.1, StringNumericLiteral; a sign is for decimals and infinity alone. Each digit has
# one place to stand in: a request may bring millions of them.
_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?|[+-]?Infinity"
)
_BASED = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_BLANK = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)


def single(value: object) -> object:
    """The item of a list of one, which stands for it where one value is wanted; else the value."""
    if isinstance(value, list):
        items = cast(list[object], value)
        if len(items) == 1:
            return items[0]
    return value


def number_of(value: object) -> float:
    """The number that a single value stands for, infinity included; NaN when it is for none."""
    match value:
        case None:
            return 0.0
        case int() | float():
            return _float(value)
        case str() if value:
            return _number_in(value.strip(_BLANK))
        case _:
            return math.nan


def _number_in(text: str) -> float:
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text):
        return float(text)
    return _float(int(text, 0)) if _BASED.fullmatch(text) else math.nan


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
