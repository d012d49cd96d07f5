"""The union schemas of a plan: attributes, event fields, membership entries (S12)."""

from collections.abc import Sequence
from dataclasses import dataclass

from profile_export.errors import Problem
from profile_export.fields import without_path
from profile_export.outputs import BATCH_COLUMN, EVENTS_COLUMN, SYSTEM_FIELDS
from profile_export.plan import Input
from profile_export.schema import Field, Map, Struct, struct_of
from profile_export.shape import pointer
from profile_export.tables.checks import membership_fault
from profile_export.widening import unite

SYSTEM_COLUMNS = (*SYSTEM_FIELDS, EVENTS_COLUMN, "_id")
"""Top-level columns of records that are not merged as attributes (S12)."""
WRITTEN_BESIDE = (EVENTS_COLUMN, BATCH_COLUMN)
"""Columns that an export has beside the profile fields, or may have (S26)."""
EVENT_KEYS = ("_id", "timestamp")

_DEFAULT_ENTRY = struct_of(status="string", lastQualificationTime="timestamp")

_FIELDS = pointer("fields")
_EVENT_FIELDS = pointer("additionalFields", "eventList", "fields")


@dataclass(frozen=True)
class Union:
    """A union schema; what conflicts is not in it and is told in ``problems``."""

    schema: Struct
    vague: tuple[str, ...] = ()
    """The paths whose types conflict: present, of unknown type."""
    problems: tuple[Problem, ...] = ()


def attributes(records: Sequence[Input]) -> Union:
    """The union of the records' attributes, in the order of ``records`` (S11, S12)."""
    return _union([(i.dataset_id, attribute_columns(i)) for i in records], _FIELDS)


def attribute_columns(record: Input) -> Struct:
    """The columns that are attributes: no system column, not the dataset's ingest time."""
    return without_path(record.columns.without(*SYSTEM_COLUMNS), record.ingest_time)


def event_fields(events: Sequence[Input]) -> Union:
    """The union of the participating events' fields, ``_id`` and ``timestamp`` first (S23)."""
    schemas = [(i.dataset_id, event_schema(i)) for i in events]
    united = _union(schemas, _EVENT_FIELDS)
    return Union(_keys_first(united.schema), united.vague, united.problems)


def event_schema(events: Input) -> Struct:
    """The fields of a dataset's events: all columns but its ingest time, unless that is their
    ``timestamp``, which every event has (S23)."""
    if events.ingest_time == "timestamp":
        return events.columns
    return without_path(events.columns, events.ingest_time)


def _keys_first(schema: Struct) -> Struct:
    keys = (schema.get("_id") or "string", schema.get("timestamp") or "timestamp")
    first = (Field(name, type_) for name, type_ in zip(EVENT_KEYS, keys, strict=True))
    return Struct((*first, *schema.without(*EVENT_KEYS).fields))


def membership_entry(records: Sequence[Input]) -> Union:
    """The united entry struct of ``segmentMembership``; the plain one where nobody has it (S13)."""
    entries = [(i.dataset_id, entry) for i in records if (entry := _entry(i)) is not None]
    united = _union(entries, _FIELDS, prefix="segmentMembership.*.*.")
    return Union(united.schema if entries else _DEFAULT_ENTRY, (), united.problems)


def _entry(record: Input) -> Struct | None:
    type_ = record.columns.get("segmentMembership")
    if type_ is None or membership_fault(type_) is not None:  # the fault is told already
        return None
    assert isinstance(type_, Map)
    assert isinstance(type_.value, Map)
    assert isinstance(type_.value.value, Struct)
    return type_.value.value


def _union(schemas: Sequence[tuple[str, Struct]], at: str, *, prefix: str = "") -> Union:
    united, conflicts = unite(schemas)
    problems = tuple(
        Problem(
            "type-conflict",
            f"Field {prefix}{path} has types that no type holds: {'; '.join(types)}. "
            "Cast it in one of the datasets (S12).",
            at,
        )
        for path, types in conflicts
    )
    return Union(united, tuple(path for path, _ in conflicts), problems)
