"""Random rows for a dataset's columns: nulls everywhere, few distinct values, many ties.

No two different rows tie wholly under S4 or S23: what such a tie gives is left open.
"""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from .catalog import PROFILE, Dataset
from .identities import read_row
from .random_schemas import IDENTITY_FIELDS, SPELLINGS
from .spark_types import ArrayType, AtomicType, DataType, DecimalType, MapType, StructType
from .values import at, decode, format_time

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
# Few, so that they tie; one is the creation time itself.
TIMES = [format_time(AS_OF - timedelta(days=days)) for days in (400, 90, 60, 30, 30.00001, 7, 0)]
LATER = [format_time(AS_OF + timedelta(days=days)) for days in (-30, -1, 0, 1, 30)]
TEXTS = ["", " ", "a", "A", "b", "é", "日本", 'q"t', "long " * 5, "null"]
SEGMENTS = ["s1", "s2", "s3", "S1"]
STATUSES = ["realized", "realized", "existing", "exited", None]
NUMBERS: dict[str, list[Any]] = {
    "tinyint": [-128, -1, 0, 1, 127],
    "smallint": [-32768, 0, 7, 32767],
    "int": [-1, 0, 3, 2147483647],
    "bigint": [-1, 0, 9007199254740993, -9223372036854775807],
    "float": [0.5, -2.25, 0.1, 16777216.0],
    "double": [0.0, 0.1, -1e10, 123456.789],
}
FIELD_NAMESPACES = {field: namespace for namespace, (field, _) in IDENTITY_FIELDS.items()}
DATES = ["1970-01-01", "2000-02-29", "1999-12-31"]


class RowMaker:
    """Makes the rows of one world."""

    def __init__(self, rng: Random, size: int) -> None:
        self.rng = rng
        self.size = size
        # From one person whom everything joins, to many who share little.
        self.identities = max(size, 2) * rng.choice([1, 3, 6])
        # In some worlds nearly everything happens at once, so that the last tie-breaks decide.
        self.times = rng.choice([TIMES, TIMES, TIMES[1:3]])
        self.special: dict[str, Callable[[DataType], Any]] = {
            "identityMap": lambda kind: self.identity_map(kind),
            "segmentMembership": lambda kind: self.membership(kind),
            "timestamp": lambda _: self.maybe(0.08, self.moment),
            "_id": lambda kind: self.row_id(kind),
        }

    def maybe(self, chance_of_null: float, make: Callable[[], Any]) -> Any:
        return None if self.rng.random() < chance_of_null else make()

    def moment(self) -> str:
        return self.rng.choice(self.times)

    def row_id(self, kind: DataType) -> Any:
        number = self.rng.randint(0, 2 * self.size)
        text = isinstance(kind, AtomicType) and kind.name == "string"
        return self.maybe(0.15, lambda: f"r{number}" if text else number)

    def identity_value(self, namespace: str, whole: bool) -> Any:
        # The low numbers come often: chains, replaced records, people with many events.
        number = int(self.identities * self.rng.random() ** 2)
        if whole:
            return number
        if self.rng.random() < 0.08:
            return self.rng.choice(["", "  ", "\t", None])
        # Some values of different namespaces are the same text, some differ in case only.
        text = self.rng.choice([f"{namespace[0]}{number}"] * 4 + [str(number), f"E{number}"])
        return self.rng.choice(["", "", "", " ", "  "]) + text + self.rng.choice(["", "", " "])

    def identity_map(self, kind: DataType) -> Any:
        if self.rng.random() < 0.1:
            return None
        members = [name for name, _ in kind.value.element.fields]  # type: ignore[union-attr]
        entries: dict[str, Any] = {}
        for namespace in self.rng.sample(sorted(SPELLINGS), self.rng.randint(0, 3)):
            for spelling in self.rng.sample(SPELLINGS[namespace], self.rng.choice([1, 1, 2])):
                count = self.rng.choice([0, 1, 1, 2])
                entries[spelling] = [self.mapped_entry(namespace, members) for _ in range(count)]
        if entries and self.rng.random() < 0.05:
            entries[next(iter(entries))] = None
        return entries

    def mapped_entry(self, namespace: str, members: list[str]) -> Any:
        state = self.rng.choice(["authenticated", "loggedOut", "ambiguous", "other", None])
        entry = {
            "id": self.identity_value(namespace, whole=False),
            "authenticatedState": state,
            "primary": self.rng.choice([True, True, False, None]),
        }
        return self.maybe(0.04, lambda: {name: entry[name] for name in members})

    def membership(self, kind: DataType) -> Any:
        if self.rng.random() < 0.1:
            return None
        members = [name for name, _ in kind.value.value.fields]  # type: ignore[union-attr]
        spellings = self.rng.sample(["ups", "UPS", "aam", "Aam"], self.rng.randint(0, 3))
        found: dict[str, Any] = {}
        for spelling in spellings:
            ids = self.rng.sample(SEGMENTS, self.rng.randint(0, len(SEGMENTS)))
            found[spelling] = {segment: self.entry(members) for segment in ids}
        if found and self.rng.random() < 0.05:
            found[next(iter(found))] = None
        return found

    def entry(self, members: list[str]) -> Any:
        status = self.rng.choice(STATUSES)
        entry = {
            "status": status,
            "lastQualificationTime": self.maybe(0.15, self.moment),
            "validUntil": self.maybe(0.5, lambda: self.rng.choice(LATER)),
            # Told by the status, so that no two entries tie and differ.
            "version": f"v-{status}",
        }
        return self.maybe(0.05, lambda: {name: entry[name] for name in members})

    def value(self, kind: DataType) -> Any:
        """Any value of a type, seldom null."""
        return self.maybe(0.12, lambda: self.present(kind))

    def present(self, kind: DataType) -> Any:
        if isinstance(kind, AtomicType):
            return self.atomic(kind.name)
        if isinstance(kind, DecimalType):
            digits = min(kind.precision, 12)
            number = self.rng.randint(-(10**digits) + 1, 10**digits - 1)
            return str(Decimal(number).scaleb(-kind.scale))
        if isinstance(kind, ArrayType):
            return [self.value(kind.element) for _ in range(self.rng.randint(0, 3))]
        if isinstance(kind, MapType):
            pool = ["k", "K", "", "é"] if kind.key == AtomicType("string") else ["1", "-7", "300"]
            keys = self.rng.sample(pool, self.rng.randint(0, 3))
            return {key: self.value(kind.value) for key in keys}
        return {name: self.value(inner) for name, inner in kind.fields}

    def atomic(self, name: str) -> Any:
        pools: dict[str, list[Any]] = {
            **NUMBERS,
            "string": TEXTS,
            "boolean": [True, False],
            "date": DATES,
            "timestamp": [*TIMES, "1969-12-31T23:59:59.999999Z"],
            "binary": [base64.b64encode(raw).decode() for raw in (b"", b"\x00\xff", b"photo")],
        }
        return self.rng.choice(pools[name])

    def row(self, dataset: Dataset) -> dict[str, Any]:
        values = self.struct(dataset.schema, ())
        for path in filter(None, (dataset.ingest_time, dataset.last_updated)):
            chance = 0.08 if path == dataset.ingest_time else 0.4
            _put(values, path, self.maybe(chance, self.moment))
        return values

    def struct(self, struct: StructType, above: tuple[str, ...]) -> dict[str, Any]:
        return {name: self.field(kind, (*above, name)) for name, kind in struct.fields}

    def field(self, kind: DataType, path: tuple[str, ...]) -> Any:
        namespace = FIELD_NAMESPACES.get(".".join(path))
        if namespace:
            whole = kind != AtomicType("string")
            return self.maybe(0.1, lambda: self.identity_value(namespace, whole))
        if len(path) == 1 and path[0] in self.special:
            return self.special[path[0]](kind)
        if isinstance(kind, StructType):
            return self.maybe(0.08, lambda: self.struct(kind, path))
        return self.maybe(0.25, lambda: self.present(kind))

    def rows(self, dataset: Dataset, count: int) -> list[dict[str, Any]]:
        return _without_open_ties(dataset, [self.row(dataset) for _ in range(count)])


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        if values.get(name) is None:
            values[name] = {}
        values = values[name]
    values[path[-1]] = value


def _without_open_ties(dataset: Dataset, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that tie wholly become copies of the first of them: duplicates, but no open choice."""
    first: dict[Any, dict[str, Any]] = {}
    kept = []
    for values in rows:
        row = read_row(dataset, decode(dataset.schema, values))
        record_id = values.get("_id")
        ingest = at(values, dataset.ingest_time or ())
        moment = values.get("timestamp")
        if dataset.kind == PROFILE:
            tie: Any = (row.primary if row else None, ingest, record_id)
        elif record_id is None:
            tie = (None, moment)
        else:
            tie = (record_id, ingest, moment, row.primary if row else None)
        kept.append(first.setdefault(tie, values))
    return kept
