"""Spark's data types, as much of them as the semantics need: read from DDL and written back."""

import re
from dataclasses import dataclass

# Every spelling that Spark DDL takes, to the one that simpleString() gives.
ATOMIC_NAMES: dict[str, str] = {
    "byte": "tinyint", "tinyint": "tinyint",
    "short": "smallint", "smallint": "smallint",
    "int": "int", "integer": "int",
    "long": "bigint", "bigint": "bigint",
    "float": "float", "real": "float", "double": "double",
    "string": "string", "binary": "binary", "boolean": "boolean",
    "date": "date", "timestamp": "timestamp",
}  # fmt: skip


@dataclass(frozen=True)
class AtomicType:
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class DecimalType:
    precision: int
    scale: int

    def __str__(self) -> str:
        return f"decimal({self.precision},{self.scale})"


@dataclass(frozen=True)
class ArrayType:
    element: "DataType"

    def __str__(self) -> str:
        return f"array<{self.element}>"


@dataclass(frozen=True)
class MapType:
    key: "DataType"
    value: "DataType"

    def __str__(self) -> str:
        return f"map<{self.key},{self.value}>"


@dataclass(frozen=True)
class StructType:
    fields: tuple[tuple[str, "DataType"], ...]

    def __str__(self) -> str:
        return "struct<" + ",".join(f"{name}:{kind}" for name, kind in self.fields) + ">"

    def get(self, name: str) -> "DataType | None":
        return dict(self.fields).get(name)


DataType = AtomicType | DecimalType | ArrayType | MapType | StructType

TOKEN = re.compile(r"\s*(`[^`]*`|[\w$.\-]+|[<>(),:])")


class _Reader:
    """A recursive-descent reader over the tokens of one DDL type."""

    def __init__(self, ddl: str) -> None:
        self.ddl = ddl
        self.tokens: list[str] = TOKEN.findall(ddl)
        if "".join(self.tokens) != re.sub(r"\s+", "", ddl):
            raise ValueError(f"not a Spark type: {ddl!r}")

    def take(self, wanted: str = "") -> str:
        if not self.tokens or (wanted and self.tokens[0] != wanted):
            raise ValueError(f"expected {wanted or 'more'} in the Spark type {self.ddl!r}")
        return self.tokens.pop(0)

    def accept(self, token: str) -> bool:
        if self.tokens[:1] == [token]:
            self.tokens.pop(0)
            return True
        return False

    def data_type(self) -> DataType:
        word = self.take().lower()
        if word in ("array", "map", "struct"):
            return self.nested(word)
        if word in ("decimal", "dec", "numeric"):
            return self.decimal()
        if word not in ATOMIC_NAMES:
            raise ValueError(f"unknown type {word!r} in {self.ddl!r}")
        return AtomicType(ATOMIC_NAMES[word])

    def nested(self, word: str) -> DataType:
        self.take("<")
        if word == "array":
            element = self.data_type()
            self.take(">")
            return ArrayType(element)
        if word == "map":
            key = self.data_type()
            self.take(",")
            value = self.data_type()
            self.take(">")
            return MapType(key, value)
        fields: list[tuple[str, DataType]] = []
        while not self.accept(">"):
            if fields:
                self.take(",")
            name = self.take().strip("`")
            self.accept(":")
            fields.append((name, self.data_type()))
        return StructType(tuple(fields))

    def decimal(self) -> DecimalType:
        if not self.accept("("):
            return DecimalType(10, 0)
        precision, scale = int(self.take()), 0
        if self.accept(","):
            scale = int(self.take())
        self.take(")")
        return DecimalType(precision, scale)


def parse_type(ddl: str) -> DataType:
    reader = _Reader(ddl)
    kind = reader.data_type()
    if reader.tokens:
        raise ValueError(f"words left over after the Spark type {ddl!r}")
    return kind


def parse_columns(columns: dict[str, str]) -> StructType:
    return StructType(tuple((name, parse_type(ddl)) for name, ddl in columns.items()))


Leaf = tuple[tuple[str, ...], DataType]


def leaves(struct: StructType, above: tuple[str, ...] = ()) -> list[Leaf]:
    """Dotted path and type of every non-struct field (S11): arrays and maps are atomic."""
    found: list[Leaf] = []
    for name, kind in struct.fields:
        path = (*above, name)
        found += leaves(kind, path) if isinstance(kind, StructType) else [(path, kind)]
    return found


def without(struct: StructType, path: tuple[str, ...]) -> StructType:
    """The struct without one field; a struct that is left without fields goes with it."""
    kept: list[tuple[str, DataType]] = []
    for name, kind in struct.fields:
        if name != path[0]:
            kept.append((name, kind))
        elif len(path) > 1 and isinstance(kind, StructType):
            rest = without(kind, path[1:])
            if rest.fields:
                kept.append((name, rest))
    return StructType(tuple(kept))
