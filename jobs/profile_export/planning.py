"""A request and a sandbox become a plan: all resolved and pinned, or every problem at once."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from profile_export.asked import ExportRequest
from profile_export.catalog import UNION_SCHEMA, Dataset, Sandbox
from profile_export.errors import Problem, Refused, nearest
from profile_export.inputs import Read, read_inputs
from profile_export.plan import (
    AskedSegment,
    Audience,
    Batch,
    EventList,
    ExportPlan,
    MergePolicyPin,
    TableRef,
    Target,
)
from profile_export.policies import choose_policy
from profile_export.projections import event_columns, profile_output
from profile_export.request import UNUSABLE, Draft, read_request
from profile_export.schema import Struct
from profile_export.shape import in_order, quote
from profile_export.tables import TableInfo

LARGEST_ID = 2**53 - 1
"""Clients read the id as a JSON number, which many of them keep in a double."""


def make_plan(
    body: bytes | str | Mapping[str, object],
    sandbox: Sandbox,
    *,
    table_info: Callable[[TableRef], TableInfo],
    job_id: int | None = None,
    as_of: datetime | None = None,
    batch_ids: Sequence[str] | None = None,
) -> ExportPlan:
    """Resolve a request against a sandbox. Looks at tables' metadata, reads no row, writes nothing.

    Args:
        body: Of ``POST /export/jobs``, as text or decoded.
        sandbox: What exists.
        table_info: Columns and newest version of a table:
            :func:`~profile_export.tables.inspect_table` where tables have locations.
        job_id: Random and positive unless given.
        as_of: The creation time, with an offset, cut to milliseconds as documents show it (S18);
            now unless given.
        batch_ids: One for each batch, in order; new ones unless given.

    Raises:
        Refused: With every problem of shape and of the catalog, in the order of their pointers.
            Paths are not checked where the policy is unknown; unknown paths are not told where a
            table that might have them cannot be read.
    """
    draft = read_request(body)
    target, problems = _target(draft, sandbox)
    choice = choose_policy(draft.request, sandbox)
    resolved = _Resolved.nothing()
    if choice.policy is not None:
        resolved = _resolve(draft.request, choice.policy, sandbox, table_info)
    found = [*draft.problems, *problems, *choice.problems, *resolved.problems]
    if found or target is None or choice.policy is None:
        raise Refused(in_order(found))
    request = draft.request
    return ExportPlan(
        job_id=secrets.randbelow(LARGEST_ID) + 1 if job_id is None else job_id,
        ims_org_id=sandbox.ims_org_id,
        sandbox=sandbox.name,
        as_of=_creation_time(as_of),
        request=request.sent,
        merge_policy=choice.policy,
        namespaces=sandbox.namespaces(),
        inputs=resolved.read.inputs,
        audience=_audience(request, sandbox),
        output=resolved.output,
        membership=resolved.membership,
        events=_event_list(request, resolved.event_columns, sandbox),
        lineage=_lineage(request),
        target=target,
        batches=_batches(request, batch_ids),
        segment_per_batch=request.destination.segment_per_batch,
    )


def _target(draft: Draft, sandbox: Sandbox) -> tuple[Target | None, list[Problem]]:
    asked, at = draft.request.destination.dataset_id, draft.dataset_pointer
    if asked == UNUSABLE:
        return None, []
    dataset = sandbox.dataset(asked)
    if dataset is None:
        hint = nearest(asked, [d.id for d in sandbox.datasets if d.kind == "export"])
        detail = f"There is no dataset {quote(asked)} in sandbox {sandbox.name}. {hint}"
        return None, [Problem("unknown-dataset", detail, at)]
    if (why := _no_target(dataset)) is not None:
        return None, [Problem("not-an-export-dataset", f"Dataset {dataset.label} {why}", at)]
    return Target(dataset_id=dataset.id, name=dataset.name, table=dataset.table), []


def _no_target(dataset: Dataset) -> str | None:
    if dataset.kind != "export":
        return f"is of class {dataset.kind}; an export goes to a dataset of class export."
    if dataset.schema_ref != UNION_SCHEMA:
        return f"is not based on the union schema; its schemaRef.id must be {UNION_SCHEMA}."
    return None


@dataclass(frozen=True)
class _Resolved:
    """Inputs and projections; empty where the policy is unknown."""

    read: Read
    output: Struct
    membership: Struct
    event_columns: Struct
    problems: tuple[Problem, ...]

    @classmethod
    def nothing(cls) -> "_Resolved":
        return cls(Read((), (), ()), Struct(), Struct(), Struct(), ())


def _resolve(
    request: ExportRequest,
    policy: MergePolicyPin,
    sandbox: Sandbox,
    table_info: Callable[[TableRef], TableInfo],
) -> _Resolved:
    read = read_inputs(policy, sandbox, table_info)
    output, membership, problems = profile_output(request.fields, read, lineage=_lineage(request))
    events = request.additional_fields and request.additional_fields.event_list
    columns = Struct()
    if events:
        columns, found = event_columns(events, read)
        problems += found
    return _Resolved(read, output, membership, columns, (*read.problems, *problems))


def _lineage(request: ExportRequest) -> bool:
    return request.additional_fields is not None and request.additional_fields.lineage


def _audience(request: ExportRequest, sandbox: Sandbox) -> Audience:
    asked, window = request.filter, request.filter.segment_qualification_time
    return Audience(
        segments=tuple(
            AskedSegment(
                segment_id=item.segment_id,
                namespace=item.namespace,
                statuses=tuple(dict.fromkeys(item.status)),
            )
            for item in asked.segments
        ),
        qualified_from=window.start_time if window else None,
        qualified_before=window.end_time if window else None,
        updated_after=asked.from_ingest_timestamp,
        empty_profiles=asked.empty_profiles,
        max_identities=sandbox.settings.max_identities,
    )


def _event_list(request: ExportRequest, columns: Struct, sandbox: Sandbox) -> EventList | None:
    asked = request.additional_fields and request.additional_fields.event_list
    if not asked:
        return None
    after = asked.filter.from_ingest_timestamp if asked.filter else None
    return EventList(
        columns=columns,
        ingested_after=after or request.filter.from_ingest_timestamp,  # S24
        ingested_before=asked.filter.to_ingest_timestamp if asked.filter else None,
        max_per_profile=sandbox.settings.max_events_per_profile,
    )


def _batches(request: ExportRequest, batch_ids: Sequence[str] | None) -> tuple[Batch, ...]:
    """One batch, or one for each segment as the job document shows it (S20)."""
    shown: list[dict[str, object]] = [{}]
    if request.destination.segment_per_batch:
        shown = [
            {"segmentId": s.segment_id, "segmentNs": s.segment_ns, "status": list(s.status)}
            for s in request.filter.segments
        ]
    ids = [uuid4().hex for _ in shown] if batch_ids is None else batch_ids
    return tuple(
        Batch(batch_id=batch_id, segment=segment)
        for batch_id, segment in zip(ids, shown, strict=True)
    )


def _creation_time(as_of: datetime | None) -> datetime:
    if as_of is not None and as_of.tzinfo is None:
        raise ValueError("as_of needs an offset: a local time means another instant elsewhere")
    now = datetime.now(UTC) if as_of is None else as_of.astimezone(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
