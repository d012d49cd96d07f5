"""Column types without PySpark: parse, print, unite, widen and prune.

A type is an atomic name as Delta writes it (``"long"``, ``"decimal(10,2)"``) or one of the frozen
classes :class:`Struct`, :class:`Array`, :class:`Map`. The JSON form is the one that Spark and the
Delta log share, so a schema read from a Delta log, a Parquet footer or a Spark session compares.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union

DataType: TypeAlias = Union[str, "Struct", "Array", "Map"]

INTEGRAL = ("byte", "short", "integer", "long")
_WIDER_NUMBERS = (*INTEGRAL, "double")
_DDL_NAMES = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint"}
_DECIMAL = re.compile(r"decimal\((\d+),\s*(-?\d+)\)")
MAX_DECIMAL_PRECISION = 38


@dataclass(frozen=True)
class Field:
    """One named member of a struct."""

    name: str
    type: DataType


@dataclass(frozen=True)
class Struct:
    """An ordered list of named members; also the schema of a table."""

    fields: tuple[Field, ...] = ()

    def names(self) -> list[str]:
        return [field.name for field in self.fields]

    def get(self, name: str) -> DataType | None:
        """The type of the member ``name``, or None where there is none."""
        return next((field.type for field in self.fields if field.name == name), None)

    def at(self, path: str) -> DataType | None:
        """The type at a dotted path through structs only, or None."""
        here: DataType | None = self
        for name in path.split("."):
            here = here.get(name) if isinstance(here, Struct) else None
        return here

    def leaves(self, prefix: str = "") -> Iterator[tuple[str, "DataType"]]:
        """Dotted path and type of every non-struct field, in order (S11)."""
        for field in self.fields:
            if isinstance(field.type, Struct):
                yield from field.type.leaves(f"{prefix}{field.name}.")
            else:
                yield f"{prefix}{field.name}", field.type

    def only(self, *names: str) -> "Struct":
        return Struct(tuple(field for field in self.fields if field.name in names))

    def without(self, *names: str) -> "Struct":
        return Struct(tuple(field for field in self.fields if field.name not in names))


@dataclass(frozen=True)
class Array:
    """An array of ``element``."""

    element: DataType


@dataclass(frozen=True)
class Map:
    """A map from ``key`` to ``value``."""

    key: DataType
    value: DataType


@dataclass(frozen=True)
class Conflict:
    """Two types of one path that have no common wider type (S12)."""

    path: str
    left: DataType
    right: DataType


def struct_of(**members: DataType) -> Struct:
    """``struct_of(id="string")``: a struct written by hand."""
    return Struct(tuple(Field(name, type_) for name, type_ in members.items()))


def from_json(node: object) -> DataType:
    """A type from Spark's or Delta's JSON form (nullability and metadata are dropped)."""
    if isinstance(node, str):
        return "decimal(10,0)" if node == "decimal" else node.replace(" ", "")
    if not isinstance(node, Mapping):
        raise TypeError(f"no type: {node!r}")
    match node["type"]:
        case "struct":
            return Struct(tuple(Field(f["name"], from_json(f["type"])) for f in node["fields"]))
        case "array":
            return Array(from_json(node["elementType"]))
        case "map":
            return Map(from_json(node["keyType"]), from_json(node["valueType"]))
        case other:
            raise TypeError(f"no type: {other!r}")


def to_json(type_: DataType) -> object:
    """Spark's and Delta's JSON form, everything nullable (map keys excepted, as Delta wants it)."""
    match type_:
        case Struct():
            return {"type": "struct", "fields": [_field_json(field) for field in type_.fields]}
        case Array():
            return {"type": "array", "elementType": to_json(type_.element), "containsNull": True}
        case Map():
            return {
                "type": "map",
                "keyType": to_json(type_.key),
                "valueType": to_json(type_.value),
                "valueContainsNull": True,
            }
        case _:
            return type_


def _field_json(field: Field) -> dict[str, object]:
    return {"name": field.name, "type": to_json(field.type), "nullable": True, "metadata": {}}


def ddl(type_: DataType) -> str:
    """The type as Spark SQL writes it: ``struct<`a`:bigint>``. Names are quoted."""
    match type_:
        case Struct():
            members = (f"{quoted(field.name)}:{ddl(field.type)}" for field in type_.fields)
            return f"struct<{','.join(members)}>"
        case Array():
            return f"array<{ddl(type_.element)}>"
        case Map():
            return f"map<{ddl(type_.key)},{ddl(type_.value)}>"
        case _:
            return _DDL_NAMES.get(type_, type_)


def table_ddl(schema: Struct) -> str:
    """A table schema as ``DataFrameReader.schema`` takes it."""
    return ", ".join(f"{quoted(field.name)} {ddl(field.type)}" for field in schema.fields)


def quoted(name: str) -> str:
    """A name as an identifier of Spark SQL."""
    return "`" + name.replace("`", "``") + "`"


def widen(left: DataType, right: DataType, path: str = "") -> "DataType | Conflict":
    """The narrowest type that holds both (S12), structs' members united; or the first conflict."""
    if left == right:
        return left
    match left, right:
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
