"""--engine auto: what is estimated, and what follows from it."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

import small_sandbox
from profile_export import cli
from profile_export.commands import _options
from profile_export.commands._engine import LazyEngine
from profile_export.engines import choice
from profile_export.engines._settings import has_java
from profile_export.errors import Refused
from profile_export.plan import ExportPlan, Input, TableRef
from profile_export.planning import make_plan
from profile_export.sandbox import load_sandbox
from profile_export.tables import inspect_table

GIB = 2**30


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_sandbox.build(tmp_path_factory.mktemp("choice"))


def plan_of(file: Path, **over: object) -> ExportPlan:
    return make_plan(small_sandbox.request(**over), load_sandbox(file), table_info=inspect_table)


@pytest.mark.parametrize(
    ("free", "has_java", "name"),
    [
        pytest.param(8 * GIB, True, "sail", id="it fits"),
        pytest.param(GIB // 2, True, "spark", id="it does not fit"),
        pytest.param(GIB // 2, False, "sail", id="it does not fit, and there is no Java"),
    ],
)
def test_what_is_chosen(file: Path, free: int, has_java: bool, name: str) -> None:
    found = choice.choose(plan_of(file), free=free, has_java=has_java)
    assert found.name == name
    assert "needed" in found.reason
    assert ("no Java" in found.reason) == (not has_java)


def test_a_table_known_by_name_needs_spark(file: Path) -> None:
    plan = plan_of(file)
    named = plan.inputs[0].model_copy(update={"table": TableRef(format="delta", name="a.b")})
    assert choice.memory_needed(plan.model_copy(update={"inputs": (named,)})) is None
    assert choice.choose(plan.model_copy(update={"inputs": (named,)})).name == "spark"


def test_a_table_that_is_one_file_has_a_size(file: Path, tmp_path: Path) -> None:
    plan = plan_of(file)
    (source,) = [each for each in plan.inputs if each.table.format == "parquet"]
    (part,) = Path(source.table.location or "").glob("*.parquet")
    shutil.copy(part, tmp_path / "one.parquet")
    alone = TableRef(format="parquet", location=str(tmp_path / "one.parquet"))
    sizes = [
        choice.memory_needed(plan.model_copy(update={"inputs": (each,)}))
        for each in (source, source.model_copy(update={"table": alone}))
    ]
    assert sizes[0] == sizes[1]
    assert sizes[0] is not None


@pytest.mark.parametrize("is_there", [True, False])
def test_java_is_looked_for_where_spark_looks(
    is_there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    if is_there:
        (tmp_path / "bin" / "java").write_text("#!/bin/sh\n")
        (tmp_path / "bin" / "java").chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert has_java() == is_there
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert has_java() == is_there


def test_a_file_that_is_gone_is_not_our_matter(file: Path) -> None:
    plan = plan_of(file)
    lost = TableRef(format="delta", location=str(file.parent / "nowhere"))
    gone = plan.inputs[0].model_copy(update={"table": lost})
    assert choice.memory_needed(plan.model_copy(update={"inputs": (gone,)})) is None


def test_fewer_fields_need_less(file: Path) -> None:
    few = choice.memory_needed(plan_of(file, fields="email"))
    many = choice.memory_needed(plan_of(file))
    assert few is not None
    assert many is not None
    assert choice.BASE_BYTES < few < many


@pytest.mark.parametrize("files", [1, 3, choice.SAMPLE * 3])
def test_files_that_are_not_read_count_as_the_others(tmp_path: Path, files: int) -> None:
    table = pa.table({"id": [f"id-{n}" for n in range(1000)], "other": list(range(1000))})
    for _ in range(files):
        write_deltalake(str(tmp_path / "table"), table, mode="append")
    one = next((tmp_path / "table").glob("*.parquet"))
    column = pq.read_metadata(one).row_group(0).column(0)
    ref = TableRef(format="delta", location=str(tmp_path / "table"))
    source = cast(Input, SimpleNamespace(table=ref, version=None))
    read = choice._selected_bytes(source, ["id"])
    assert read == pytest.approx(files * column.total_uncompressed_size, rel=0.01)


@pytest.mark.parametrize(
    ("column", "path", "is_read"),
    [
        ("a.b", "a.b", True),
        ("a.b.c", "a.b", True),
        ("a.bc", "a.b", False),
        ("m.key_value.key", "m", True),
        ("l.list.element.x", "l", True),
    ],
)
def test_columns_below_a_path(column: str, path: str, is_read: bool) -> None:
    assert choice._is_below(column, path) is is_read


def test_free_memory_is_some(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choice.free_memory() > 0
    monkeypatch.setattr(choice, "_lines", lambda path: iter(["100"] if "max" in path else ["30"]))
    assert choice.free_memory() == 70


def test_auto_is_for_jobs_only() -> None:
    assert _options.engine_name("auto", for_job=True) == "auto"
    with pytest.raises(Refused):
        _options.engine_name("auto")


def test_the_choice_is_told(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []

    def fake(name: str, **_: object) -> object:
        opened.append(name)
        raise KeyboardInterrupt

    monkeypatch.setattr("profile_export.engines.open_engine", fake)
    with LazyEngine("auto", verbose=False) as lazy, pytest.raises(KeyboardInterrupt):
        lazy.get(plan_of(file))
    assert opened == ["sail"]
    assert "Engine: sail (about " in capsys.readouterr().err


def test_help_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--help"]) == 0
    assert "auto" in capsys.readouterr().out
