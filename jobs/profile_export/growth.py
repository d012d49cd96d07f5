"""S26: a target grows by new columns, at any depth, and changes no type that it has."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from profile_export.errors import JobFailed
from profile_export.schema import Array, DataType, Field, Map, Struct, ddl

_NOT_IN_DELTA = re.compile(r"[ ,;{}()\n\t=]")


@dataclass(frozen=True)
class Difference:
    """One path with two types; the path goes through arrays by ``[]`` and into maps by ``{}``."""

    path: str
    existing: DataType
    wanted: DataType

    def __str__(self) -> str:
        existing, wanted = ddl(self.existing), ddl(self.wanted)
        return f"{self.path} is {existing} in the target and {wanted} in the export"


def grown_schema(existing: Struct, wanted: Struct) -> Struct:
    """The target's columns with what the job adds to them (S26).

    What exists keeps its order and its types; new members go to the end of their struct, also
    inside arrays and map values.

    Returns:
        ``existing`` itself, by value, where the job adds nothing.

    Raises:
        JobFailed: ``target-schema``, naming EVERY path whose type differs, with both types; or
            names that a plain Delta table cannot hold.
    """
    differences: list[Difference] = []
    grown = _grow_struct(existing, wanted, "", differences)
    told = [*map(str, differences), *_unfit_names(grown, "")]
    if told:
        raise JobFailed(
            f"This export does not fit its target dataset: {'; '.join(told)}. Export to another"
            " dataset, or leave these fields out.",
            code="target-schema",
        )
    return grown


def _grow_struct(
    existing: Struct, wanted: Struct, prefix: str, differences: list[Difference]
) -> Struct:
    fields: list[Field] = []
    for field in existing.fields:
        other = wanted.get(field.name)
        path = f"{prefix}{field.name}"
        type_ = field.type if other is None else _grow(field.type, other, path, differences)
        fields.append(Field(field.name, type_))
    known = set(existing.names())
    return Struct((*fields, *(field for field in wanted.fields if field.name not in known)))


def _grow(
    existing: DataType, wanted: DataType, path: str, differences: list[Difference]
) -> DataType:
    match existing, wanted:
        case Struct(), Struct():
            return _grow_struct(existing, wanted, f"{path}.", differences)
        case Array(), Array():
            return Array(_grow(existing.element, wanted.element, f"{path}[]", differences))
        case Map(), Map():
            key = _grow(existing.key, wanted.key, f"{path}{{key}}", differences)
            return Map(key, _grow(existing.value, wanted.value, f"{path}{{}}", differences))
        case _ if existing != wanted:
            differences.append(Difference(path, existing, wanted))
    return existing


def _unfit_names(type_: DataType, path: str) -> Iterator[str]:
    """Names that Spark's Delta refuses and others accept, so that both engines refuse them."""
    match type_:
        case Struct():
            seen = Counter(field.name.lower() for field in type_.fields)
            for field in type_.fields:
                here = f"{path}.{field.name}" if path else field.name
                if seen[field.name.lower()] > 1:
                    yield f"{here} differs from another column only by case"
                if _NOT_IN_DELTA.search(field.name):
                    yield f"{here!r} holds a character that Delta takes in no name"
                yield from _unfit_names(field.type, here)
        case Array():
            yield from _unfit_names(type_.element, f"{path}[]")
        case Map():
            yield from _unfit_names(type_.value, f"{path}{{}}")
