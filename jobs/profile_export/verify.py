"""Are the files of an export what its job wrote? Offline: no engine, no Java, nothing written.

The manifest says what was written; the files, the Delta log, ``job.json`` and, on demand, the rows
are held against it. Everything that differs is a finding; one finding does not hide another.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa

from profile_export.engines.batch_folders import batch_files, batch_folder
from profile_export.errors import ExportError
from profile_export.manifest import JOB, MANIFEST
from profile_export.papers import Manifest, ManifestBatch, ManifestFile, Papers
from profile_export.storage import Folder, reason
from profile_export.verified.findings import Finding
from profile_export.verified.job import job_findings
from profile_export.verified.log import log_findings
from profile_export.verified.rows import row_findings

_READERS = 4
"""Files hashed at once: SHA-256 leaves Python's lock, so disks and cores are kept busy."""


@dataclass(frozen=True)
class Verified:
    """What was held against the manifest, and what was found: no finding, and all is well."""

    shown: str
    manifest: Manifest
    deep: bool
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, object]:
        """For ``--json``."""
        files = [file for batch in self.manifest.batches for file in batch.files]
        return {
            "manifest": self.shown,
            "jobId": self.manifest.job_id,
            "datasetId": self.manifest.dataset_id,
            "deltaVersion": self.manifest.delta_version,
            "deep": self.deep,
            "batches": len(self.manifest.batches),
            "files": len(files),
            "rows": sum(file.rows for file in files),
            "bytes": sum(file.bytes for file in files),
            "verified": not self.findings,
            "findings": [finding.as_json() for finding in self.findings],
        }


def verify(given: str, *, deep: bool = False) -> Verified:
    """Hold an export against its manifest.

    Reads every file of the manifest once for its digest; with ``deep`` once more for its rows.

    Args:
        given: The manifest: its path, its folder, or a URI of either.
        deep: Also compute each batch's row-set hash from the rows.

    Raises:
        NotFound: there is no manifest.
        Refused: what is there is no manifest, or lies in no dataset.
    """
    papers = Papers(given, usual=MANIFEST)
    manifest, dataset = papers.manifest(), papers.dataset
    ids = list(dict.fromkeys(batch.batch_id for batch in manifest.batches))
    closed = {i: why for i in ids if (why := dataset.closed(batch_folder(i))) is not None}
    open_ids = [i for i in ids if i not in closed]
    lying = {file.path: file.bytes for file in batch_files(dataset, open_ids)}
    findings = [
        *_of_numbers(manifest),
        *_closed(closed),
        *_of_files([b for b in manifest.batches if b.batch_id not in closed], lying, dataset),
        *_strays(manifest, lying),
        *log_findings(manifest, dataset),
        *_of_plan(papers, manifest, deep=deep),
    ]
    return Verified(papers.shown, manifest, deep, tuple(findings))


def _of_plan(papers: Papers, manifest: Manifest, *, deep: bool) -> Iterator[Finding]:
    """Without a ``job.json`` that can be read only the rows suffer: no file depends on it."""
    try:
        plan = papers.plan()
    except ExportError as error:
        if deep:
            detail = "does not tell the columns of the rows, so they were not hashed"
            yield Finding("columns-unknown", JOB, f"{detail}: {error}")
        return
    yield from job_findings(manifest, plan)
    if deep:
        yield from row_findings(manifest, papers.dataset, plan)


def _of_numbers(manifest: Manifest) -> Iterator[Finding]:
    """A manifest that contradicts itself was not left so by a job."""
    ids = [batch.batch_id for batch in manifest.batches]
    for batch_id in sorted({i for i in ids if ids.count(i) > 1}):
        yield Finding("batch-twice", batch_folder(batch_id), "is in the manifest twice")
    for batch in manifest.batches:
        paths = [file.path for file in batch.files]
        for path in sorted({p for p in paths if paths.count(p) > 1}):
            yield Finding("file-twice", path, "is in the manifest twice")
        for code, what, told, found in (
            ("batch-records", "records", batch.record_count, sum(f.rows for f in batch.files)),
            ("batch-bytes", "bytes", batch.bytes, sum(f.bytes for f in batch.files)),
        ):
            if told != found:
                detail = f"has {told} {what} in the manifest, whose files add up to {found}"
                yield Finding(code, batch_folder(batch.batch_id), detail)


def _closed(folders: Mapping[str, str]) -> Iterator[Finding]:
    """Of their files nothing can be said."""
    for batch_id, why in folders.items():
        yield Finding("file-unreadable", batch_folder(batch_id), f"cannot be listed: {why}")


def _of_files(
    batches: Sequence[ManifestBatch], lying: Mapping[str, int], dataset: Folder
) -> Iterator[Finding]:
    def one(pair: tuple[ManifestBatch, ManifestFile]) -> list[Finding]:
        batch, file = pair
        if file.is_right_in(batch_folder(batch.batch_id)):
            return list(_of_file(file, lying.get(file.path), dataset))
        detail = f"is not right in {batch_folder(batch.batch_id)}, so it was not looked at"
        return [Finding("outside-batch", file.path, detail)]

    named = [(batch, file) for batch in batches for file in batch.files]
    with ThreadPoolExecutor(_READERS) as pool:
        for found in pool.map(one, named):
            yield from found


def _of_file(file: ManifestFile, size: int | None, dataset: Folder) -> Iterator[Finding]:
    if size is None:
        yield Finding("file-missing", file.path, "is missing")
        return
    if size != file.bytes:
        yield Finding("file-size", file.path, f"has {size} bytes, not {file.bytes}")
    try:
        if (digest := dataset.sha256(file.path)) != file.sha256:
            detail = f"has other content: SHA-256 {digest}, not {file.sha256}"
            yield Finding("file-content", file.path, detail)
        if (rows := dataset.parquet_rows(file.path)) != file.rows:
            yield Finding("file-rows", file.path, f"has {rows} rows, not {file.rows}")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        yield Finding("file-unreadable", file.path, "is no whole Parquet file")
    except OSError as error:
        why = reason(error) or "it is no whole Parquet file"
        yield Finding("file-unreadable", file.path, f"cannot be read: {why}")


def _strays(manifest: Manifest, lying: Mapping[str, int]) -> Iterator[Finding]:
    """Writers leave nothing else below a batch's folder: no hidden file, checksum or marker."""
    named = {file.path for batch in manifest.batches for file in batch.files}
    for path in lying:
        if path not in named:
            yield Finding("stray-file", path, "is a stray: it is not in the manifest")
