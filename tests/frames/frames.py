"""Support of the frames ring: a dataset, and the shape of rows that several tests make by hand."""

from pyspark.sql import DataFrame, SparkSession

from profile_export.plan import IdentityField, Input, TableRef
from profile_export.schema import DataType, struct_of

WHO_DDL = (
    "source int, participates boolean, is_record boolean, pk string,"
    " ids array<struct<key:string,auth:int>>, ingested bigint,"
    " entries array<struct<segment:int,status:string,qualified:bigint,valid_until:bigint>>,"
    " rows bigint"
)


def keys(spark: SparkSession, value: str) -> DataFrame:
    """The key of one person of :func:`dataset`, whose ``id`` is this."""
    return spark.createDataFrame([(f"crm\0{value}", "p")], "pk string, person string")


def dataset(**columns: DataType) -> Input:
    """A profile dataset with ``id``, ``at`` and these columns."""
    return Input(
        dataset_id="ds",
        name="ds",
        kind="profile",
        table=TableRef(format="parquet", location="nowhere"),
        version=None,
        columns=struct_of(id="string", at="timestamp", **columns),
        primary_identity=IdentityField(namespace="crm", field="id"),
        identities=(),
        ingest_time="at",
        last_updated=None,
        participates=True,
        rank=0,
    )
