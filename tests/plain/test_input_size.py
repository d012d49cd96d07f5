"""A job is small where its inputs are: then Spark is set up to start fast (decision 0009)."""

from pathlib import Path

import pytest

from catalogs import GOOD, SANDBOX, TABLES, reader
from profile_export.engines import input_size
from profile_export.engines._settings import conf_folder, read_conf
from profile_export.engines.spark_session import _own_settings
from profile_export.plan import ExportPlan, TableRef
from profile_export.planning import make_plan


def plan_at(*locations: str | None) -> ExportPlan:
    """A plan whose inputs lie at these places, in turn."""
    plan = make_plan(GOOD, SANDBOX, table_info=reader(TABLES), job_id=1)
    first = plan.inputs[0]
    tables = (
        TableRef(format="delta", location=place, name=None if place else "db.t")
        for place in locations
    )
    inputs = tuple(first.model_copy(update={"table": table}) for table in tables)
    return plan.model_copy(update={"inputs": inputs})


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Two tables of 60 bytes each, where 100 are small."""
    monkeypatch.setattr(input_size, "SMALL_BYTES", 100)
    for name in ("a", "b"):
        (tmp_path / name / "part=1").mkdir(parents=True)
        (tmp_path / name / "part=1" / "f.parquet").write_bytes(b"x" * 60)
    return str(tmp_path / "a"), str(tmp_path / "b")


def test_all_inputs_count_together(two: tuple[str, str]) -> None:
    assert input_size.is_small(plan_at(two[0]))
    assert input_size.is_small(plan_at(f"{two[1]}/part=1/f.parquet"))
    assert not input_size.is_small(plan_at(*two))


def test_many_files_are_not_small(two: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_size, "SMALL_FILES", 0)
    assert not input_size.is_small(plan_at(two[0]))


@pytest.mark.parametrize("place", ["s3://bucket/t", None])
def test_what_is_not_on_this_machine_is_not_small(two: tuple[str, str], place: str | None) -> None:
    assert not input_size.is_small(plan_at(two[0], place))


def test_bytes_of_all_inputs(two: tuple[str, str]) -> None:
    assert input_size.total_bytes(plan_at(*two)) == 120
    assert input_size.total_bytes(plan_at(*two), most_files=1) is None
    assert input_size.total_bytes(plan_at(two[0], None)) is None


def test_settings_of_a_small_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profile_export.engines.spark_session.delta_jars", list)
    small = read_conf(conf_folder() / "spark-small.conf")
    assert small
    usual, started_fast = (_own_settings({}, small=answer) for answer in (False, True))
    assert {key: started_fast[key] for key in small} == small
    assert all(usual[key] != value for key, value in small.items())
    asked = _own_settings({"spark.sql.shuffle.partitions": "7"}, small=True)
    assert asked["spark.sql.shuffle.partitions"] == "7"
