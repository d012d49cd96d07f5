"""The embedded engine: a Spark Connect server in Rust (pysail) inside this process. No Java.

The trap of PySpark: one process is either Connect or classic. ``pyspark.sql.functions`` looks at
``SPARK_CONNECT_MODE_ENABLED`` at every call to decide which kind of column it makes; opening this
engine sets it, so a process that opened ``sail`` cannot open a classic ``spark`` session any more.
"""

import atexit
import os
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from typing import TYPE_CHECKING, cast

from profile_export.engines import (
    Writing,
    datafusion,
    sail_bounds,
    sail_memory,
    sail_write,
    stderr,
)
from profile_export.engines._settings import SESSION
from profile_export.engines._without_pandas import without_pandas
from profile_export.engines.input_size import total_bytes
from profile_export.engines.pinned_files import read_apart
from profile_export.errors import JobFailed
from profile_export.own_commit import OwnCommit
from profile_export.plan import ExportPlan, Input, TableRef
from profile_export.schema import Struct
from profile_export.scratch import scratch_folder
from profile_export.tables import TableInfo

if TYPE_CHECKING:
    from pysail.spark import SparkConnectServer
    from pyspark.sql import DataFrame, SparkSession


_UNCOMPRESSED = [("grpc.compression_enabled_algorithms_bitset", 1)]
"""The client then accepts no compression. Else the server gzips every answer, to this very process:
a graph's edges took 0.8 s for it instead of 0.1 (docs/decisions/0025)."""
_SESSION_LASTS = "SAIL_SPARK__SESSION_TIMEOUT_SECS"
_TEN_YEARS = 10 * 365 * 24 * 60 * 60
"""In seconds. Sail forgets a session that is idle for a quarter of an hour; ours ends with the
server, which is nobody else's."""
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./=-]+|[A-Za-z][A-Za-z0-9+.-]*://.*")
"""What Sail 0.7.2 finds; a blank, say, is encoded twice."""


class SailEngine:
    """One server and one session on it; both end with :meth:`stop`."""

    name = "sail"
    pid: int | None = None
    vectorised = True
    reads_plain_files = False
    obeys_within = 3.0
    """It shares two threads, say, with what it computes, and has been seen to hear nothing for
    40 s; a new process takes one second."""

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

    def before_reading(self, source: Input) -> dict[str, str]:
        """Have statistics left alone that Sail would take for values (``sail_bounds``).

        Of Parquet files it looks at none until the next job. Those of a Delta table it does not
        know where it reads the log like data; there it breaks on filters of a lambda, as they are
        where the primary identity is in a map.
        """
        if not sail_bounds.mislead(source):
            return {}
        if source.table.format == "delta":
            return {} if source.primary_identity is None else {"metadataAsDataRead": "true"}
        datafusion.with_statistics(self.spark, wanted=False)
        self._without_statistics = True
        return {}

    def read_parquet(
        self, location: str, groups: Sequence[Sequence[str]], columns: Struct
    ) -> "DataFrame":
        """Group by group (``pinned_files.read_apart``)."""
        return read_apart(self.spark, location, groups, columns)

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

    def writing(self, persons: int) -> AbstractContextManager[None]:
        """Sets DataFusion up for it, unless memory is limited."""
        if sail_memory.in_force() is not None:
            return nullcontext()
        return datafusion.writing(self.spark, persons)

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


def open_sail(*, verbose: bool) -> SailEngine:
    """Start the server on a free port of 127.0.0.1 and open a session: 0.1 s after the imports.

    Raises:
        Refused: the limit of its memory is no size.
        JobFailed: ``engine``: the server did not start.
    """
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    os.environ.setdefault("RUST_LOG", "warn" if verbose else "off")
    # Read when the library is loaded. Its allocator asks for huge pages, which the kernel clears
    # whole: a quarter of all CPU time, and of the memory, of a large job (docs/decisions/0016).
    os.environ.setdefault("MIMALLOC_ALLOW_THP", "0")
    os.environ.setdefault(_SESSION_LASTS, str(_TEN_YEARS))
    if not verbose:
        os.environ.setdefault("RUST_BACKTRACE", "0")
        stderr.to_log()
    from importlib.metadata import version

    from pysail.spark import SparkConnectServer

    with without_pandas():
        from pyspark.sql.connect.client import DefaultChannelBuilder
        from pyspark.sql.connect.session import SparkSession as ConnectSession

        from profile_export.engines.sail_answers import DamagedAnswer

    limit, afterwards = sail_memory.limit(), ExitStack()
    # A folder of its own: Sail's can be entered by everybody, and may stay when the process ends.
    spill = "" if limit is None else afterwards.enter_context(scratch_folder())
    with sail_memory.told(limit, spill):
        server = SparkConnectServer("127.0.0.1", 0)
        server.start(background=True)
    address = server.listening_address
    if address is None:
        raise JobFailed("The embedded engine did not start.", code="engine")
    channel = DefaultChannelBuilder(f"sc://127.0.0.1:{address[1]}", _UNCOMPRESSED)
    spark = ConnectSession.builder.channelBuilder(channel).create()
    # The server is in this process: whatever else fails, fails for good. The client's own policy
    # would repeat it for minutes.
    spark.client.set_retry_policies([DamagedAnswer(max_retries=3, initial_backoff=10)])
    # At exit there is nobody to say good-bye to (that call hung: seen in tests).
    atexit.unregister(spark.client._on_exit)
    for key, value in SESSION.items():
        spark.conf.set(key, value)
    return SailEngine(server, cast("SparkSession", spark), version("pysail"), afterwards)
