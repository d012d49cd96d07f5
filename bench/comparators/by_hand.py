"""A PySpark job as an experienced user writes it: per segment join, window, filter, write.

python -m bench.comparators.by_hand CASE.json TARGET TIMES
prints {"start": s, "jobs": [s, ...]}: seconds until the session was open, and of each job.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from bench.comparators._case import BATCH, Asked, fresh, groups
from profile_export.engines._delta_jars import delta_jars

SETTINGS = {
    "spark.master": "local[*]",
    "spark.driver.memory": "2g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    # As an experienced user sets them: few partitions on one machine, the files as ours are.
    "spark.sql.shuffle.partitions": "8",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def export(spark: SparkSession, asked: Asked, target: str) -> None:
    """Segment after segment, each into its batch."""
    records = reduce(DataFrame.unionByName, (_records(spark, asked, d) for d in asked.datasets))
    events = spark.read.format("delta").load(str(asked.data / "events"))
    wanted: list[str] | list[None] = asked.segments or [None]
    for segment, batch in zip(wanted, asked.batches, strict=True):
        members = _members(records, segment)
        rows = _merged(records.join(members, "pk", "left_semi"), asked)
        if asked.events is not None:
            mine = events.withColumn("pk", F.col("_acme.crmId")).join(members, "pk", "left_semi")
            rows = rows.join(_gathered(mine, asked), "pk", "left")
        columns = [*_structs(asked.fields), *([_events_or_none()] if asked.events else [])]
        out = rows.select(*columns, F.lit(batch).alias(BATCH))
        out.write.format("delta").mode("append").partitionBy(BATCH).save(target)


def _records(spark: SparkSession, asked: Asked, dataset: str) -> DataFrame:
    table = spark.read.format("delta").load(str(asked.data / dataset))
    if asked.replaced:
        newest = Window.partitionBy("_acme.crmId").orderBy(
            F.desc_nulls_last("_ingestedAt"), F.desc_nulls_last("_id")
        )
        table = table.withColumn("n", F.row_number().over(newest)).where("n = 1")
    updated = F.coalesce("audit.lastUpdated", "_ingestedAt").alias("updated")
    rank, place = F.lit(asked.rank(dataset)), sorted(asked.datasets).index(dataset)
    leaves = [F.col(path).alias(f"c{n}") for n, path in enumerate(asked.fields)]
    return table.select(
        F.col("_acme.crmId").alias("pk"),
        *(updated, rank.alias("rank"), F.lit(place).alias("place")),
        *(F.col("segmentMembership")["ups"].alias("segments"), *leaves),
        F.lit(asked.precedence is not None).alias("by_order"),
    )


def _members(records: DataFrame, segment: str | None) -> DataFrame:
    """Whose newest entry of the segment says that they are in it."""
    if segment is None:
        return records.select("pk").distinct()
    entry = F.col("segments")[segment]
    status = F.when(F.col("s") == "exited", 3).when(F.col("s") == "existing", 2).otherwise(1)
    newest = Window.partitionBy("pk").orderBy(F.desc("t"), status.desc(), F.desc("place"))
    entries = records.select(
        "pk", "place", entry["status"].alias("s"), entry["lastQualificationTime"].alias("t")
    )
    ranked = entries.where("s IS NOT NULL").withColumn("n", F.row_number().over(newest))
    return ranked.where("n = 1 AND s IN ('realized', 'existing')").select("pk")


def _merged(records: DataFrame, asked: Asked) -> DataFrame:
    """The first value that is there, newest record first; then one row per person."""
    order = [F.desc("updated"), F.desc("rank")]
    newest = Window.partitionBy("pk").orderBy(*(order[::-1] if asked.precedence else order))
    whole = newest.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    names = [f"c{n}" for n in range(len(asked.fields))]
    values = [F.first(name, ignorenulls=True).over(whole).alias(name) for name in names]
    ranked = records.select("pk", F.row_number().over(newest).alias("n"), *values)
    return ranked.where("n = 1").drop("n")


def _gathered(events: DataFrame, asked: Asked) -> DataFrame:
    if asked.repeated:
        once = Window.partitionBy("_id").orderBy(F.desc("_ingestedAt"))
        events = events.withColumn("n", F.row_number().over(once)).where("n = 1")
    members = _structs(["_id", "timestamp", *(asked.events or [])], named=False)
    in_order = F.struct(F.col("timestamp").alias("t"), F.col("_id").alias("i"), *members)
    lists = events.groupBy("pk").agg(F.sort_array(F.collect_list(in_order)).alias("all"))
    names = list(groups(["_id", "timestamp", *(asked.events or [])]))
    return lists.select(
        "pk", F.transform("all", lambda e: F.struct(*(e[n].alias(n) for n in names))).alias("list")
    )


def _events_or_none() -> Column:
    return F.coalesce("list", F.array()).alias("timeSeriesEvents")


def _structs(paths: Sequence[str], *, named: bool = True) -> list[Column]:
    """Leaves in structs again; a struct of nulls is null."""
    place = {p: F.col(f"c{n}") if named else F.col(p) for n, p in enumerate(paths)}
    columns = []
    for top, members in groups(list(paths)).items():
        values = [place[f"{top}.{m}"] for m in members]
        known = reduce(Column.__or__, (v.isNotNull() for v in values)) if values else None
        inner = F.struct(*(v.alias(m) for v, m in zip(values, members, strict=True)))
        columns.append((place[top] if known is None else F.when(known, inner)).alias(top))
    return columns


def session() -> SparkSession:
    builder = SparkSession.builder.appName("by hand")
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    return builder.config("spark.jars", ",".join(map(str, delta_jars()))).getOrCreate()


def main(case: str, target: str, times: str) -> None:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    asked, began = Asked.read(case), time.monotonic()
    spark = session()
    spark.sparkContext.setLogLevel("ERROR")
    start, jobs = time.monotonic() - began, []
    for _ in range(int(times)):
        place, before = fresh(Path(target)), time.monotonic()
        export(spark, asked, str(place))
        jobs.append(time.monotonic() - before)
    spark.stop()
    sys.stdout.write(json.dumps({"start": start, "jobs": jobs}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
