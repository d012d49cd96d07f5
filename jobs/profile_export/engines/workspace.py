"""An engine at work on one job: pinned inputs, scratch tables, progress."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.parquet as pq

from profile_export.engines import Engine
from profile_export.engines.parquet_reads import read_folder
from profile_export.engines.pinned_files import all_there, lost_files
from profile_export.engines.reading import Reading
from profile_export.errors import Cancelled, JobFailed
from profile_export.faults import fault
from profile_export.plan import ExportPlan, Input
from profile_export.schema import Struct, from_json, table_ddl
from profile_export.stop import Stop
from profile_export.storage import Folder

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, DataFrameReader

DRIVER_EDGES = 20_000_000
"""Two 20-byte keys per edge in Arrow and codes beside them: about 2 GB at the limit."""

_ARROW = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}

Progress = Callable[[str, float], None]


class JobWorkspace:
    """The :class:`~profile_export.engines.Workspace` of one job; :meth:`close` ends its scratch.

    The plan, where it is given, tells how much there is to divide.
    """

    def __init__(
        self,
        engine: Engine,
        scratch: Folder,
        *,
        progress: Progress | None = None,
        stop: Stop | None = None,
        driver_edges: int = DRIVER_EDGES,
        plan: ExportPlan | None = None,
    ) -> None:
        self.driver_edges = driver_edges
        self.vectorised = engine.vectorised
        self._plan = plan
        self._engine = engine
        self._spark = engine.spark
        self._scratch = scratch
        self._progress = progress
        self._stop = stop
        self._locals = count()
        self._readings: dict[tuple[str, int | None], Reading] = {}

    def read(self, source: Input) -> "DataFrame":
        """The dataset's pinned version, lazily (S28); Parquet with the plan's columns."""
        fault("before-read")
        table = source.table
        if table.location is None:
            return self._pinned(source).table(table.name or "")
        if table.format == "parquet":
            _see_that_it_exists(source, table.location)
        reading = self._asked_before(source)
        if reading.files is not None and (table.format == "parquet" or all_there(reading.files)):
            return self._engine.read_parquet(reading.files, source.columns)
        if table.format == "parquet":
            return read_folder(self._spark, table.location, source.columns, reading.keys)
        path = self._engine.delta_path(table.location)
        reader = self._pinned(source).options(**reading.options)
        if reading.tells_columns:
            reader = reader.schema(table_ddl(source.columns))
        return reader.format("delta").load(path)

    def _asked_before(self, source: Input) -> Reading:
        pinned = (source.dataset_id, source.version)
        if pinned not in self._readings:
            self._readings[pinned] = self._engine.how_to_read(source)
        return self._readings[pinned]

    def _pinned(self, source: Input) -> "DataFrameReader":
        reader = self._spark.read
        return reader if source.version is None else reader.option("versionAsOf", source.version)

    def _parquet(self, columns: Struct, location: str) -> "DataFrame":
        return self._spark.read.schema(table_ddl(columns)).parquet(location)

    def materialise(self, frame: "DataFrame", name: str) -> "DataFrame":
        """Compute ``frame`` once into a scratch Parquet folder. One job; the lineage ends there."""
        assert re.fullmatch("[a-z0-9-]+", name), f"{name} is no plain name of a folder"
        self.check()
        columns = cast(Struct, from_json(frame.schema.jsonValue()))
        location = f"{self._scratch.location}/{name}"
        frame.write.mode("overwrite").option("compression", "zstd").parquet(location)
        self.check()
        return self._parquet(columns, location)

    def numbered(self, frame: "DataFrame", column: str, name: str) -> "DataFrame":
        """As :meth:`~profile_export.engines.Workspace.numbered` says."""
        from pyspark.sql import functions as F

        return self.materialise(frame.withColumn(column, F.monotonically_increasing_id()), name)

    def moved(self, frame: "DataFrame", *by: str, shrinks: bool = False) -> "DataFrame":
        """As :meth:`~profile_export.engines.Workspace.moved` says."""
        if self._parts is not None:
            return frame.repartition(self._parts, *by)
        return frame if shrinks else frame.repartition(*by)

    @cached_property
    def _parts(self) -> int | None:
        return self._engine.parts(self._plan)

    def local_frame(self, columns: Mapping[str, Sequence[object]], ddl: str) -> "DataFrame":
        """A driver-side table as a frame, through one scratch Parquet file: of any size.

        Args:
            columns: Values by column, as Arrow or as a sequence; every column of ``ddl``.
            ddl: ``name type, ...`` with atomic types, as Spark SQL writes them.
        """
        table = pa.table(
            {name: _as_arrow(columns[name]).cast(type_) for name, type_ in _arrow_types(ddl)}
        )
        name = f"local-{next(self._locals)}"
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        self._scratch.write(f"{name}/part-0.parquet", sink.getvalue().to_pybytes())
        return self._spark.read.schema(ddl).parquet(f"{self._scratch.location}/{name}")

    def report(self, stage: str, fraction: float) -> None:
        if self._progress is not None:
            self._progress(stage, fraction)
        self.check()

    def close(self) -> None:
        """Delete the scratch tables; frames that read them are of no use afterwards."""
        self._scratch.delete_tree("")

    def check(self) -> None:
        """Raise Cancelled if the job is to stop."""
        if self._stop is not None and self._stop.asked and not self._stop.closed:
            raise Cancelled("The job was asked to stop.")


def _see_that_it_exists(source: Input, location: str) -> None:
    """Sail reads what is not there as an empty table: rows would be lost in silence."""
    if lost := lost_files(source, location):
        raise JobFailed(
            f"Dataset {source.name} ({source.dataset_id}) has changed: file {lost[0]}, which was"
            f" there when the job was created, is gone from {source.table.display}, or empty."
            " Put it back, or submit the export again as a new job.",
            code="input-missing",
        )
    if not Folder(location).exists():
        raise JobFailed(
            f"Dataset {source.name} ({source.dataset_id}) is gone: there is nothing at"
            f" {source.table.display}. Put it back, or submit the export again as a new job.",
            code="input-missing",
        )


def _as_arrow(values: Sequence[object]) -> pa.Array | pa.ChunkedArray:
    """A chunked array as it is: ``pa.array`` would make a Python object of every value."""
    return values if isinstance(values, pa.ChunkedArray) else pa.array(values)


def _arrow_types(ddl: str) -> Iterator[tuple[str, pa.DataType]]:
    for column in ddl.split(","):
        name, type_ = column.split()
        yield name.strip("`"), _ARROW[type_]
