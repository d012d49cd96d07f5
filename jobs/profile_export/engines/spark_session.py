"""Opens Spark: a session of our own, the one that spark-submit gives, or a ``sc://host:port`` URL.

See ``sail_session.py`` for the trap: this process is then classic (the first two) or Connect (a
URL) for good. Settings come from ``conf/spark-defaults.conf``; under spark-submit they have come
with it.
"""

import logging
import os
import socket
import sys
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from profile_export.engine_words import said
from profile_export.engines import stderr
from profile_export.engines._delta_jars import delta_jars
from profile_export.engines._settings import (
    NOT_OF_PLAIN_TABLES,
    SPARK_SESSION,
    conf_folder,
    has_java,
    read_conf,
)
from profile_export.engines.spark import SparkEngine
from profile_export.errors import ExportError, JobFailed
from profile_export.tables import first_line

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


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
    if not verbose:  # PySpark writes the whole stack of a query that cannot be analysed there
        logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    if not submitted:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_CONF_DIR", str(conf_folder()))
        if not verbose:
            stderr.to_log()
    try:
        spark = builder.getOrCreate()
    except Exception as error:
        raise _not_started(error) from error
    _settle(spark, SPARK_SESSION)
    return SparkEngine(spark, owned=not submitted, remote=False)


def open_remote(url: str) -> SparkEngine:
    """A session on a Spark Connect server; Delta and file access are the server's matter.

    Raises:
        JobFailed: ``engine`` where nothing answers there, or our own settings are missing.
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

    settings = {**_delta_session(), **SPARK_SESSION}
    try:
        spark = cast("SparkSession", ConnectSession.builder.remote(url).create())
        _settle(spark, settings)
        return SparkEngine(spark, owned=True, remote=True)
    except Exception as error:
        raise _no_answer(url, first_line(error)[:200]) from error


def _settle(spark: "SparkSession", settings: dict[str, str]) -> None:
    """Settings that the rules need, over those that the session has."""
    for key, value in settings.items():
        spark.conf.set(key, value)
    for key in filter(NOT_OF_PLAIN_TABLES.match, spark.conf.getAll):
        spark.conf.unset(key)


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
    words = said(error)
    if "stopped SparkContext" in words.text:  # Spark says why in its log only
        return JobFailed(
            "Spark did not start: it was stopped meanwhile, or the master of the cluster did not"
            " take the application. See that it answers at the address of --master (spark.master).",
            code="engine",
        )
    log = stderr.tail()
    ended = "JAVA_GATEWAY_EXITED" in words.text or words.of_ended_jvm
    if ended and has_java() and "UnsupportedClassVersion" not in log:
        return JobFailed(
            "Spark did not start: its Java process ended while it started. Somebody stopped it,"
            " there was too little memory for it (spark.driver.memory), or it cannot write below"
            " /tmp (JAVA_TOOL_OPTIONS=-Djava.io.tmpdir=FOLDER names another folder). Run it again;"
            " --verbose shows what Java says.",
            code="engine",
        )
    if ended or "UnsupportedClassVersion" in log:
        return JobFailed(
            "Spark did not start: it needs Java 17 or later (java on the PATH, or JAVA_HOME). The"
            " engine `sail` needs none.",
            code="engine",
        )
    return JobFailed(f"Spark did not start: {words.root_cause[:300]}", code="engine")
