"""Finished exports written without an engine: rows as Arrow tables, committed by delta-rs.

Test support for what is done with finished exports: verify, diff.
"""

import errno
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from profile_export import document
from profile_export.commit import app_id, batch_ids, table_columns
from profile_export.engines import BatchRows, Writing, Written, WrittenFile
from profile_export.engines.batch_folders import batch_files, batch_folder, batch_of
from profile_export.engines.sail_commit import commit_files
from profile_export.manifest import JOB, MANIFEST, job_with_plan, manifest, write_json
from profile_export.outputs import written_columns
from profile_export.plan import ExportPlan
from profile_export.rowset.offline import of_files
from profile_export.storage import Folder

_WHEN = datetime(2024, 5, 1, tzinfo=UTC)
_COUNTS: Mapping[str, object] = {
    "candidates": 9,
    "exclusions": {"notInSegment": 0},
    "events_truncated": {"profiles": 0, "events": 0},
    "rows_without_identity": {},
}


class Closed:
    """Folders and files that may not be entered, not even by those who may read everything."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._paths: set[Path] = set()
        for name in ("files", "exists", "open", "sha256", "has_folder", "read"):
            monkeypatch.setattr(Folder, name, self._guarded(getattr(Folder, name)))

    def __call__(self, path: Path) -> None:
        self._paths.add(path)

    def _guarded(self, method: Any) -> Any:
        def guarded(folder: Folder, path: str = "", *more: Any, **named: Any) -> Any:
            asked = Path(folder.location, path)
            if not self._paths.isdisjoint((asked, *asked.parents)):
                raise PermissionError(errno.EACCES, f"Arrow's own words with {asked}")
            return method(folder, path, *more, **named)

        return guarded


def export_by_hand(plan: ExportPlan, batches: Sequence[Sequence[pa.Table]]) -> Path:
    """Write and commit the files of each batch, and the job's papers.

    Args:
        plan: Names target, batches and columns.
        batches: For each batch its files; none for an empty batch.

    Returns:
        The folder of the job's papers.
    """
    folder, ids = Folder(str(plan.target.table.location)), batch_ids(plan)
    for batch_id, tables in zip(ids, batches, strict=True):
        for number, table in enumerate(tables):
            folder.write(f"{batch_folder(batch_id)}/part-{number}.parquet", _parquet(table))
    files = batch_files(folder, ids)
    commit = commit_files(
        {file: folder.parquet_rows(file.path) for file in files},
        Writing(
            folder.location,
            shown=plan.target.table.display,
            table=None,
            columns=table_columns(plan),
            batch_ids=tuple(ids),
            app_id=app_id(plan),
            note="by hand",
            persons=None,
        ),
    )
    written = tuple(
        WrittenFile(batch_of(f.path), f.path, f.bytes, folder.parquet_rows(f.path), digest)
        for f in files
        if (digest := folder.sha256(f.path))
    )
    rows = tuple(_batch_rows(plan, batch_id, written) for batch_id in ids)
    papers = folder.at(f"_profile_export/{plan.job_id}")
    described = Written(commit.version, written, rows)
    write_json(
        papers,
        MANIFEST,
        manifest(plan, described, _COUNTS, engine=("hand", "0"), created_at=_WHEN),
    )
    done = {**document.new(plan, at=_WHEN), "status": "SUCCEEDED"}
    write_json(papers, JOB, job_with_plan(done, plan))
    return Path(papers.location)


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue().to_pybytes())


def _batch_rows(plan: ExportPlan, batch_id: str, written: Sequence[WrittenFile]) -> BatchRows:
    paths = [file.path for file in written if file.batch_id == batch_id]
    folder = Folder(str(plan.target.table.location))
    rows = of_files(folder, paths, columns=written_columns(plan))
    return BatchRows(batch_id, rows.records, rows.events, 0, rows.digest)


def with_segments(plan: ExportPlan, *segment_ids: str) -> ExportPlan:
    """The plan with one batch for each segment."""
    shown = [{"segmentId": s, "segmentNs": "ups", "status": ["realized"]} for s in segment_ids]
    batches = tuple(
        batch.model_copy(update={"segment": segment})
        for batch, segment in zip(plan.batches, shown, strict=True)
    )
    return plan.model_copy(update={"batches": batches, "segment_per_batch": True})
