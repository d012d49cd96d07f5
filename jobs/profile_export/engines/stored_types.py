"""Parquet files whose columns Sail 0.7.2 reads only as the types that Arrow has stored in them.

Arrow's writers (pandas, Polars) keep their own types beside Parquet's. Of those below Sail knows
the values, but refuses to be asked for them as the types that they are to Spark.
"""

import base64

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt
from pyspark.sql import Column
from pyspark.sql import functions as F

from profile_export.columns import conform
from profile_export.schema import DataType, Field, Struct, ddl, quoted
from profile_export.tables.parquet_types import columns_of

_STORED = b"ARROW:schema"
_AS_STORED = (
    *(pt.is_large_list, pt.is_fixed_size_list, pt.is_list_view, pt.is_large_list_view),
    *(pt.is_decimal32, pt.is_decimal64, pt.is_decimal256),
    *(pt.is_date64, pt.is_duration, pt.is_dictionary),
)


def stored_types(footer: pq.FileMetaData) -> pa.Schema | None:
    """The types stored in a file, if it has to be read as these."""
    stored = (footer.metadata or {}).get(_STORED)
    if stored is None:
        return None
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(stored)))
    return schema if any(is_as_stored(field.type) for field in schema) else None


def is_as_stored(type_: pa.DataType) -> bool:
    """Whether Sail has to read a column as it is stored: for a type in it, at whatever depth."""
    if any(is_one(type_) for is_one in _AS_STORED):
        return True
    return any(is_as_stored(type_.field(n).type) for n in range(type_.num_fields))


def as_asked(stored: pa.Schema, asked: Field) -> Column:
    """A column of a frame that was read as stored, as the type that is asked for."""
    place = stored.get_field_index(asked.name)
    if place < 0:
        return F.lit(None).cast(ddl(asked.type))
    own = columns_of(stored).get(asked.name)
    assert own is not None
    column = F.col(quoted(asked.name))
    if is_as_stored(stored.field(place).type):
        return conform(_cast(column, own), own, asked.type)
    return conform(column.cast(ddl(own)), own, asked.type)


def _cast(column: Column, type_: DataType) -> Column:
    """As a member: a duration by itself becomes its seconds, in a struct the number that it is."""
    return F.struct(column.alias("c")).cast(ddl(Struct((Field("c", type_),)))).getField("c")
