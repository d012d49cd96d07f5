"""Delta's JARs: the one place that names Maven coordinates, and where the JARs are kept.

They are resolved once, by Spark's own resolver, into a folder of the project's own (never ``~/.m2``
or the default ivy folder, which a half-done download of another tool can leave broken). Later
starts use the files and no resolver. The folder holds a listing of names and sizes, and appears
under its final name only when whole, so neither a killed download nor two at once can spoil it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from profile_export.engines._settings import home
from profile_export.errors import JobFailed

DELTA_VERSION = "4.4.0"
COORDINATES = f"io.delta:delta-spark_4.2_2.13:{DELTA_VERSION}"
SHIPPED_BY_SPARK = (
    "com.fasterxml.jackson.core:jackson-annotations",
    "com.fasterxml.jackson.core:jackson-core",
    "com.fasterxml.jackson.core:jackson-databind",
    "com.fasterxml.jackson.datatype:jackson-datatype-jdk8",
    "com.github.luben:zstd-jni",
    "com.google.code.findbugs:jsr305",
    "org.apache.hadoop:hadoop-client-api",
    "org.apache.hadoop:hadoop-client-runtime",
    "org.apache.logging.log4j:log4j-api",
    "org.apache.logging.log4j:log4j-core",
    "org.apache.logging.log4j:log4j-slf4j2-impl",
    "org.apache.parquet:parquet-hadoop",
    "org.roaringbitmap:RoaringBitmap",
    "org.roaringbitmap:shims",
    "org.slf4j:slf4j-api",
    "org.xerial.snappy:snappy-java",
)
LISTING = "listing.json"


def delta_jars() -> list[Path]:
    """The JARs as local files; resolves them when they are not there yet.

    Costs a few stats when they are there, and one short JVM with downloads (14 MB) when not.

    Raises:
        JobFailed: ``delta-jars`` where they can neither be found nor fetched, or not be kept.
    """
    try:
        folder = home() / f"jars-{DELTA_VERSION}"
    except RuntimeError as error:
        raise _no_room("this user has no home folder") from error
    return _listed(folder) or _resolve_into(folder)


def _listed(folder: Path) -> list[Path]:
    """The JARs of a whole folder; empty for one that is missing, half filled or damaged."""
    try:
        sizes: dict[str, int] = json.loads((folder / LISTING).read_text(encoding="utf-8"))
        jars = [folder / name for name in sorted(sizes)]
        whole = bool(jars) and all(jar.stat().st_size == sizes[jar.name] for jar in jars)
    except (OSError, ValueError, AttributeError):
        return []
    return jars if whole else []


def _resolve_into(folder: Path) -> list[Path]:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise _no_room(f"{folder.parent} cannot be written ({error.strerror})") from error
    try:
        fresh = work / "whole"
        fresh.mkdir()
        for jar in _resolved(work / "ivy"):
            jar.rename(fresh / jar.name)
        sizes = {jar.name: jar.stat().st_size for jar in fresh.iterdir()}
        (fresh / LISTING).write_text(json.dumps(sizes, indent=1), encoding="utf-8")
        _put_in_place(fresh, folder, work / "broken")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return _listed(folder)


def _no_room(why: str) -> JobFailed:
    return JobFailed(
        f"Delta's JARs for Spark have no folder to be kept in: {why}. Let PROFILE_EXPORT_HOME name"
        " one. The engine `sail` needs none of this.",
        code="delta-jars",
    )


def _put_in_place(fresh: Path, folder: Path, broken: Path) -> None:
    """Give ``fresh`` its final name, unless another process has just done so."""
    if folder.exists() and not _listed(folder):
        folder.rename(broken)
    try:
        fresh.rename(folder)
    except OSError:
        if not _listed(folder):
            raise


def _resolved(ivy: Path) -> list[Path]:
    """Let Spark's resolver fetch the JARs into ``ivy/jars``, by running an empty script."""
    script = ivy.parent / "nothing.py"
    script.write_text("", encoding="utf-8")
    command = [
        spark_submit(),
        *("--packages", COORDINATES, "--exclude-packages", ",".join(SHIPPED_BY_SPARK)),
        *("--conf", f"spark.jars.ivy={ivy}", "--master", "local[1]", str(script)),
    ]
    # A user's spark-defaults must not add packages of its own to what is kept here.
    env = {**os.environ, "SPARK_CONF_DIR": str(ivy.parent), "PYSPARK_PYTHON": sys.executable}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    except OSError as error:
        raise JobFailed(
            f"Spark cannot be started by {command[0]}: {error.strerror}. Correct SPARK_HOME, or"
            " unset it.",
            code="engine",
        ) from error
    jars = sorted((ivy / "jars").glob("*.jar"))
    if _NO_JAVA.search(done.stderr):
        raise JobFailed(
            "Spark needs Java 17 or later (java on the PATH, or JAVA_HOME). The engine `sail` needs"
            " none.",
            code="engine",
        )
    if done.returncode != 0 or not any("delta-spark" in jar.name for jar in jars):
        raise JobFailed(
            f"Delta's JARs ({COORDINATES}) could not be fetched: {_reason(done.stderr)}. Connect"
            f" this machine to a Maven repository once, or copy the folder {home()} from one"
            " that has them (PROFILE_EXPORT_HOME names it). The engine `sail` needs none of this.",
            code="delta-jars",
        )
    return jars


_NO_JAVA = re.compile(r"java: (command )?not found|JAVA_HOME is not set|Unable to locate a Java")
_CAUSE = re.compile(r"(?:UnknownHostException|unresolved dependency|Exception): ?([^\n]+)")


def _reason(output: str) -> str:
    told = _CAUSE.findall(output)
    return told[-1].strip(" .[]") if told else "the resolver gave no reason"


def spark_submit() -> str:
    """PySpark's own ``spark-submit``, or the one of ``SPARK_HOME``."""
    import pyspark

    base = os.environ.get("SPARK_HOME") or str(Path(pyspark.__file__).parent)
    return str(Path(base) / "bin" / "spark-submit")


if __name__ == "__main__":
    try:
        sys.stdout.write(",".join(map(str, delta_jars())) + "\n")
    except JobFailed as told:
        sys.exit(str(told))
