"""What engines fail with, in a sentence: here, that the JVM is gone."""

import errno
import os
from pathlib import Path
from urllib.parse import unquote

import pytest

from profile_export.engine_errors import translate
from profile_export.engines import spark_session, stderr
from profile_export.sql.errors import translated
from profile_export.sql.guard import Guarded
from profile_export.storage import Folder
from tables.plans import crm, plan_for

HEAP = "WARN TaskSetManager: Lost task 1.0: java.lang.OutOfMemoryError: Java heap space\n\tat x\n"
LOST = (
    "An error occurred while calling o1.parquet.\n: org.apache.spark.SparkException: Job aborted"
    " due to stage failure: Task 0 in stage 1.0 failed 4 times, most recent failure: Lost task 0.3"
    " in stage 1.0 (TID 3) (127.0.0.1 executor 3): ExecutorLostFailure (executor 3 exited caused by"
    " one of the running tasks) Reason: Command exited with code 52\nDriver stacktrace:"
)
STOPPED = 'Cannot invoke "DAGScheduler.cleanupQueryJobs(long)" because the return value of'


class OfJava(Exception):
    """As py4j's: to show itself it asks the JVM."""

    def __str__(self) -> str:
        raise RuntimeError("Error while sending or receiving")


class OfJavaGone(Exception):
    """As py4j's, where there is nobody any more to be asked."""

    def __str__(self) -> str:
        raise ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize(
    ("error", "log", "code", "told"),
    [
        pytest.param(ConnectionRefusedError(111, "no"), HEAP, "out-of-memory", "memory", id="heap"),
        pytest.param(OfJava(), HEAP, "out-of-memory", "maxEventsPerProfile", id="no words"),
        pytest.param(OfJavaGone(), HEAP, "out-of-memory", "memory", id="no words, gone"),
        pytest.param(OfJavaGone(), "", "engine", "Java process ended", id="killed, gone"),
        pytest.param(ConnectionRefusedError(111, "no"), "", "engine", "Java process", id="killed"),
        pytest.param(OfJava(), "", "engine", "Java process ended", id="killed, no words"),
        pytest.param(
            RuntimeError(f'{STOPPED} "SparkContext.dagScheduler()" is null'),
            HEAP,
            "out-of-memory",
            "spark.driver.memory",
            id="while it ends",
        ),
        pytest.param(
            RuntimeError("java.lang.OutOfMemoryError"), "", "out-of-memory", "", id="told"
        ),
        pytest.param(RuntimeError(LOST), "", "out-of-memory", "executor.memory", id="executors"),
        pytest.param(RuntimeError("who knows"), HEAP, "engine", "who knows", id="another"),
    ],
)
def test_a_java_process_that_ended(
    error: Exception,
    log: str,
    code: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stderr, "tail", lambda size=4000: log[-size:])
    plan = plan_for(tmp_path / "profile", batches=1, inputs=(crm(tmp_path),))
    found = translate(error, plan, stopped=False)
    assert found.code == code
    assert told in str(found)


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        ("org.apache.hadoop.io.compress.SnappyCodec", "input-unreadable"),
        ("org.apache.hadoop.io.compress.BrotliCodec", "engine"),
    ],
)
def test_a_codec_is_put_down_to_an_input_that_has_it(
    missing: str, code: str, tmp_path: Path
) -> None:
    plan = plan_for(tmp_path / "profile", batches=1, inputs=(crm(tmp_path),))
    found = translate(RuntimeError(f"ClassNotFoundException: {missing}"), plan, stopped=False)
    assert found.code == code


@pytest.mark.parametrize("closed", [".", "_delta_log"])
@pytest.mark.parametrize(
    "told",
    [
        "Generic LocalFileSystem error: Unable to create dir {}/x: Permission denied (os error 13)",
        "Generic LocalFileSystem error",
    ],
)
def test_a_target_that_may_not_be_written_is_told(
    told: str, closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root is let in everywhere, so that nothing can be closed for real."""
    place = tmp_path / "exports" / "profile"
    (place / "_delta_log").mkdir(parents=True)
    plan = plan_for(place, batches=1, inputs=(crm(tmp_path),))
    error = OSError(told.format(place))
    assert translate(error, plan, stopped=False).code == "engine"
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != place / closed)
    found = translate(error, plan, stopped=False)
    assert found.code == "target-unwritable"
    assert "The target profile cannot be written: Permission denied. Make its" in str(found)


def test_where_tables_lie_is_not_told_in_addresses_either(tmp_path: Path) -> None:
    place = tmp_path / "an export@x"
    plan = plan_for(place, batches=1, inputs=(crm(tmp_path),))
    for told in (f"{place}/a.parquet", f"{place.as_uri()}/a.parquet"):
        found = translate(RuntimeError(f"No such {told}: 5 % of it"), plan, stopped=False)
        assert str(tmp_path) not in unquote(str(found))
        assert "an export@x/a.parquet: 5 % of it" in str(found)


def test_an_input_that_may_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(tmp_path / "profile", batches=1, inputs=(crm(tmp_path),))
    (file,) = (tmp_path / "crm").glob("*.parquet")

    def closed(_folder: Folder, path: str) -> int:
        raise PermissionError(errno.EACCES, f"Failed to open local file {tmp_path}/crm/{path}")

    monkeypatch.setattr(Folder, "parquet_rows", closed)
    found = translate(RuntimeError("Permission denied (os error 13)"), plan, stopped=False)
    assert found.code == "input-unreadable"
    assert str(found).endswith(
        f"cannot be read: {file.name} may not be read (Permission denied). Look at its rights."
    )


_CALL = "An error occurred while calling None.org.apache.X.\n: "
_STOPPED = "java.lang.IllegalStateException: Cannot call methods on a stopped SparkContext.\nat:"
_REFUSED = "org.apache.spark.SparkException: [INVALID_X] Memory 1 must be at least 2.\n\tat y"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(RuntimeError(_CALL + _STOPPED), "the master of the cluster", id="no master"),
        pytest.param(RuntimeError(_CALL + _REFUSED), "start: [INVALID_X] Memory", id="a setting"),
        pytest.param(ConnectionRefusedError(111, "no"), "Java process ended", id="it has ended"),
        pytest.param(OfJavaGone(), "Java process ended", id="it has ended, no words"),
    ],
)
def test_a_session_that_does_not_start_says_why(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said which constructor of Java was called, or that a connection was refused."""
    monkeypatch.setattr(spark_session, "has_java", lambda: True)
    assert told in str(spark_session._not_started(error))


def test_of_a_query_no_words_of_the_engine_are_told() -> None:
    """Where it is not the statement's fault: they may hold places and traces."""
    statement = Guarded("SELECT 1", {})
    found = translated(OSError("disk of /srv/lake/part-0.parquet is gone"), statement, {})
    assert (found.code, found.status) == ("query-failed", 500)
    assert str(found) == "The engine could not run the query. Try again."
