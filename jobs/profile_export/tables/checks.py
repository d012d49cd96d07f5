"""Do the columns that the sandbox file declares exist, with types that can be used?"""

import re
from collections.abc import Callable, Iterator

from profile_export.catalog import Dataset
from profile_export.errors import Problem, nearest
from profile_export.fields import all_paths
from profile_export.schema import INTEGRAL, Array, DataType, Map, Struct, atoms, ddl

_WHOLE_DECIMAL = re.compile(r"decimal\(\d+,0\)")
_TIMES = ("timestamp", "timestamp_ntz", "date")


def column_problems(dataset: Dataset, columns: Struct, *, participates: bool) -> Iterator[Problem]:
    """``missing-column`` and ``wrong-column-type`` of one dataset, at the line and with
    the pointer of what the sandbox file declares.

    A column without a type (``void``, Arrow's null) is refused wherever it is: no engine reads the
    whole table then.

    Events need ``_id`` and ``timestamp`` (S1) where they may be attached, so only if the dataset
    participates.
    """
    check = _Check(dataset, columns)
    if dataset.primary_identity is None:
        if columns.get("identityMap") is None:
            yield check.problem(
                "missing-column",
                "declares no primaryIdentity, so its table needs a column identityMap (S3); "
                "declare one or the other.",
            )
    else:
        field = dataset.primary_identity.field
        yield from check.column("/primaryIdentity/field", field, is_identity)
    for n, identity in enumerate(dataset.identities):
        yield from check.column(f"/identities/{n}/field", identity.field, is_identity)
    if dataset.ingest_time is not None:
        yield from check.column("/ingestTime", dataset.ingest_time, is_time)
    if dataset.last_updated is not None:
        yield from check.column("/lastUpdated", dataset.last_updated, is_time)
    for path in (path for path, atom in atoms(columns) if atom == "void"):
        yield check.problem(
            "wrong-column-type",
            f"has a column {path!r} of no type (void, as of a column of nulls only), which no"
            " engine reads; write it with a type, or leave it out.",
        )
    yield from check.if_present("identityMap", _identity_map_fault)
    if dataset.kind == "profile":
        yield from check.if_present("segmentMembership", membership_fault)
        yield from check.if_present("_id", lambda type_: None if is_identity(type_) else _TEXT)
    elif participates:
        yield from check.column("/class", "_id", is_identity, why=_OF_EVENTS)
        yield from check.column("/class", "timestamp", is_time, why=_OF_EVENTS)


def is_identity(type_: DataType) -> bool:
    """Text or a whole number (S2)."""
    return isinstance(type_, str) and (
        type_ == "string" or type_ in INTEGRAL or _WHOLE_DECIMAL.fullmatch(type_) is not None
    )


def is_time(type_: DataType) -> bool:
    """A type that orders records in time (S5)."""
    return type_ in _TIMES


_OF_EVENTS = ", which every event has under this name (S1),"
_TEXT = "text or a whole number"
_TIME = "a timestamp or a date"


class _Check:
    """The checks of one dataset's columns."""

    def __init__(self, dataset: Dataset, columns: Struct) -> None:
        self._dataset, self._columns = dataset, columns

    def problem(self, code: str, what: str) -> Problem:
        return Problem(code, f"Dataset {self._dataset.label} {what}", source=self._dataset.source)

    def column(
        self, at: str, path: str, usable: Callable[[DataType], bool], *, why: str = ""
    ) -> Iterator[Problem]:
        type_, told, column = self._columns.at(path), self._dataset.problem, f"column {path!r}{why}"
        if type_ is None:
            what, hint = "does not exist in its table.", nearest(path, all_paths(self._columns))
            if _in_array(self._columns, path):
                what, hint = "is inside an array, where a row has many of it.", "Declare another."
                yield told("wrong-column-type", f"{column} {what} {hint}", at)
                return
            yield told("missing-column", f"{column} {what} {hint}", at)
        elif not usable(type_):
            needed = _TEXT if usable is is_identity else _TIME
            detail = f"{column} is of type {ddl(type_)}; it must be {needed}."
            yield told("wrong-column-type", detail, at)

    def if_present(self, name: str, fault: Callable[[DataType], str | None]) -> Iterator[Problem]:
        type_ = self._columns.get(name)
        needed = None if type_ is None else fault(type_)
        if type_ is not None and needed is not None:
            yield self.problem(
                "wrong-column-type",
                f"has a column {name} of type {ddl(type_)}; it must be {needed}.",
            )


def _in_array(columns: Struct, path: str) -> bool:
    return any(known == path for known in all_paths(columns))


def _identity_map_fault(type_: DataType) -> str | None:
    match type_:
        case Map("string", Array(Struct() as entry)):
            id_, state, primary = (entry.get(n) for n in ("id", "authenticatedState", "primary"))
            usable = id_ is not None and is_identity(id_)
            if usable and state in (None, "string") and primary in (None, "boolean"):
                return None
    return "map<string,array<struct<id:string,authenticatedState:string,primary:boolean>>>"


def membership_fault(type_: DataType) -> str | None:
    """What a column ``segmentMembership`` must be (S13), or None if this type will do."""
    match type_:
        case Map("string", Map("string", Struct() as entry)):
            times = (entry.get(name) for name in ("lastQualificationTime", "validUntil"))
            if entry.get("status") in (None, "string") and all(
                t is None or is_time(t) for t in times
            ):
                return None
    return (
        "map<string,map<string,struct<status:string,lastQualificationTime:timestamp,...>>>, "
        "validUntil being a timestamp too"
    )
