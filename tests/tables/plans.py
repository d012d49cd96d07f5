"""Plans written by hand, for tests of what happens after planning."""

import uuid
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from profile_export.plan import (
    Audience,
    Batch,
    EventList,
    ExportPlan,
    IdentityField,
    Input,
    MergePolicyPin,
    TableRef,
    Target,
)
from profile_export.schema import Struct, struct_of

PERSON = struct_of(email="string", age="long")


def plan_for(
    target: Path,
    *,
    job_id: int = 1,
    batches: int = 2,
    output: Struct = PERSON,
    events: EventList | None = None,
    request: dict[str, object] | None = None,
    inputs: tuple[Input, ...] = (),
) -> ExportPlan:
    """A plan that exports ``output`` in so many batches of new ids; no inputs."""
    return ExportPlan(
        job_id=job_id,
        ims_org_id="acme@AcmeOrg",
        sandbox="prod",
        as_of=datetime(2024, 5, 1, tzinfo=UTC),
        request=request or {"fields": "email,age"},
        merge_policy=MergePolicyPin(
            id="p", version=1, graph="none", attribute_merge="timestampOrdered"
        ),
        namespaces={},
        inputs=inputs,
        audience=Audience(
            segments=(),
            qualified_from=None,
            qualified_before=None,
            updated_after=None,
            empty_profiles=False,
            max_identities=50,
        ),
        output=output,
        membership=struct_of(status="string", lastQualificationTime="timestamp"),
        events=events,
        lineage=False,
        target=Target(
            dataset_id="5b020a27e7040801dedba61b",
            name="Export",
            table=TableRef(format="delta", location=str(target), written=target.name),
        ),
        batches=tuple(Batch(batch_id=uuid.uuid4().hex, segment={}) for _ in range(batches)),
        segment_per_batch=batches > 1,
    )


def crm(folder: Path, *, rows: int = 20, version: int = 0) -> Input:
    """A Delta table of so many people, written by delta-rs, as an input at ``version``."""
    table = folder / "crm"
    if not table.exists():
        write_deltalake(str(table), people(range(rows)))
    return Input(
        dataset_id="5f0000000000000000000001",
        name="crm",
        kind="profile",
        table=TableRef(format="delta", location=str(table), written="crm"),
        version=version,
        columns=struct_of(id="string", email="string", age="long", ingested="timestamp"),
        primary_identity=IdentityField(namespace="crmId", field="id"),
        identities=(IdentityField(namespace="email", field="email"),),
        ingest_time="ingested",
        last_updated=None,
        participates=True,
        rank=0,
    )


def people(numbers: range) -> pa.Table:
    """Rows of the CRM table, one person each."""
    when = datetime(2024, 1, 1, tzinfo=UTC)
    return pa.table(
        {
            "id": [f"c{n}" for n in numbers],
            "email": [f"p{n}@x.org" for n in numbers],
            "age": pa.array(list(numbers), pa.int64()),
            "ingested": pa.array([when] * len(numbers), pa.timestamp("us", "UTC")),
        }
    )
