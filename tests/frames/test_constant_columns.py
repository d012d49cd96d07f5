"""S4, S23, S29: tables of which a column has one value in all of a file are hashed like others.

Engines know such values from a file's statistics, and may compute with them instead of the rows.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from frames.frames import dataset, keys
from profile_export.rowset import by_engine
from profile_export.schema import struct_of, table_ddl
from profile_export.stages import current, events, load, load_wide

WHEN = datetime(2025, 1, 1, tzinfo=UTC)
SOURCE = dataset(_id="string", n="int")
COLUMNS = SOURCE.columns


def hashes(frame: DataFrame) -> DataFrame:
    return load.key_hashes(frame, source=SOURCE, index=0).transform(current.repeated)


def records(frame: DataFrame) -> DataFrame:
    only = keys(frame.sparkSession, "a")
    staged = load.records(frame, source=SOURCE).join(only, on="pk", how="left_semi")
    rows = load.record_rows(staged, source=SOURCE, asked=())
    return rows.transform(current.records_of_repeated)


def records_of_suspects(frame: DataFrame) -> DataFrame:
    staged = load.records(frame, source=SOURCE, hashed=True)
    alone, several = current.parted(staged, suspects=hashes(frame).select("suspect"))
    assert alone.isEmpty()
    rows = load.record_rows(several, source=SOURCE, asked=())
    return rows.transform(current.records_of_repeated)


def wide(frame: DataFrame) -> DataFrame:
    mine = keys(frame.sparkSession, "a")
    leaves = struct_of(n="int")
    rows = load_wide.fragments(
        frame, keys=mine, source=SOURCE, asked=(), leaves=leaves, entry=None, ranked=True
    )
    return rows.transform(current.fragments_of_repeated, keep=["c0"])


def repeated_ids(frame: DataFrame) -> DataFrame:
    return frame.transform(events.id_hashes).transform(events.repeated_ids)


def with_suspect_id(frame: DataFrame) -> DataFrame:
    return frame.transform(events.with_suspect_id, suspects=repeated_ids(frame))


def row_set(frame: DataFrame) -> DataFrame:
    rows = frame.withColumn("_ACP_BATCHID", F.lit("b"))
    return by_engine.by_batch(rows, columns=COLUMNS)


def row_set_of_one(frame: DataFrame) -> DataFrame:
    rows = frame.withColumn("_ACP_BATCHID", F.lit("b"))
    return by_engine.by_batch(rows, columns=struct_of(n="int"))


STEPS = (
    *(hashes, records, records_of_suspects, wide, repeated_ids, with_suspect_id),
    *(row_set, row_set_of_one),
)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_of_one_value(
    step: Callable[[DataFrame], DataFrame], spark: SparkSession, tmp_path: Path
) -> None:
    values: dict[str, Any] = {"id": ["a"] * 3, "_id": ["e"] * 3, "n": pa.array([1] * 3, "int32")}
    file = pa.table({**values, "at": pa.array([WHEN] * 3, pa.timestamp("us", "UTC"))})
    pq.write_table(file, tmp_path / "part.parquet")
    read = spark.read.schema(table_ddl(COLUMNS)).parquet(str(tmp_path))
    made = spark.createDataFrame([("a", WHEN, "e", 1)] * 3, table_ddl(COLUMNS))
    found, wanted = ([row.asDict() for row in step(f).collect()] for f in (read, made))
    assert found == wanted
    assert found


PARTS = pa.table(
    {
        "id": ["a", "a", "b", "b"],
        "_id": ["e", "e", "f", "f"],
        "n": pa.array([1] * 4, "int32"),
        "at": pa.array([WHEN] * 4, pa.timestamp("us", "UTC")),
    }
)


@pytest.fixture(scope="module")
def parted_by(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """``PARTS`` as a table partitioned by a column: once for all steps, which only read it."""

    @cache
    def stored(column: str) -> str:
        place = tmp_path_factory.mktemp("parts") / column
        write_deltalake(place, PARTS, partition_by=[column])
        return str(place)

    return stored


@pytest.mark.parametrize("by", ["id", "_id"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_of_partitions(
    step: Callable[[DataFrame], DataFrame],
    by: str,
    spark: SparkSession,
    parted_by: Callable[[str], str],
) -> None:
    """Of which the column has one value each, that stands in no file."""
    read = spark.read.format("delta").load(parted_by(by)).select(*COLUMNS.names())
    rows = [(row["id"], row["at"], row["_id"], row["n"]) for row in PARTS.to_pylist()]
    made = spark.createDataFrame(rows, table_ddl(COLUMNS))
    found, wanted = (sorted(map(str, step(frame).collect())) for frame in (read, made))
    assert found == wanted
    assert found
