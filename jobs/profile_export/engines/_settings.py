"""Where the settings of Spark sessions live, and how they are read. No PySpark here."""

import os
import re
import shutil
from pathlib import Path

from profile_export.errors import JobFailed

SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    "spark.sql.ansi.enabled": "true",
}
"""What any session must have for the rules to hold, also one whose server we did not start."""
SPARK_SESSION = {
    **SESSION,
    # Plans of some twenty leaves never end else (docs/decisions/0028).
    "spark.sql.constraintPropagation.enabled": "false",
    # Dates before 1582 and times before 1900 are what the file says: of the old calendar, which
    # these are made to on read and write else, no other reader knows. INT96 and milliseconds hold
    # fewer times than the data.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # What columns are told to be a timestamp is an instant, not a time without zone.
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    # An aggregate has the columns that it is by.
    "spark.sql.retainGroupColumns": "true",
    # Texts of type char(n) have the blanks that are in their files.
    "spark.sql.readSideCharPadding": "false",
    # Files of a batch lie in the batch's folder.
    "spark.databricks.delta.write.dataFilesToSubdir": "false",
    # A commit has the files that the manifest names, and no other commit takes them away at once.
    "spark.databricks.delta.autoCompact.enabled": "false",
    # A file that cannot be read fails the job: nothing leaves silently.
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
}
"""Likewise on Spark, whatever its own defaults or ``--conf`` say."""
NOT_OF_PLAIN_TABLES = re.compile(
    r"spark\.databricks\.delta\.properties\.defaults\."
    r"(columnMapping\.|randomizeFilePrefixes|enableIcebergCompat|universalFormat\.|feature\.)"
)
"""What a cluster may say of new tables, but not of ours: files lie elsewhere than in the folder of
their batch, or the log is no longer in the table's own folder."""


def conf_folder() -> Path:
    """The ``conf/`` folder: ``PROFILE_EXPORT_CONF``, or the one of a clone or an installed package.

    Raises:
        JobFailed: ``engine`` where there are no settings of Spark.
    """
    folder = _conf_folder()
    for name in ("spark-defaults.conf", "spark-local.conf"):
        if not (folder / name).is_file():
            raise JobFailed(
                f"Spark's settings are missing: there is no {folder / name}. Let"
                " PROFILE_EXPORT_CONF name the folder conf of a clone. The engine `sail` needs"
                " none.",
                code="engine",
            )
    return folder


def _conf_folder() -> Path:
    if named := os.environ.get("PROFILE_EXPORT_CONF"):
        return Path(named)
    beside_jobs = Path(__file__).resolve().parents[3] / "conf"
    return beside_jobs if beside_jobs.is_dir() else _installed() or beside_jobs


def _installed() -> Path | None:
    """Where pip has put the settings, which lie outside the package."""
    from importlib import metadata

    try:
        files = metadata.files("profile-export") or []
    except metadata.PackageNotFoundError:
        return None
    found = (file for file in files if file.name == "spark-defaults.conf")
    return next((Path(str(file.locate())).resolve().parent for file in found), None)


def home() -> Path:
    """What is fetched once a machine: ``PROFILE_EXPORT_HOME``, or a folder in the user's cache."""
    named = os.environ.get("PROFILE_EXPORT_HOME")
    return Path(named) if named else Path.home() / ".cache" / "profile-export"


def read_conf(path: Path) -> dict[str, str]:
    """A file in the form of ``spark-defaults.conf``: ``key value`` or ``key=value`` per line."""
    settings: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if text and not text.startswith("#"):
            key, *value = re.split(r"\s*[=\s]\s*", text, maxsplit=1)
            settings[key] = value[0] if value else ""
    return settings


def has_java() -> bool:
    """Whether Spark would find a ``java``: of JAVA_HOME where that is set, else on the PATH."""
    java_home = os.environ.get("JAVA_HOME")
    folder = None if java_home is None else f"{java_home}/bin"
    return shutil.which("java", path=folder) is not None
