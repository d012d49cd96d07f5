"""The write on Spark: delta-spark writes the files and commits them under the job's transaction."""

import random
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from profile_export.delta_log import (
    TXN_VERSION,
    OwnCommit,
    look,
    own_commit,
    with_features,
)
from profile_export.engines import Writing
from profile_export.engines.batch_folders import batch_files
from profile_export.errors import JobFailed
from profile_export.faults import fault_when
from profile_export.outputs import BATCH_COLUMN
from profile_export.storage import Folder
from profile_export.target_rules import columns_with_export

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameWriter, SparkSession

ATTEMPTS = 6
"""A repeated write computes all rows again, so fewer tries than for a bare commit."""

_LOST_RACE = re.compile(
    r"DELTA_(CONCURRENT_\w+|METADATA_CHANGED|PROTOCOL_CHANGED)"
    r"|Concurrent(Append|Write|Transaction)Exception|MetadataChangedException"
    r"|ProtocolChangedException"
)


def write_and_commit(
    spark: "SparkSession", frame: "DataFrame", writing: Writing, *, check: Callable[[], None]
) -> OwnCommit:
    """Write ``frame`` as one Delta commit, or find the one made before.

    Delta drops a write whose transaction is in the log already, and refuses one that loses the race
    to itself: so whatever happened, the log tells. Concurrent appends of others do not conflict;
    changes of schema or protocol do, and are tried again after a new look at the schema.

    Args:
        spark: The session of ``frame``.
        frame: The rows, with ``_ACP_BATCHID``.
        writing: What they are, and where to.
        check: Raises where the job is to stop; called before each attempt.

    Raises:
        JobFailed: ``target-schema``; ``target-busy`` after :data:`ATTEMPTS` lost races.
    """
    location, app_id = writing.location, writing.app_id
    folder, ids = Folder(location), list(writing.batch_ids)
    fault_when("while-writing", lambda: bool(batch_files(folder, ids)))
    fault_when("before-commit", lambda: _all_written(spark, folder, ids))
    for attempt in range(ATTEMPTS):
        check()
        state = look(location)
        if state is not None and state.has_committed(app_id):
            break  # Delta would not see it where the table forgets transactions
        grown = columns_with_export(state, folder, shown=writing.shown, columns=writing.columns)
        grows = state is not None and grown != state.columns
        if state is not None and grows:
            with_features(state, grown)
        writer = _writer(frame, app_id, writing.note)
        try:
            if state is None and writing.table is not None:
                writer.saveAsTable(writing.table)
            else:
                (writer.option("mergeSchema", "true") if grows else writer).save(location)
        except Exception as error:  # not only PySparkException: Delta's own come as Py4JJavaError
            if own_commit(location, app_id) is None and not _LOST_RACE.search(str(error)):
                raise
        if (made := own_commit(location, app_id)) is not None:
            return made
        time.sleep(random.uniform(0.5, 1) * min(5.0, 0.2 * 2**attempt))
    if (made := own_commit(location, app_id)) is not None:
        return made
    raise JobFailed(
        "Other writers kept changing the target dataset; nothing was exported. Try again.",
        code="target-busy",
    )


def _writer(frame: "DataFrame", app_id: str, note: str) -> "DataFrameWriter":
    return (
        frame.write.format("delta")
        .mode("append")
        .partitionBy(BATCH_COLUMN)
        .option("compression", "zstd")
        .option("txnAppId", app_id)
        .option("txnVersion", TXN_VERSION)
        .option("userMetadata", note)
    )


def _all_written(spark: "SparkSession", folder: Folder, ids: list[str]) -> bool:
    """Whether there are data files and no Spark job is left: the fault between write and commit."""
    if not batch_files(folder, ids):
        return False
    return not spark.sparkContext.statusTracker().getActiveJobsIds()
