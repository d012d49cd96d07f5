"""Values of a table as JSON has them, for ``query`` and ``explain``; times are left to these."""

import base64
import math
from datetime import date
from decimal import Decimal


def json_scalar(value: object) -> object:
    """A value that holds no others: a number, a truth value, a text, or what is told as a text.

    Decimals are text with all their digits, bytes base64, dates ISO 8601, and what JSON has no
    number for is ``NaN``, ``Infinity`` or ``-Infinity``.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else _unusual(value)
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
    return str(value)


def _unusual(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
