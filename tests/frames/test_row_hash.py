"""The row-set hash on an engine, against values of every type: what makes files comparable."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from hash_cases import CASES, Case
from profile_export.columns.canonical import content_hash
from profile_export.rowset import by_engine
from profile_export.rowset.offline import of_files
from profile_export.schema import Field, Struct, table_ddl
from profile_export.storage import Folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_type_hashes_alike(case: Case, spark: SparkSession, tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    rows = pa.table({"n": range(len(case.values)), "c": case.values})
    pq.write_table(rows, file, store_schema=False)
    columns = Struct((Field("n", "long"), Field("c", case.type)))
    frame = spark.read.schema(table_ddl(columns)).parquet(str(file))
    hashed = frame.select("n", content_hash([(F.col("c"), case.type)]).alias("hash"))
    assert tuple(row["hash"] for row in hashed.orderBy("n").collect()) == case.hashes


def test_a_batch_of_every_type_hashes_as_it_does_offline(
    spark: SparkSession, tmp_path: Path
) -> None:
    columns = Struct(tuple(Field(f"c{i}", case.type) for i, case in enumerate(CASES)))
    rows = pa.table({f.name: case.values for f, case in zip(columns.fields, CASES, strict=True)})
    pq.write_table(rows, tmp_path / "rows.parquet", store_schema=False)
    frame = spark.read.schema(table_ddl(columns)).parquet(str(tmp_path / "rows.parquet"))
    (row,) = by_engine.by_batch(
        frame.withColumn("_ACP_BATCHID", F.lit("b")), columns=columns
    ).collect()
    offline = of_files(Folder(str(tmp_path)), ["rows.parquet"], columns=columns)
    assert by_engine.hex_digest(row["hash_sum"], row["hash_xor"]) == offline.digest
    assert row["records"] == offline.records


def test_an_empty_batch_has_no_row(spark: SparkSession) -> None:
    columns = Struct((Field("c", "string"),))
    none = spark.createDataFrame([], "c string, _ACP_BATCHID string")
    assert by_engine.by_batch(none, columns=columns).collect() == []
