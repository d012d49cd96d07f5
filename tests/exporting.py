"""Runs a world through the real stages on a real engine, and gives the oracle's result format.

Test support: golden vectors, the oracle's random worlds and the laws all go through here.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict, Unpack

import pyarrow.dataset as ds

from oracle.spark_types import parse_type
from oracle.tables import write_world
from oracle.values import encode
from profile_export import run
from profile_export.engines import Engine
from profile_export.engines.workspace import JobWorkspace
from profile_export.errors import Refused
from profile_export.outputs import written_columns
from profile_export.plan import ExportPlan
from profile_export.planning import make_plan
from profile_export.rowset import EMPTY, by_engine
from profile_export.sandbox import load_sandbox
from profile_export.schema import ddl
from profile_export.storage import Folder
from profile_export.tables import inspect_table


class Options(TypedDict, total=False):
    """How :func:`prepared` lays a world on disk and joins its identities."""

    pieces: int
    old_rows: bool
    driver_edges: int


def export_world(
    world: dict[str, Any],
    request: dict[str, Any],
    as_of: datetime,
    folder: Path,
    engine: Engine,
    **options: Unpack[Options],
) -> dict[str, Any]:
    """The result of an export as the oracle gives it, with ``hashes`` beside the batches."""
    try:
        work, plan = prepared(world, request, as_of, folder, engine, **options)
    except Refused as refused:
        return {"error": [{"pointer": p.pointer, "code": p.code} for p in refused.problems]}
    decided = run.decide(work, plan)
    written = work.materialise(run.rows(work, plan, decided), "out")
    in_files = by_engine.by_batch(written, columns=written_columns(plan)).collect()
    hashes = {
        row["_ACP_BATCHID"]: by_engine.hex_digest(row["hash_sum"], row["hash_xor"])
        for row in in_files
    }
    # As job.py: only rows as long as the limit allows may have lost events (S25).
    limit = plan.events.max_per_profile if plan.events else 1
    truncated = {"profiles": 0, "events": 0}
    if any(row["most_events"] >= limit for row in in_files):
        truncated = run.events_truncated(work, plan, decided)
    counts = decided.counts
    return {
        "candidates": counts.candidates,
        "exclusions": counts.exclusions,
        "rowsWithoutIdentity": counts.rows_without_identity,
        "eventsTruncated": truncated,
        "exportedProfileByNamespaceCounter": counts.namespaces,
        "mergePolicy": {"id": plan.merge_policy.id, "version": plan.merge_policy.version},
        "schema": _type_text(plan),
        "batches": _batches(plan, folder / "scratch" / "out"),
        "counted": list(counts.batches),
        "hashes": [hashes.get(b.batch_id, EMPTY) for b in plan.batches],
    }


def prepared(
    world: dict[str, Any],
    request: dict[str, Any],
    as_of: datetime,
    folder: Path,
    engine: Engine,
    *,
    pieces: int = 1,
    old_rows: bool = False,
    driver_edges: int = 1_000_000,
) -> tuple[JobWorkspace, ExportPlan]:
    """A world on disk and the plan of the request on it; raises ``Refused`` as planning does."""
    engine.between_jobs()
    sandbox = load_sandbox(write_world(world, folder, pieces=pieces, old_rows=old_rows))
    plan = make_plan(request, sandbox, table_info=inspect_table, as_of=as_of)
    scratch = Folder(str(folder / "scratch"))
    return JobWorkspace(engine, scratch, driver_edges=driver_edges), plan


def _type_text(plan: ExportPlan) -> str:
    return str(parse_type(ddl(written_columns(plan)).replace("`", "")))


def _batches(plan: ExportPlan, location: Path) -> list[dict[str, Any]]:
    table = ds.dataset(sorted(location.glob("*.parquet")), format="parquet").to_table()
    rows = table.to_pylist(maps_as_pydicts="strict") if table.num_columns else []
    schema = parse_type(_type_text(plan))
    asked = plan.request.get("filter", {}).get("segments", []) if plan.segment_per_batch else [{}]
    return [
        {
            "segment": item,
            "rows": [
                encode(schema, {k: v for k, v in row.items() if k != "_ACP_BATCHID"})
                for row in rows
                if row["_ACP_BATCHID"] == batch.batch_id
            ],
        }
        for batch, item in zip(plan.batches, asked, strict=True)
    ]
