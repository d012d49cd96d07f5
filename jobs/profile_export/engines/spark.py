"""Spark: a session of our own, the one that spark-submit gives, or a ``sc://host:port`` URL.

See ``sail.py`` for the trap: this process is then classic (the first two) or Connect (a URL) for
good. Settings come from ``conf/spark-defaults.conf``; under spark-submit they have come with it.
"""

import os
import socket
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from profile_export.engines import TableInfo, _stderr
from profile_export.engines._delta_jars import delta_jars
from profile_export.engines._settings import SESSION, conf_folder, read_conf
from profile_export.errors import ExportError, JobFailed
from profile_export.plan import ExportPlan, TableRef
from profile_export.schema import Struct, from_json

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SparkEngine:
    """A Spark session with Delta; ``owned`` sessions end with :meth:`stop`."""

    name = "spark"
    vectorised = False

    def __init__(self, spark: "SparkSession", *, owned: bool, remote: bool) -> None:
        self.version = spark.version
        self.spark = spark
        self.pid = None if remote else _jvm_pid(spark)
        self._owned = owned
        self._remote = remote

    def table_info(self, table: TableRef) -> TableInfo:
        """Columns and newest version of a named table; one or two catalog calls.

        Raises:
            JobFailed: ``input-missing`` where the catalog does not know it.
        """
        from pyspark.errors import PySparkException

        name = table.name or f"delta.`{table.location}`"
        try:
            columns = from_json(self.spark.table(name).schema.jsonValue())
            newest = None
            if table.format == "delta":
                history = self.spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").select("version")
                newest = int(history.collect()[0][0])
        except PySparkException as error:
            raise JobFailed(
                f"The table {name} cannot be read: {str(error).splitlines()[0]}",
                code="input-missing",
            ) from error
        return TableInfo(cast(Struct, columns), newest)

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

    def parts(self, plan: ExportPlan | None) -> None:
        """Adaptive execution sees to it, by what it measures."""

    def writing(self, _persons: int) -> AbstractContextManager[None]:
        """Nothing to be done: stages that wait for nothing run at the same time anyway."""
        return nullcontext()

    def interrupt(self) -> None:
        """Cancel every running Spark job of this session's application; within a second or two."""
        if self._remote:
            self.spark.interruptAll()
        else:
            self.spark.sparkContext.cancelAllJobs()

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


def under_spark_submit() -> bool:
    """True in the Python process that spark-submit started: its JVM is there already."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def open_spark(*, verbose: bool, settings: dict[str, str], small: bool = False) -> SparkEngine:
    """A classic session: of spark-submit where there is one, else our own on this machine.

    Our own costs 3-5 s for the JVM, and once per machine the resolving of Delta's JARs.

    Raises:
        JobFailed: ``engine`` (no Java, say), ``delta-jars``.
    """
    if "SPARK_CONNECT_MODE_ENABLED" in os.environ:
        raise JobFailed(
            "This process already runs an engine over Spark Connect: start another for spark.",
            code="engine",
        )
    from pyspark.sql import SparkSession

    submitted = under_spark_submit() or SparkSession.getActiveSession() is not None
    builder = SparkSession.builder.appName("profile-export")
    for key, value in ({} if submitted else _own_settings(settings, small=small)).items():
        builder = builder.config(key, value)
    if not submitted:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_CONF_DIR", str(conf_folder()))
        if not verbose:
            _stderr.to_log()
    try:
        spark = builder.getOrCreate()
    except Exception as error:
        raise _not_started(error) from error
    for key, value in SESSION.items():
        spark.conf.set(key, value)
    return SparkEngine(spark, owned=not submitted, remote=False)


def open_remote(url: str) -> SparkEngine:
    """A session on a Spark Connect server; Delta and file access are the server's matter.

    Raises:
        JobFailed: ``engine`` where nothing answers there.
    """
    place = urlsplit(url)
    try:  # before the client is asked, which tries for ten minutes
        socket.create_connection((place.hostname or "", place.port or 15002), timeout=10).close()
    except (OSError, ValueError) as error:
        raise _no_answer(
            url, (isinstance(error, OSError) and error.strerror) or str(error)
        ) from error
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    try:
        spark = ConnectSession.builder.remote(url).create()
        for key, value in {**_delta_session(), **SESSION}.items():
            spark.conf.set(key, value)
        return SparkEngine(cast("SparkSession", spark), owned=True, remote=True)
    except Exception as error:
        raise _no_answer(url, str(error).splitlines()[0][:200]) from error


def _no_answer(url: str, why: str) -> JobFailed:
    return JobFailed(
        f"No Spark Connect server answers at {url}: {why}. Start one there, or look at host and"
        " port; --engine sail and --engine spark need none.",
        code="engine",
    )


def _own_settings(settings: dict[str, str], *, small: bool) -> dict[str, str]:
    folder = conf_folder()
    for_small = folder / "spark-small.conf"  # a conf folder of the user's own may lack it
    return {
        "spark.master": "local[*]",
        **read_conf(folder / "spark-defaults.conf"),
        **read_conf(folder / "spark-local.conf"),
        **(read_conf(for_small) if small and for_small.is_file() else {}),
        "spark.jars": ",".join(map(str, delta_jars())),
        **settings,
    }


def _delta_session() -> dict[str, str]:
    """What of our settings a session on someone else's server can still take."""
    ours = read_conf(conf_folder() / "spark-defaults.conf")
    return {
        key: value
        for key, value in ours.items()
        if key.startswith(("spark.databricks.", "spark.sql.parquet."))
    }


def _not_started(error: Exception) -> ExportError:
    if isinstance(error, ExportError):
        return error
    log = _stderr.tail()
    if "JAVA_GATEWAY_EXITED" in str(error) or "UnsupportedClassVersion" in log:
        return JobFailed(
            "Spark did not start: it needs Java 17 or later (java on the PATH, or JAVA_HOME). The"
            " engine `sail` needs none.",
            code="engine",
        )
    return JobFailed(f"Spark did not start: {str(error).splitlines()[0][:300]}", code="engine")
