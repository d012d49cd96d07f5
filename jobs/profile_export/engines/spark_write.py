"""The write on Spark: delta-spark writes the files and commits them under the job's transaction."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from profile_export.delta_log import TargetState, look
from profile_export.engine_words import said
from profile_export.engines import Writing
from profile_export.engines.batch_folders import batch_files
from profile_export.engines.commit_once import Tries, commit_once
from profile_export.faults import fault_when
from profile_export.outputs import BATCH_COLUMN
from profile_export.own_commit import TXN_VERSION, OwnCommit
from profile_export.schema import Struct, ddl, quoted
from profile_export.storage import Folder
from profile_export.times_without_zone import FEATURE, lacks_feature

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameWriter, SparkSession

_LOST_RACE = re.compile(
    r"DELTA_(CONCURRENT_\w+|METADATA_CHANGED|PROTOCOL_CHANGED)"
    r"|Concurrent(Append|Write|Transaction)Exception|MetadataChangedException"
    r"|ProtocolChangedException"
)
_OTHER_COLUMNS = re.compile(r"DELTA_(METADATA_MISMATCH|FAILED_TO_MERGE_FIELDS)")
"""What Delta says where a table has not the columns that it had when it was looked at."""
_DESCRIBED = re.compile(r'"metadata":\s*\{(?!\})')


class MovedOn(Exception):
    """The table is another by now than the one that was looked at."""


def _lost_race(error: Exception) -> bool:
    return isinstance(error, MovedOn) or _LOST_RACE.search(said(error).text) is not None


TRIES = Tries(6, 0.2, 5.0, _lost_race)
"""A repeated write computes all rows again, so fewer tries than for a bare commit."""


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
        check: Raises where the job is to stop; called before each try.

    Raises:
        JobFailed: ``target-schema``; ``target-busy`` after :data:`TRIES`.
    """
    folder, ids = Folder(writing.location), list(writing.batch_ids)
    fault_when("while-writing", lambda: bool(batch_files(folder, ids)))
    fault_when("before-commit", lambda: _all_written(spark, folder, ids))
    plain = _undescribed(frame, writing.columns)

    def try_to_commit(state: TargetState | None, columns: Struct) -> None:
        grows = state is not None and columns != state.columns
        if state is not None and lacks_feature(state, columns):
            _declare(spark, writing.location)
        writer = _writer(plain, writing.app_id, writing.note)
        try:
            if state is None and writing.table is not None:
                writer.saveAsTable(writing.table)
            else:
                (writer.option("mergeSchema", "true") if grows else writer).save(writing.location)
        except Exception as error:  # Delta sees as a race only what comes while it writes
            if _OTHER_COLUMNS.search(said(error).text) and _has_moved_on(writing.location, state):
                raise MovedOn from error
            raise

    return commit_once(writing, try_to_commit, tries=TRIES, check=check)


def _declare(spark: "SparkSession", location: str) -> None:
    """Declare the feature by Spark, which knows tables that delta-rs cannot write to; writing alone
    declares it in new tables only."""
    table = f"delta.{quoted(location)}"
    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.feature.{FEATURE}' = 'supported')")


def _has_moved_on(location: str, state: TargetState | None) -> bool:
    now = look(location)
    if now is None or state is None:
        return now is not state
    known, found = ((one.table.metadata().id, one.version) for one in (state, now))
    return known != found


def _undescribed(frame: "DataFrame", columns: Struct) -> "DataFrame":
    """The same rows without what the inputs' tables say of their columns: lengths of texts and
    defaults would become rules of the target, which no second export would fit (S26)."""
    from pyspark.sql import functions as F

    described = {f.name for f in frame.schema.fields if _DESCRIBED.search(f.json())}
    plain = {
        f.name: F.col(quoted(f.name)).cast(ddl(f.type)).alias(f.name)
        for f in columns.fields
        if f.name in described  # the others would be cast for nothing, to types that may be null
    }
    return frame.withColumns(plain) if plain else frame


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
