"""The details of a diff as a Parquet file: one row per person and batch that is not the same."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from profile_export.diff import Diff, PairDiff
from profile_export.errors import Problem, Refused

SCHEMA = pa.schema(
    [
        pa.field("change", pa.string(), nullable=False),  # added, removed, changed
        pa.field("segmentNs", pa.string()),
        pa.field("segmentId", pa.string()),
        pa.field("batchIdA", pa.string()),
        pa.field("batchIdB", pa.string()),
        pa.field("namespace", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("leaves", pa.list_(pa.string()), nullable=False),
    ]
)
_ROWS_AT_ONCE = 50_000


def write_details(diff: Diff, out: str) -> int:
    """Write the file, whole or not at all, in the order of batches, change and key.

    Args:
        diff: What was found.
        out: A local path; what lies there is replaced.

    Returns:
        The number of rows.

    Raises:
        Refused: ``out-unwritable``.
    """
    draft = Path(f"{out}.{os.getpid()}.tmp")
    count, rows = 0, _rows(diff)
    try:
        with draft.open("wb") as sink, pq.ParquetWriter(sink, SCHEMA, compression="zstd") as writer:
            while some := list(islice(rows, _ROWS_AT_ONCE)):
                writer.write_table(pa.Table.from_pylist(some, SCHEMA))
                count += len(some)
        draft.replace(out)
    except OSError as error:
        detail = f"{out} cannot be written: {error.strerror or 'input or output error'}."
        raise Refused([Problem("out-unwritable", detail, parameter="--out")]) from error
    finally:
        draft.unlink(missing_ok=True)
    return count


def _rows(diff: Diff) -> Iterator[dict[str, object]]:
    for pair in diff.pairs:
        shared = _of_pair(pair)
        for change, key, leaves in pair.details():
            namespace, value = diff.identity(key)
            person = {"namespace": namespace, "id": value, "leaves": list(leaves)}
            yield {"change": change, **shared, **person}


def _of_pair(found: PairDiff) -> dict[str, object]:
    segment, pair = found.pair.segment, found.pair
    return {
        "segmentNs": segment.get("segmentNs"),
        "segmentId": segment.get("segmentId"),
        "batchIdA": pair.a.batch_id if pair.a else None,
        "batchIdB": pair.b.batch_id if pair.b else None,
    }
