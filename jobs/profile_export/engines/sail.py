"""The engine sail, once its server runs and its session is open (``sail_session.py``)."""

import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from typing import TYPE_CHECKING

from profile_export.engines import Writing, datafusion, sail_memory, sail_reading, sail_write
from profile_export.engines.input_size import total_bytes
from profile_export.engines.parquet_reads import read_apart
from profile_export.engines.reading import ParquetFiles, Reading
from profile_export.errors import JobFailed
from profile_export.own_commit import OwnCommit
from profile_export.plan import ExportPlan, Input, TableRef
from profile_export.schema import Struct
from profile_export.scratch import scratch_folder
from profile_export.tables import TableInfo

if TYPE_CHECKING:
    from pysail.spark import SparkConnectServer
    from pyspark.sql import DataFrame, SparkSession


_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./=-]+|[A-Za-z][A-Za-z0-9+.-]*://.*")
"""What Sail 0.7.2 finds; a blank, say, is encoded twice."""


class SailEngine:
    """One server and one session on it; both end with :meth:`stop`."""

    name = "sail"
    pid: int | None = None
    vectorised = True
    obeys_within = 3.0
    """It shares two threads, say, with what it computes, and has been seen to hear nothing for
    40 s; a new process takes one second."""
    lasts: int | None = 500
    """It keeps 20 kB of every plan that it executes and 60 to 120 kB of every SQL text, until its
    process ends: 0.8 MB of a small job (measured)."""

    def __init__(
        self,
        server: "SparkConnectServer",
        spark: "SparkSession",
        version: str,
        afterwards: ExitStack,
    ) -> None:
        self.version = version
        self.spark = spark
        self._server = server
        self._afterwards = afterwards
        self._links: dict[str, str] = {}
        self._without_statistics = False

    def table_info(self, table: TableRef) -> TableInfo:
        """There are no named tables here.

        Raises:
            JobFailed: always, ``named-table``.
        """
        raise _no_names(table)

    def locate(self, table: TableRef) -> str:
        """Nor a place for one; raises as :meth:`table_info` does."""
        raise _no_names(table)

    def delta_path(self, location: str) -> str:
        """A link to the table, where Sail would spell its path in a way that finds no log."""
        if _PLAIN_PATH.fullmatch(location):
            return location
        if location not in self._links:
            folder = self._afterwards.enter_context(scratch_folder())
            os.symlink(location, link := f"{folder}/table")
            self._links[location] = link
        return self._links[location]

    def how_to_read(self, source: Input) -> Reading:
        """As ``sail_reading`` says; statistics of files that Sail would take for values are looked
        at no more until the next job."""
        reading = sail_reading.how_to_read(source)
        if reading.misled:
            datafusion.with_statistics(self.spark, wanted=False)
            self._without_statistics = True
        return reading

    def read_parquet(self, files: ParquetFiles, columns: Struct) -> "DataFrame":
        """Group by group (``parquet_reads.read_apart``)."""
        return read_apart(self.spark, files, columns)

    def parts(self, plan: ExportPlan | None) -> int:
        """As many as ``sail_memory.parts`` says."""
        return sail_memory.parts(None if plan is None else total_bytes(plan))

    def write_and_commit(
        self, frame: "DataFrame", writing: Writing, *, check: Callable[[], None]
    ) -> OwnCommit:
        """Files by the engine, then the commit by delta-rs."""
        return sail_write.write_and_commit(frame, writing, check=check)

    def between_jobs(self) -> None:
        """Statistics are looked at again."""
        if self._without_statistics:
            datafusion.with_statistics(self.spark, wanted=True)
            self._without_statistics = False

    def set_up_for_writing(self, persons: int) -> AbstractContextManager[None]:
        """Sets DataFusion up for it, unless memory is limited."""
        if sail_memory.in_force() is not None:
            return nullcontext()
        return datafusion.set_up_for_writing(self.spark, persons)

    def interrupt(self) -> None:
        """Stop everything that the session computes; it stops within a second (measured)."""
        with suppress(Exception):
            self.spark.interruptAll()

    def stop(self) -> None:
        with self._afterwards:
            self.spark.stop()
            self._server.stop()

    def abandon(self) -> None:
        """The server, which may be too busy to stop, ends with the process."""
        self._afterwards.close()


def _no_names(table: TableRef) -> JobFailed:
    return JobFailed(
        f"The table {table.display} is known by name only: the engine sail reads tables by path."
        " Give a path in the sandbox file, or run with --engine spark.",
        code="named-table",
    )
