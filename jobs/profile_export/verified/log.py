"""Is the commit of a manifest still what readers of the Delta table see? Reads the log only."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

import pyarrow as pa
from deltalake.exceptions import DeltaError

from profile_export.delta_log import TargetState, look
from profile_export.errors import EXPIRED, JobFailed
from profile_export.own_commit import commit_in, transaction_of
from profile_export.papers import Manifest
from profile_export.storage import Folder, reason
from profile_export.verified.findings import Finding

LOG = "_delta_log"
_DELETION_VECTOR = re.compile(r"deletion_vector_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.bin")
"""Delta lays these beside the batches: some version has them, and VACUUM deletes them."""


def transaction(manifest: Manifest) -> str:
    """The application transaction of the manifest's job."""
    return transaction_of(manifest.job_id, manifest.batches[0].batch_id)


def log_findings(manifest: Manifest, dataset: Folder) -> Iterator[Finding]:
    """What the table's log says otherwise than the manifest."""
    try:
        state = look(dataset.location)
    except JobFailed:
        why = dataset.closed(LOG) or "no reader sees the export"
        yield Finding("log-unreadable", LOG, f"cannot be read: {why}")
        return
    if state is None:
        yield Finding("log-missing", LOG, "is missing: no reader sees the export")
        return
    yield from _of_commit(manifest, state)
    yield from _of_live_files(manifest, state)
    yield from _outside_batches(dataset, state)


def _of_commit(manifest: Manifest, state: TargetState) -> Iterator[Finding]:
    version = manifest.delta_version
    if state.version < version:
        detail = f"ends at version {state.version}: version {version} of the export is gone"
        yield Finding("commit-missing", LOG, detail)
    try:
        commit = commit_in(state, transaction(manifest))
    except JobFailed as error:
        # One that expired was cleaned out of the log by its retention: what is live tells the rest.
        if error.code != EXPIRED:
            yield Finding("log-unreadable", LOG, f"has no commit of job {manifest.job_id} to read")
        return
    if commit is None:
        detail = f"has no commit of job {manifest.job_id}"
        yield Finding("transaction-missing", LOG, detail)
        return
    entry = f"{LOG}/{commit.version:020}.json"
    if commit.version != version:
        detail = f"is the commit of job {manifest.job_id}, not version {version}"
        yield Finding("commit-version", entry, detail)
    named, added = _named(manifest), {file.path: file.bytes for file in commit.files}
    for path in sorted(added.keys() - named.keys()):
        yield Finding("commit-adds", entry, f"adds {path}, which the manifest does not name")
    for path in sorted(named.keys() - added.keys()):
        yield Finding("commit-lacks", entry, f"does not add {path}")
    for path in sorted(named.keys() & added.keys()):
        if named[path] != added[path]:
            detail = f"adds {path} with {added[path]} bytes, not {named[path]}"
            yield Finding("commit-size", entry, detail)


def _of_live_files(manifest: Manifest, state: TargetState) -> Iterator[Finding]:
    named, now = _named(manifest), f"the table's newest version {state.version}"
    live = state.live_files({batch.batch_id for batch in manifest.batches})
    for path in sorted(named.keys() - live):
        yield Finding("file-not-live", path, f"is not in {now}: readers do not see it")
    for path in sorted(live - named.keys()):
        detail = f"is in {now} as of these batches, but not in the manifest"
        yield Finding("file-unknown", path, detail)
    yield from _of_deletions(manifest, state)


def _outside_batches(dataset: Folder, state: TargetState) -> Iterator[Finding]:
    """Data files lie in the folders of batches: one beside them that no reader sees is a stray."""
    try:
        lying = [file.path for file in dataset.files(recursive=False)]
    except OSError as error:
        why = reason(error) or "it is not known why"
        yield Finding("file-unreadable", ".", f"cannot be listed: {why}")
        return
    beside = {p for p in lying if p[0] not in "_." and not _DELETION_VECTOR.fullmatch(p)}
    for path in sorted(beside - state.live_files()):
        yield Finding("stray-file", path, "is a stray: it is in no batch, and no reader sees it")


def _of_deletions(manifest: Manifest, state: TargetState) -> Iterator[Finding]:
    """Rows can be hidden while their file stays: deletion vectors."""
    if "deletionVectors" not in (state.table.protocol().reader_features or []):
        return
    named = _named(manifest)
    try:
        vectors = pa.table(state.table.deletion_vectors())
    except DeltaError:
        detail = "names a deletion vector that is gone or damaged: which rows are seen is unknown"
        yield Finding("deletions-unreadable", LOG, detail)
        return
    for row in vectors.to_pylist():
        path = next((p for p in named if unquote(row["filepath"]).endswith(f"/{p}")), None)
        hidden = row["selection_vector"].count(False)
        if path is not None and hidden:
            yield Finding("rows-deleted", path, f"has {hidden} rows that were deleted since")


def _named(manifest: Manifest) -> dict[str, int]:
    return {file.path: file.bytes for batch in manifest.batches for file in batch.files}
