"""A limit of the embedded engine's memory is honoured: it spills, or the job fails and says why."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from profile_export.engines import datafusion, sail_memory
from profile_export.engines.sail import SailEngine
from profile_export.engines.sail_memory import VARIABLE
from profile_export.engines.sail_session import open_sail
from profile_export.errors import JobFailed
from profile_export.job import run_job
from tables.plans import crm, plan_for
from tables.runs import findings, target_of

pytestmark = pytest.mark.sail_only("a process is either Connect or classic")
GROUPING = "SELECT count(*) n FROM (SELECT id, count(*) FROM range(0, 400000, 1, 2) GROUP BY id)"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., SailEngine]]:
    """Opens engines of their own in this process, each with a limit."""
    monkeypatch.setattr(sail_memory, "_in_force", None)
    engines: list[SailEngine] = []

    def open_with(limit: str, **more: str) -> SailEngine:
        monkeypatch.setenv(VARIABLE, limit)
        for name, value in more.items():
            monkeypatch.setenv(name, value)
        engines.append(open_sail(verbose=False))
        return engines[-1]

    yield open_with
    for one in engines:
        with suppress(Exception):  # a test has stopped it
            one.stop()


@pytest.fixture
def spilling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, with a name that is hard to quote."""
    folder = tmp_path / 'to "spill", ü'
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_a_grouping_spills_and_leaves_nothing(
    opened: Callable[..., SailEngine], spilling: Path
) -> None:
    engine = opened("8MiB")
    assert [folder.stat().st_mode & 0o77 for folder in spilling.iterdir()] == [0]
    assert engine.spark.sql(GROUPING).collect()[0].n == 400_000
    engine.stop()
    assert list(spilling.iterdir()) == []
    assert not [name for name in os.environ if name.startswith("SAIL_RUNTIME__MEMORY")]


def test_what_is_spilled_goes_to_temporary_files(opened: Callable[..., SailEngine]) -> None:
    """Without room for them the same grouping fails: so it did not just take the memory."""
    engine = opened("8MiB", SAIL_RUNTIME__TEMPORARY_FILES__MAX_SIZE="100000")
    with pytest.raises(Exception, match="disk space during the spilling") as caught:
        engine.spark.sql(GROUPING).collect()
    told = sail_memory.exceeded(str(caught.value))
    assert told is not None
    assert "spilled as much as it may" in str(told)


def test_a_job_beyond_its_limit_says_what_to_do(
    opened: Callable[..., SailEngine], tmp_path: Path
) -> None:
    plan = plan_for(tmp_path / "exports" / "profile", batches=1, inputs=(crm(tmp_path),))
    with pytest.raises(JobFailed) as caught:
        run_job(plan, opened("16KiB"))
    assert caught.value.code == "out-of-memory"
    assert str(caught.value) == (
        f"The engine sail may hold 16 KiB of memory ({VARIABLE}), and this needs more in a step"
        " that cannot spill: set a higher limit, or run with --engine spark."
    )
    assert not target_of(plan).parent.exists()


def test_a_job_within_its_limit_is_done(opened: Callable[..., SailEngine], tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))
    run_job(plan, opened("64MiB"))
    assert findings(plan, records=[20]) == []


@pytest.mark.parametrize(
    ("limit", "way"), [("", "HashJoinExec: mode=CollectLeft"), ("1GiB", "SortMergeJoin")]
)
def test_while_rows_are_written_a_large_side_goes_to_all_cores_unless_memory_is_limited(
    limit: str, way: str, opened: Callable[..., SailEngine], tmp_path: Path
) -> None:
    engine, sides = opened(limit), []
    for rows in (200_000, 300_000):
        pq.write_table(pa.table({"id": range(rows)}), path := tmp_path / f"{rows}.parquet")
        sides.append(engine.spark.read.parquet(str(path)))
    left, right = sides
    joined = left.join(right, "id", "inner")
    with engine.set_up_for_writing(1):
        assert way in joined._explain_string()
        assert joined.count() == 200_000
    # The who phase joins outer: there one core alone would go on with what has found nothing.
    assert "mode=CollectLeft" not in joined._explain_string()


@pytest.mark.parametrize(
    ("limit", "persons", "reads_ahead"),
    [
        pytest.param("", 100_000, True, id="many"),
        pytest.param("", 99_999, False, id="few"),
        pytest.param("", 1_000_000, False, id="very many"),
        pytest.param("1GiB", 100_000, False, id="limited memory"),
    ],
)
def test_the_rows_of_many_persons_are_read_ahead(
    limit: str, persons: int, reads_ahead: bool, opened: Callable[..., SailEngine]
) -> None:
    engine = opened(limit)
    numbers = engine.spark.range(10)
    joined = numbers.join(numbers.select((numbers.id + 1).alias("id")), "id", "inner")
    with engine.set_up_for_writing(persons):
        assert ("BufferExec" in joined._explain_string()) is reads_ahead
        assert joined.count() == 9
    assert "BufferExec" not in joined._explain_string()


def test_what_datafusion_refuses_is_done_without(
    opened: Callable[..., SailEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datafusion, "_WHOLE", {"of_another_version": 1})
    engine = opened("")
    with engine.set_up_for_writing(1):
        assert engine.spark.range(3).count() == 3
