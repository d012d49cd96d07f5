"""The engine spark, once its session is open (``spark_session.py``)."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

from profile_export.engines import Writing, spark_write
from profile_export.engines.parquet_reads import misread_files, read_together
from profile_export.engines.pinned_files import named_files, pinned_table, plain_files
from profile_export.engines.reading import ParquetFiles, Reading
from profile_export.errors import JobFailed
from profile_export.own_commit import OwnCommit
from profile_export.plan import ExportPlan, Input, TableRef
from profile_export.schema import Struct, from_json
from profile_export.tables import TableInfo, first_line

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class SparkEngine:
    """A Spark session with Delta; ``owned`` sessions end with :meth:`stop`."""

    name = "spark"
    vectorised = False
    obeys_within = 30.0
    lasts: int | None = None

    def __init__(self, spark: "SparkSession", *, owned: bool, remote: bool) -> None:
        self.version = spark.version
        self.spark = spark
        self.pid = None if remote else _jvm_pid(spark)
        self._owned = owned
        self._remote = remote

    def table_info(self, table: TableRef) -> TableInfo:
        """Columns of a named table, newest version and id of a Delta one; up to three calls.

        Raises:
            JobFailed: ``input-missing`` where the catalog does not know it.
        """
        from pyspark.errors import AnalysisException

        name = table.name or f"delta.`{table.location}`"
        try:
            columns = from_json(self.spark.table(name).schema.jsonValue())
            newest, id_ = None, None
            if table.format == "delta":
                history = self.spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").select("version")
                newest = int(history.collect()[0][0])
                id_ = str(self.spark.sql(f"DESCRIBE DETAIL {name}").select("id").collect()[0][0])
        except AnalysisException as error:
            raise JobFailed(
                f"The table {name} cannot be read: {first_line(error)}",
                code="input-missing",
            ) from error
        return TableInfo(cast(Struct, columns), newest, table_id=id_)

    def locate(self, table: TableRef) -> str:
        """Where a named table lies; for one that is not there yet, below its database's folder."""
        name = table.name or f"delta.`{table.location}`"
        if self.spark.catalog.tableExists(name):
            found = self.spark.sql(f"DESCRIBE DETAIL {name}").select("location").collect()
            return _plain(str(found[0][0]))
        *database, short = name.split(".")
        told = self.spark.sql(f"DESCRIBE NAMESPACE EXTENDED {'.'.join(database) or 'default'}")
        place = {row[0]: row[1] for row in told.collect()}.get("Location")
        if place is None:
            raise JobFailed(
                f"Create the table {name} first: its catalog does not tell where it would lie.",
                code="named-table",
            )
        return f"{_plain(str(place))}/{short.strip('`').lower()}"

    def delta_path(self, location: str) -> str:
        return location

    def how_to_read(self, source: Input) -> Reading:
        """A plain Delta table by its files: that spares a fresh session the reading of its log by
        Spark jobs, 17 of 37 seconds of CPU for the first table (measured on 20 rows), and one or
        two for the next."""
        if source.table.format == "parquet":
            return Reading(named_files(source) or misread_files(source))
        table = pinned_table(source)
        return Reading(None if table is None else plain_files(source, table, partitioned=False))

    def read_parquet(self, files: ParquetFiles, columns: Struct) -> "DataFrame":
        """All together: unions of hundreds are planned for minutes (docs/decisions/0029)."""
        return read_together(self.spark, files, columns)

    def parts(self, plan: ExportPlan | None) -> None:
        """Adaptive execution sees to it, by what it measures."""

    def write_and_commit(
        self, frame: "DataFrame", writing: Writing, *, check: Callable[[], None]
    ) -> OwnCommit:
        """One call of delta-spark, which writes and commits."""
        return spark_write.write_and_commit(self.spark, frame, writing, check=check)

    def between_jobs(self) -> None:
        """Drop what is cached."""
        self.spark.catalog.clearCache()

    def set_up_for_writing(self, _persons: int) -> AbstractContextManager[None]:
        """Nothing to be done: stages that wait for nothing run at the same time anyway."""
        return nullcontext()

    def interrupt(self) -> None:
        """Cancel every running Spark job of this session's application; within a second or two."""
        with suppress(Exception):
            if self._remote:
                self.spark.interruptAll()
            else:
                self.spark.sparkContext.cancelAllJobs()

    def abandon(self) -> None:
        """The JVM sees this process end, and removes its own."""

    def stop(self) -> None:
        if self._owned:
            self.spark.stop()


def _jvm_pid(spark: "SparkSession") -> int:
    """The driver JVM: it notices only after a moment that this process was killed."""
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    return int(jvm.java.lang.ProcessHandle.current().pid())


def _plain(location: str) -> str:
    """Hadoop's ``file:/x`` as a path; other URIs as they are."""
    return unquote(location.removeprefix("file:")) if location.startswith("file:/") else location
