"""The union of schemas, and the narrowest type that holds others (S12); without PySpark."""

import re
from collections.abc import Sequence

from profile_export.schema import INTEGRAL, Array, DataType, Field, Map, Struct, ddl

_WIDER_NUMBERS = (*INTEGRAL, "double")
_DECIMAL = re.compile(r"decimal\((\d+),\s*(-?\d+)\)")
MAX_DECIMAL_PRECISION = 38


Conflicts = list[tuple[str, list[str]]]
"""Paths whose types have no common wider type, each with ``"dataset id: type"`` of all."""


def unite(schemas: Sequence[tuple[str, Struct]]) -> tuple[Struct, Conflicts]:
    """The union of named schemas, and EVERY path whose types conflict (S12).

    Args:
        schemas: (dataset id, schema) in the order of the union's columns; new paths go to the end
            of their struct, also inside arrays and map values.

    Returns:
        The union without the conflicting paths, and these.
    """
    conflicts: Conflicts = []
    return _unite(schemas, "", conflicts), conflicts


def _unite(schemas: Sequence[tuple[str, Struct]], prefix: str, conflicts: Conflicts) -> Struct:
    united: list[Field] = []
    for name in dict.fromkeys(n for _, schema in schemas for n in schema.names()):
        types = [(i, t) for i, schema in schemas if (t := schema.get(name)) is not None]
        if (type_ := _united(types, f"{prefix}{name}", conflicts)) is not None:
            united.append(Field(name, type_))
    return Struct(tuple(united))


def _united(
    types: Sequence[tuple[str, DataType]], path: str, conflicts: Conflicts
) -> DataType | None:
    """The type that holds all of one path; None where there is none, which is then noted."""
    # One without a type is refused with its dataset (``tables.checks``), and told there.
    known = [(i, t) for i, t in types if t != "void"] or types
    structs = [(i, t) for i, t in known if isinstance(t, Struct)]
    arrays = [(i, t.element) for i, t in known if isinstance(t, Array)]
    maps = [(i, t) for i, t in known if isinstance(t, Map)]
    if len(structs) == len(known):
        return _unite(structs, f"{path}.", conflicts)
    if len(arrays) == len(known):
        element = _united(arrays, path, conflicts)
        return None if element is None else Array(element)
    if len(maps) == len(known) and len({t.key for _, t in maps}) == 1:
        value = _united([(i, t.value) for i, t in maps], path, conflicts)
        return None if value is None else Map(maps[0][1].key, value)
    widest: DataType | None = known[0][1]
    for _, type_ in known[1:]:
        widest = _wider(widest, type_)
    if widest is None:
        conflicts.append((path, [f"{i}: {ddl(t)}" for i, t in known]))
    return widest


def _wider(left: DataType | None, right: DataType) -> DataType | None:
    if left == right:
        return left
    return _widen_atoms(left, right) if isinstance(left, str) and isinstance(right, str) else None


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
