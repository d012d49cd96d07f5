"""What an export has of profiles and events: unions of schemas, and the asked fields of them."""

from profile_export.asked import AskedEvents
from profile_export.errors import Problem
from profile_export.fields import project
from profile_export.inputs import Read
from profile_export.outputs import (
    IDENTITIES_TYPE,
    IDENTITY_MAP_TYPE,
    LINEAGE_COLUMN,
    membership_map,
)
from profile_export.request_rules import split_fields
from profile_export.schema import Field, Struct
from profile_export.shape import pointer
from profile_export.union import (
    EVENT_KEYS,
    WRITTEN_BESIDE,
    attributes,
    event_fields,
    membership_entry,
)
from profile_export.writable import too_deep, unwritable

_FIELDS = pointer("fields")
_EVENT_FIELDS = pointer("additionalFields", "eventList", "fields")


def profile_output(
    fields: str, read: Read, *, lineage: bool
) -> tuple[Struct, Struct, list[Problem]]:
    """The projected profile schema, the membership entry, and their problems (S12, S13, S21).

    ``lineage``: whether the export writes its own column ``_lineage`` beside the fields.
    """
    records = [i for i in read.inputs if i.kind == "profile" and i.participates]
    united, entry = attributes(records), membership_entry(records)
    askable = Struct(
        (
            *united.schema.fields,
            Field("identityMap", IDENTITY_MAP_TYPE),
            Field("identities", IDENTITIES_TYPE),
            Field("segmentMembership", membership_map(entry.schema)),
        )
    )
    problems = [*united.problems, *entry.problems]
    paths = _named(fields)
    output = askable.without("identities")
    if paths:
        output, unknown = project(askable, paths, at=_FIELDS, vague=united.vague)
        problems += _told(unknown, read, "profile")
    taken = (*WRITTEN_BESIDE, LINEAGE_COLUMN) if lineage else WRITTEN_BESIDE
    problems += [*unwritable(output, _FIELDS, taken=taken), *too_deep(output, _FIELDS)]
    return output, entry.schema, problems


def event_columns(events: AskedEvents, read: Read) -> tuple[Struct, list[Problem]]:
    """The element type of ``timeSeriesEvents`` and its problems (S12, S23)."""
    united = event_fields(
        [i for i in read.inputs if i.kind == "experienceevent" and i.participates]
    )
    columns, problems = united.schema, list(united.problems)
    if paths := _named(events.fields):
        columns, unknown = project(
            united.schema, [*EVENT_KEYS, *paths], at=_EVENT_FIELDS, vague=united.vague
        )
        problems += _told(unknown, read, "experienceevent")
    problems += [*unwritable(columns, _EVENT_FIELDS), *too_deep(columns, _EVENT_FIELDS, lists=1)]
    return columns, problems


def _named(fields: str) -> list[str]:
    return [path for path in split_fields(fields) if path]


def _told(unknown: list[Problem], read: Read, kind: str) -> list[Problem]:
    """Nothing is called unknown while a table that might have it could not be read."""
    if any(unread == kind for unread, _ in read.unread):
        return [problem for problem in unknown if problem.code != "unknown-field"]
    return unknown
