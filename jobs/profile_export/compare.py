"""``rerun --compare``: what a plan gives now, against a manifest. The target is not touched."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from uuid import uuid4

from profile_export import rowset
from profile_export import run as stages
from profile_export.engine_errors import translate
from profile_export.engines import Engine
from profile_export.engines.batch_folders import batch_folder
from profile_export.engines.workspace import JobWorkspace, Progress
from profile_export.errors import Problem, Refused
from profile_export.outputs import BATCH_COLUMN, written_columns
from profile_export.papers import Manifest, ManifestBatch
from profile_export.plan import ExportPlan
from profile_export.storage import Folder


@dataclass(frozen=True)
class BatchNow:
    """One batch as the plan gives it now."""

    records: int = 0
    events: int = 0
    row_set_hash: str = rowset.EMPTY


@dataclass(frozen=True)
class Compared:
    """What a manifest says, what came out now, and where they differ: nowhere, if all is equal."""

    manifest: Manifest
    engine: tuple[str, str]
    batches: tuple[BatchNow, ...]
    differences: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """For ``--json``."""
        pairs = zip(self.manifest.batches, self.batches, strict=True)
        return {
            "jobId": self.manifest.job_id,
            "engine": {"name": self.engine[0], "version": self.engine[1]},
            "equal": not self.differences,
            "batches": [_batch_json(then, now) for then, now in pairs],
            "differences": list(self.differences),
        }


def compare(
    plan: ExportPlan, manifest: Manifest, engine: Engine, *, progress: Progress | None = None
) -> Compared:
    """Run the plan into a scratch folder and hold it against a manifest.

    As costly as the job without its commit. The scratch folder lies below ``TMPDIR``, which the
    workers of a cluster must share; where the target is on an object store, beside the target.

    Args:
        plan: With the batch ids of the manifest.
        manifest: Of the job.
        engine: Where it runs.
        progress: Called with stage and fraction.

    Raises:
        Refused: ``other-job``: the manifest is of another job than the plan.
        JobFailed: the rows could not be computed.
    """
    ids = [batch.batch_id for batch in plan.batches]
    if [batch.batch_id for batch in manifest.batches] != ids:
        detail = f"The manifest beside the job is of job {manifest.job_id}, with other batches."
        raise Refused([Problem("other-job", detail, parameter="JOB")])
    with _scratch(plan, engine) as scratch:
        work = JobWorkspace(engine, scratch, progress=progress)
        try:
            decided = stages.decide(work, plan)
            found = _rows(work, plan, decided)
            counts = _counts(work, plan, decided, found)
        except KeyboardInterrupt:
            engine.interrupt()  # nothing may be written any more when the folder goes
            raise
        except Exception as error:
            raise translate(error, plan, stopped=False) from error
    now = tuple(found.get(i, (BatchNow(), 0))[0] for i in ids)
    differences = (*_of_batches(manifest, now), *_of_counts(manifest, counts))
    return Compared(manifest, (engine.name, engine.version), now, differences)


@contextmanager
def _scratch(plan: ExportPlan, engine: Engine) -> Iterator[Folder]:
    location = plan.target.table.location or engine.locate(plan.target.table)
    if Folder(location).local is None:
        beside = Folder(f"{location}-compare-{uuid4().hex}")
        try:
            yield beside
        finally:
            beside.delete_tree("")
        return
    with TemporaryDirectory(prefix="profile-export-", ignore_cleanup_errors=True) as folder:
        yield Folder(folder)


def _rows(
    work: JobWorkspace, plan: ExportPlan, decided: stages.Decided
) -> dict[str, tuple[BatchNow, int]]:
    """Each batch that has rows, with the most events of one row."""
    rows = work.materialise(stages.rows(work, plan, decided), "compared")
    work.report("hash", 0.9)
    return {
        row[BATCH_COLUMN]: (
            BatchNow(
                int(row["records"]),
                int(row["events"]),
                rowset.hex_digest(row["hash_sum"], row["hash_xor"]),
            ),
            int(row["most_events"]),
        )
        for row in rowset.by_batch(rows, columns=written_columns(plan)).collect()
    }


def _counts(
    work: JobWorkspace,
    plan: ExportPlan,
    decided: stages.Decided,
    found: dict[str, tuple[BatchNow, int]],
) -> dict[str, object]:
    truncated = {"profiles": 0, "events": 0}
    if plan.events and any(most >= plan.events.max_per_profile for _, most in found.values()):
        truncated = stages.events_truncated(work, plan, decided)
    return {
        "candidates": decided.counts.candidates,
        "exclusions": decided.counts.exclusions,
        "eventsTruncated": truncated,
        "rowsWithoutIdentity": decided.counts.rows_without_identity,
    }


def _of_batches(manifest: Manifest, now: tuple[BatchNow, ...]) -> Iterator[str]:
    for then, found in zip(manifest.batches, now, strict=True):
        told = BatchNow(then.record_count, then.event_count, then.row_set_hash)
        pairs = (
            ("records", told.records, found.records),
            ("events", told.events, found.events),
            ("row-set hash", told.row_set_hash, found.row_set_hash),
        )
        parts = [f"{what} {was}, now {is_}" for what, was, is_ in pairs if was != is_]
        if parts:
            yield f"{batch_folder(then.batch_id)}{_segment(then)}: {'; '.join(parts)}"


def _of_counts(manifest: Manifest, counts: dict[str, object]) -> Iterator[str]:
    then = {
        "candidates": manifest.candidates,
        "exclusions": manifest.exclusions,
        "eventsTruncated": manifest.events_truncated,
        "rowsWithoutIdentity": manifest.rows_without_identity,
    }
    for name, was in then.items():
        if was != counts[name]:
            yield f"{name}: {was}, now {counts[name]}"


def _segment(batch: ManifestBatch) -> str:
    if not batch.segment:
        return ""
    return f" ({batch.segment.get('segmentNs')}:{batch.segment.get('segmentId')})"


def _batch_json(then: ManifestBatch, now: BatchNow) -> dict[str, object]:
    return {
        "batchId": then.batch_id,
        "segment": then.segment,
        "recordCount": now.records,
        "eventCount": now.events,
        "rowSetHash": now.row_set_hash,
        "manifest": {
            "recordCount": then.record_count,
            "eventCount": then.event_count,
            "rowSetHash": then.row_set_hash,
        },
        "equal": (then.record_count, then.event_count, then.row_set_hash)
        == (now.records, now.events, now.row_set_hash),
    }
