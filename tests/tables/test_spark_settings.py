"""Settings of a cluster, or of ``--conf``, that would change rows or lose files: ours win."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import functions as F

from profile_export.engines import Engine
from profile_export.engines.spark_session import open_spark
from profile_export.verify import verify
from small_sandbox import build, export, request

pytestmark = pytest.mark.spark_only
_PARQUET = "spark.sql.parquet."
_NEW_TABLES = "spark.databricks.delta.properties.defaults."
THEIRS = {
    f"{_PARQUET}datetimeRebaseModeInRead": "LEGACY",
    f"{_PARQUET}datetimeRebaseModeInWrite": "LEGACY",
    f"{_PARQUET}int96RebaseModeInRead": "LEGACY",
    f"{_PARQUET}int96RebaseModeInWrite": "LEGACY",
    f"{_PARQUET}outputTimestampType": "TIMESTAMP_MILLIS",
    "spark.sql.files.ignoreCorruptFiles": "true",
    "spark.sql.files.ignoreMissingFiles": "true",
    "spark.sql.session.timeZone": "Asia/Tokyo",
    "spark.sql.ansi.enabled": "false",
    "spark.databricks.delta.write.dataFilesToSubdir": "true",
    "spark.databricks.delta.autoCompact.enabled": "true",
    "spark.databricks.delta.autoCompact.minNumFiles": "2",
    "spark.sql.files.maxRecordsPerFile": "1",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.retainGroupColumns": "false",
    f"{_NEW_TABLES}columnMapping.mode": "name",
    f"{_NEW_TABLES}randomizeFilePrefixes": "true",
}


@pytest.fixture
def opened(engine: Engine) -> Iterator[Engine]:
    """The engine opened on a session with settings of its own, as spark-submit gives one."""
    for key, value in THEIRS.items():
        engine.spark.conf.set(key, value)
    yield open_spark(verbose=True, settings={})
    for key in THEIRS:
        engine.spark.conf.unset(key)
    open_spark(verbose=True, settings={})


def test_old_dates_and_small_times_stay_what_they_are(opened: Engine, tmp_path: Path) -> None:
    """A file is read as other readers read it, and written as they will: no calendar is changed."""
    days = [date(1500, 2, 3), date(2024, 1, 1)]
    times = [datetime(1400, 1, 2, 3, 4, 5, 678901, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)]
    told = pa.table({"day": days, "at": pa.array(times, pa.timestamp("us", "UTC"))})
    (tmp_path / "in").mkdir()
    pq.write_table(told, tmp_path / "in" / "a.parquet")
    frame = opened.spark.read.schema("day date, at timestamp").parquet(str(tmp_path / "in"))
    read = frame.selectExpr("string(day)", "string(at)").collect()
    assert tuple(read[0]) == ("1500-02-03", "1400-01-02 03:04:05.678901")
    frame.coalesce(1).write.parquet(str(tmp_path / "out"))
    assert pq.read_table(tmp_path / "out").to_pylist() == told.to_pylist()


def test_a_broken_file_is_not_passed_over(opened: Engine, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": ["x"] * 1000}), tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 this is no such file PAR1")
    with pytest.raises(Exception, match=r"b\.parquet"):
        opened.spark.read.schema("a string").parquet(str(tmp_path)).collect()


def test_new_targets_are_plain_tables(opened: Engine, tmp_path: Path) -> None:
    """Their files lay elsewhere, and the manifest of a SUCCEEDED job had none of them."""
    papers = export(build(tmp_path), opened, request())
    batch = json.loads((papers / "manifest.json").read_bytes())["batches"][0]
    assert [file["path"] for file in batch["files"]]
    assert not verify(str(papers), deep=True).findings


def test_frames_have_the_types_and_the_columns_that_they_are_asked_for(opened: Engine) -> None:
    """``rerun --compare`` failed on times without zone, and on aggregates that had lost what they
    are by."""
    time = F.lit("2024-01-01").cast("timestamp").alias("at")
    assert opened.spark.range(1).select(time).dtypes == [("at", "timestamp")]
    assert opened.spark.range(1).groupBy("id").count().columns == ["id", "count"]
