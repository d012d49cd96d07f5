"""The narrowest type that holds two others, and the union of schemas (S12); without PySpark."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from profile_export.schema import INTEGRAL, Array, DataType, Field, Map, Struct, ddl

_WIDER_NUMBERS = (*INTEGRAL, "double")
_DECIMAL = re.compile(r"decimal\((\d+),\s*(-?\d+)\)")
MAX_DECIMAL_PRECISION = 38


@dataclass(frozen=True)
class Conflict:
    """Two types of one path that have no common wider type (S12)."""

    path: str
    left: DataType
    right: DataType


def widen(left: DataType, right: DataType, path: str = "") -> "DataType | Conflict":
    """The narrowest type that holds both (S12), structs' members united; or the first conflict."""
    if left == right:
        return left
    match left, right:
        case "void", _:  # refused with its dataset (``tables.checks``), and told there
            return right
        case _, "void":
            return left
        case Struct(), Struct():
            return _widen_structs(left, right, path)
        case Array(), Array():
            element = widen(left.element, right.element, path)
            return element if isinstance(element, Conflict) else Array(element)
        case Map(), Map():
            value = widen(left.value, right.value, path)
            if left.key != right.key:
                return Conflict(path, left, right)
            return value if isinstance(value, Conflict) else Map(left.key, value)
        case str(), str():
            return _widen_atoms(left, right) or Conflict(path, left, right)
        case _:
            return Conflict(path, left, right)


def _widen_structs(left: Struct, right: Struct, path: str) -> "Struct | Conflict":
    united: list[Field] = []
    for field in left.fields:
        other = right.get(field.name)
        here = f"{path}.{field.name}" if path else field.name
        type_ = field.type if other is None else widen(field.type, other, here)
        if isinstance(type_, Conflict):
            return type_
        united.append(Field(field.name, type_))
    known = set(left.names())
    return Struct((*united, *(field for field in right.fields if field.name not in known)))


def _widen_atoms(left: str, right: str) -> str | None:
    pair = {left, right}
    if pair <= set(_WIDER_NUMBERS):
        return max(pair, key=_WIDER_NUMBERS.index)
    if "float" in pair and pair <= {"float", *_WIDER_NUMBERS}:
        return "double"
    both = _DECIMAL.fullmatch(left), _DECIMAL.fullmatch(right)
    if both[0] and both[1]:
        (p1, s1), (p2, s2) = ((int(m[1]), int(m[2])) for m in both if m)
        scale, whole = max(s1, s2), max(p1 - s1, p2 - s2)
        if whole + scale <= MAX_DECIMAL_PRECISION:
            return f"decimal({whole + scale},{scale})"
    return None


def unite(schemas: Sequence[tuple[str, Struct]]) -> tuple[Struct, list[tuple[Conflict, list[str]]]]:
    """The union of named schemas, and EVERY path whose types conflict (S12).

    Args:
        schemas: (dataset id, schema) in the order of the union's columns; new paths go to the end
            of their struct.

    Returns:
        The union without the conflicting paths, and for each conflict the datasets that have the
        path, as ``"dataset id: type"``.
    """
    conflicts: list[tuple[Conflict, list[str]]] = []
    return _unite(schemas, "", conflicts), conflicts


def _unite(
    schemas: Sequence[tuple[str, Struct]], prefix: str, conflicts: list[tuple[Conflict, list[str]]]
) -> Struct:
    united: list[Field] = []
    for name in dict.fromkeys(n for _, schema in schemas for n in schema.names()):
        path = f"{prefix}{name}"
        types = [(i, t) for i, schema in schemas if (t := schema.get(name)) is not None]
        structs = [(i, t) for i, t in types if isinstance(t, Struct)]
        if len(structs) == len(types):
            united.append(Field(name, _unite(structs, f"{path}.", conflicts)))
            continue
        merged: DataType | Conflict = types[0][1]
        for _, type_ in types[1:]:
            merged = merged if isinstance(merged, Conflict) else widen(merged, type_, path)
        if isinstance(merged, Conflict):
            conflicts.append((merged, [f"{i}: {ddl(t)}" for i, t in types]))
        else:
            united.append(Field(name, merged))
    return Struct(tuple(united))
