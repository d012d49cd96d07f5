"""``verify --deep``: are the rows themselves what the job wrote? The row-set hash says so."""

from collections.abc import Iterator

import pyarrow as pa

from profile_export.engines.batch_folders import batch_folder
from profile_export.outputs import written_columns
from profile_export.papers import Manifest, ManifestBatch
from profile_export.plan import ExportPlan
from profile_export.rowset.hash_bytes import Unhashable
from profile_export.rowset.offline import RowSet, of_files
from profile_export.storage import Folder
from profile_export.verified.findings import Finding


def row_findings(manifest: Manifest, dataset: Folder, plan: ExportPlan) -> Iterator[Finding]:
    """The batches whose rows differ from the manifest, or cannot be hashed.

    Args:
        manifest: What was written.
        dataset: Where.
        plan: Of the ``job.json`` beside the manifest: it has the columns, in their order.
    """
    columns = written_columns(plan)
    for batch in manifest.batches:
        folder = batch_folder(batch.batch_id)
        paths = [file.path for file in batch.files if file.is_right_in(folder)]
        try:
            rows = of_files(dataset, paths, columns=columns)
        except Unhashable as error:
            detail = f"has rows that only an engine can hash: {error}"
            yield Finding("rows-unhashed", folder, detail)
        except (OSError, ValueError, pa.ArrowException):
            yield Finding("rows-unreadable", folder, "has files whose rows cannot be read")
        else:
            yield from _of_batch(batch, rows)


def _of_batch(batch: ManifestBatch, rows: RowSet) -> Iterator[Finding]:
    folder = batch_folder(batch.batch_id)
    if rows.records != batch.record_count:
        detail = f"has {rows.records} rows, not {batch.record_count}"
        yield Finding("rows-count", folder, detail)
    if rows.events != batch.event_count:
        detail = f"has {rows.events} events in its rows, not {batch.event_count}"
        yield Finding("rows-events", folder, detail)
    if rows.digest != batch.row_set_hash:
        detail = f"has other rows: row-set hash {rows.digest}, not {batch.row_set_hash}"
        yield Finding("rows-content", folder, detail)
