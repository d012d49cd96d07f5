"""How a rerun's rows compare with a manifest: the result of :mod:`~profile_export.compare`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from profile_export.engines.batch_folders import batch_folder
from profile_export.papers import Manifest, ManifestBatch
from profile_export.rowset import EMPTY


@dataclass(frozen=True)
class BatchNow:
    """One batch as the plan gives it now."""

    records: int = 0
    events: int = 0
    row_set_hash: str = EMPTY


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


def batch_differences(manifest: Manifest, now: tuple[BatchNow, ...]) -> Iterator[str]:
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


def count_differences(manifest: Manifest, counts: Mapping[str, object]) -> Iterator[str]:
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
