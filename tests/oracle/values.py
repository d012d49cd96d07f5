"""Values: from the JSON of a golden vector to Python, to another type, and back to JSON.

In Python a value is what its type says: datetime (UTC), date, Decimal, bytes, float, int, bool,
str, list, dict. In JSON a timestamp is ISO-8601 with Z, a decimal a string with all its decimals,
a binary base64, a map an object, and a field that is absent is null.
"""

import base64
import struct
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import Any

from .spark_types import ArrayType, AtomicType, DataType, DecimalType, MapType, StructType


def parse_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time without an offset: {text!r}")
    return moment.astimezone(UTC)


def format_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _to_float32(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _to_scale(kind: DecimalType, value: Decimal) -> Decimal:
    # Python's own context has 28 digits, Spark's decimals 38.
    return value.quantize(Decimal(1).scaleb(-kind.scale), context=Context(prec=38))


def _decode_atomic(name: str, value: Any) -> Any:
    if name == "timestamp":
        return parse_time(value)
    if name == "date":
        return date.fromisoformat(value)
    if name == "binary":
        return base64.b64decode(value)
    if name == "double":
        return float(value)
    if name == "float":
        return _to_float32(float(value))
    wanted = {"string": str, "boolean": bool}.get(name, int)
    if type(value) is not wanted:
        raise ValueError(f"{value!r} is no {name}")
    return value


def decode(kind: DataType, value: Any) -> Any:
    """From JSON to Python. A field that the type does not know is a mistake of the vector."""
    if value is None:
        return None
    if isinstance(kind, AtomicType):
        return _decode_atomic(kind.name, value)
    if isinstance(kind, DecimalType):
        return _to_scale(kind, Decimal(str(value)))
    if isinstance(kind, ArrayType):
        return [decode(kind.element, item) for item in value]
    if isinstance(kind, MapType):
        # JSON knows only text as a key.
        whole = isinstance(kind.key, AtomicType) and kind.key.name != "string"
        return {
            decode(kind.key, int(key) if whole else key): decode(kind.value, item)
            for key, item in value.items()
        }
    unknown = set(value) - {name for name, _ in kind.fields}
    if unknown:
        raise ValueError(f"{sorted(unknown)} not in {kind}")
    return {name: decode(inner, value.get(name)) for name, inner in kind.fields}


def encode(kind: DataType, value: Any) -> Any:
    """From Python to JSON, the inverse of decode."""
    if value is None:
        return None
    if isinstance(kind, AtomicType):
        if kind.name == "timestamp":
            return format_time(value)
        if kind.name == "date":
            return value.isoformat()
        return base64.b64encode(value).decode() if kind.name == "binary" else value
    if isinstance(kind, DecimalType):
        return format(value, "f")
    if isinstance(kind, ArrayType):
        return [encode(kind.element, item) for item in value]
    if isinstance(kind, MapType):
        return {str(key): encode(kind.value, item) for key, item in value.items()}
    return {name: encode(inner, value.get(name)) for name, inner in kind.fields}


def cast(kind: DataType, value: Any) -> Any:
    """To a wider type (S12) or to a narrower struct (S21): structs go by name, absent is null."""
    if value is None:
        return None
    if isinstance(kind, AtomicType):
        return float(value) if kind.name in ("float", "double") else value
    if isinstance(kind, DecimalType):
        return _to_scale(kind, value)
    if isinstance(kind, ArrayType):
        return [cast(kind.element, item) for item in value]
    if isinstance(kind, MapType):
        return {key: cast(kind.value, item) for key, item in value.items()}
    return {name: cast(inner, value.get(name)) for name, inner in kind.fields}


def at(value: Any, path: tuple[str, ...]) -> Any:
    """The value of a path through structs; null as soon as one of them is null."""
    for name in path:
        if value is None:
            return None
        value = value.get(name)
    return value


def without_path(values: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The struct without one field, however deep in structs it lies."""
    rest = dict(values)
    inner = rest.pop(path[0], None)
    if len(path) > 1 and inner is not None:
        rest[path[0]] = without_path(inner, path[1:])
    return rest


def null_empty_structs(kind: StructType, value: dict[str, Any]) -> dict[str, Any]:
    """A struct whose leaves are all null is null (S11); arrays and maps are leaves. Top is kept."""
    tidy: dict[str, Any] = {}
    for name, inner in kind.fields:
        item = value.get(name)
        if isinstance(inner, StructType) and item is not None:
            item = null_empty_structs(inner, item)
            item = item if any(part is not None for part in item.values()) else None
        tidy[name] = item
    return tidy


def nulls_lowest(value: Any) -> tuple[bool, Any]:
    """Order that lets a null lose to every value; two nulls tie."""
    return (value is not None, value)
