"""Column types without PySpark: parse, print and prune.

A type is an atomic name as Delta writes it (``"long"``, ``"decimal(10,2)"``) or one of the frozen
classes :class:`Struct`, :class:`Array`, :class:`Map`. The JSON form is the one that Spark and the
Delta log share, so a schema read from a Delta log, a Parquet footer or a Spark session compares.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, Union

DataType: TypeAlias = Union[str, "Struct", "Array", "Map"]

INTEGRAL = ("byte", "short", "integer", "long")
_DDL_NAMES = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint"}


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


def struct_of(**members: DataType) -> Struct:
    """``struct_of(id="string")``: a struct written by hand."""
    return Struct(tuple(Field(name, type_) for name, type_ in members.items()))


def atoms(type_: DataType, path: str = "") -> Iterator[tuple[str, str]]:
    """Dotted path and name of every atomic type inside, those in arrays and maps at theirs."""
    match type_:
        case Struct():
            for field in type_.fields:
                yield from atoms(field.type, f"{path}.{field.name}" if path else field.name)
        case Array():
            yield from atoms(type_.element, path)
        case Map():
            yield from atoms(type_.key, path)
            yield from atoms(type_.value, path)
        case str():
            yield path, type_


def contains(type_: DataType, kind: type[Array] | type[Map]) -> bool:
    """Whether a type is of a kind, or has one anywhere inside."""
    match type_:
        case Struct():
            inner = tuple(field.type for field in type_.fields)
        case Array():
            inner = (type_.element,)
        case Map():
            inner = (type_.key, type_.value)
        case _:
            inner = ()
    return isinstance(type_, kind) or any(contains(each, kind) for each in inner)


def from_json(node: object) -> DataType:
    """A type from Spark's or Delta's JSON form (nullability and metadata are dropped).

    Raises:
        LookupError, TypeError: it is none.
    """
    if isinstance(node, str):
        return "decimal(10,0)" if node == "decimal" else node.replace(" ", "")
    if not isinstance(node, Mapping):
        raise TypeError(f"no type: {node!r}")
    match node["type"]:
        case "struct":
            return Struct(tuple(_field(each) for each in node["fields"]))
        case "array":
            return Array(from_json(node["elementType"]))
        case "map":
            return Map(from_json(node["keyType"]), from_json(node["valueType"]))
        case other:
            raise TypeError(f"no type: {other!r}")


def _field(node: Mapping[str, object]) -> Field:
    name = node["name"]
    if not isinstance(name, str):
        raise TypeError(f"no name: {name!r}")
    return Field(name, from_json(node["type"]))


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
