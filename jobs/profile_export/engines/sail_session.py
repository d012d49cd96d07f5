"""Opens sail: a Spark Connect server in Rust (pysail) inside this process. No Java.

The trap of PySpark: one process is either Connect or classic. ``pyspark.sql.functions`` looks at
``SPARK_CONNECT_MODE_ENABLED`` at every call to decide which kind of column it makes; opening this
engine sets it, so a process that opened ``sail`` cannot open a classic ``spark`` session any more.
"""

import atexit
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

from profile_export.engines import sail_memory, stderr
from profile_export.engines._settings import SESSION
from profile_export.engines._without_pandas import without_pandas
from profile_export.engines.sail import SailEngine
from profile_export.errors import JobFailed
from profile_export.scratch import scratch_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


_UNCOMPRESSED = [("grpc.compression_enabled_algorithms_bitset", 1)]
"""The client then accepts no compression. Else the server gzips every answer, to this very process:
a graph's edges took 0.8 s for it instead of 0.1 (docs/decisions/0025)."""
_SESSION_LASTS = "SAIL_SPARK__SESSION_TIMEOUT_SECS"
_TEN_YEARS = 10 * 365 * 24 * 60 * 60
"""In seconds. Sail forgets a session that is idle for a quarter of an hour; ours ends with the
server, which is nobody else's."""


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
