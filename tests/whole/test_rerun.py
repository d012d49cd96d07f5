"""rerun: the same plan again, as a new job or only to compare; and when it cannot be."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from hand_made import Closed
from profile_export import pins
from profile_export.catalog import Sandbox
from profile_export.compare import compare
from profile_export.compared import Compared
from profile_export.engines import Engine
from profile_export.errors import JobFailed, NotFound, Refused
from profile_export.job import run_job
from profile_export.job_papers import job_papers
from profile_export.manifest import JOB, MANIFEST
from profile_export.papers import Papers
from profile_export.plan import ExportPlan, Input, TableRef
from profile_export.planning import make_plan
from profile_export.rerun import as_new_job, not_pinned, relocated
from profile_export.sandbox import load_sandbox
from profile_export.tables import TableInfo, inspect_table
from small_sandbox import (
    AS_OF,
    OTHER,
    SANDBOX,
    TARGET,
    build,
    by_segment,
    crm,
    export,
    request,
    sign_ups,
)


@pytest.fixture(scope="module")
def original(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The papers of an export; tests work on copies of its sandbox."""
    return export(build(tmp_path_factory.mktemp("sandbox")), engine, by_segment())


@pytest.fixture
def papers(original: Path, tmp_path: Path) -> Path:
    """The same papers in a sandbox that was moved: absolute paths of the job lead nowhere."""
    shutil.copytree(original.parents[3], tmp_path / "moved")
    return tmp_path / "moved" / original.relative_to(original.parents[3])


def folder_of(papers: Path) -> Path:
    return papers.parents[3]


def plan_of(papers: Path) -> ExportPlan:
    def locate(table: TableRef) -> str:
        raise AssertionError(f"no table here is known by name: {table}")

    sandbox = load_sandbox(folder_of(papers) / "sandbox.yml")
    saved = Papers(str(papers), usual=JOB).plan()
    return relocated(saved, sandbox, locate=locate, table_info=inspect_table)


def compared(papers: Path, engine: Engine) -> Compared:
    return compare(plan_of(papers), Papers(str(papers), usual=JOB).manifest(), engine)


def everything_in(folder: Path) -> dict[str, int]:
    return {str(f): f.stat().st_mtime_ns for f in folder.rglob("*")}


def test_compare_is_equal_and_touches_nothing(papers: Path, engine: Engine) -> None:
    before = everything_in(folder_of(papers))
    found = compared(papers, engine)
    assert found.differences == ()
    assert found.as_json()["equal"] is True
    assert [b.records for b in found.batches] == [2, 0]
    assert everything_in(folder_of(papers)) == before


def test_a_copy_of_the_document_leads_to_the_papers(papers: Path, original: Path) -> None:
    """As ``run --json`` prints it, with its plan; and as a service gives it, without."""
    sandbox = load_sandbox(folder_of(papers) / "sandbox.yml")
    document = json.loads((papers / JOB).read_text())
    copy = folder_of(papers) / "copy.json"
    copy.write_text(json.dumps(document))
    # The plan of the copy names the place where the export was made.
    assert job_papers(str(copy)).folder.location == str(original)
    assert job_papers(str(copy), sandbox).folder.location == str(papers)
    del document["plan"]
    copy.write_text(json.dumps(document))
    assert job_papers(str(copy), sandbox).folder.location == str(papers)
    assert job_papers(str(copy), sandbox).plan().job_id == document["id"]
    with pytest.raises(Refused, match=r"without its plan\. Name the job\.json") as refused:
        job_papers(str(copy))
    assert [problem.code for problem in refused.value.problems] == ["not-a-job"]


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", "{}", '{"id": "x", "destination": 3, "plan": []}', '{"id": true}',
        '{"id": 7, "destination": {"datasetId": "profile"}, "plan": {"target": {"table": 1}}}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("known", [True, False], ids=["sandbox", "alone"])
def test_what_is_no_document_is_told(papers: Path, text: str, known: bool) -> None:
    copy = folder_of(papers) / "copy.json"
    copy.write_text(text)
    sandbox = load_sandbox(folder_of(papers) / "sandbox.yml") if known else None
    with pytest.raises(Refused) as refused:
        job_papers(str(copy), sandbox).plan()
    assert {problem.code for problem in refused.value.problems} == {"not-a-job"}


def test_compare_is_equal_after_inputs_have_new_versions_and_files(
    papers: Path, engine: Engine
) -> None:
    write_deltalake(str(folder_of(papers) / "crm"), crm(range(3, 90, 3)), mode="append")
    DeltaTable(str(folder_of(papers) / "web")).delete("page = '/1'")
    pq.write_table(sign_ups(range(60, 90)), folder_of(papers) / "sign" / "part-1.parquet")
    assert compared(papers, engine).differences == ()


def test_what_was_written_on_the_other_engine_compares_equal(papers: Path, engine: Engine) -> None:
    """The hashes of this very export as both engines gave them when this test was written."""
    found = compared(papers, engine)
    assert [batch.row_set_hash for batch in found.batches] == [HASH, "0" * 32]


HASH = "9a40eb8cabd90ed8903ccb0b0b26ee96"


def test_a_changed_parquet_input_is_told_by_batch(papers: Path, engine: Engine) -> None:
    changed = sign_ups(range(6), city="Köln")
    pq.write_table(changed, folder_of(papers) / "sign" / "part-0.parquet")
    (difference,) = compared(papers, engine).differences
    batch = plan_of(papers).batches[0].batch_id
    assert difference.startswith(f"_ACP_BATCHID={batch} (ups:vip): row-set hash ")


def test_more_people_are_told_with_counts(papers: Path, engine: Engine) -> None:
    more = sign_ups(range(60))
    pq.write_table(more, folder_of(papers) / "sign" / "part-0.parquet")
    differences = compared(papers, engine).differences
    assert differences[0] == "candidates: 6, now 60"
    assert differences[1].startswith("exclusions: {")


def test_inputs_without_versions_are_named(papers: Path) -> None:
    (note,) = not_pinned(plan_of(papers))
    assert note.startswith("Dataset Sign-ups (sign) is Parquet")


def test_as_a_new_job_it_appends_its_own_batches(papers: Path, engine: Engine) -> None:
    plan = plan_of(papers)
    again = as_new_job(plan)
    assert again.job_id != plan.job_id
    assert not {b.batch_id for b in again.batches} & {b.batch_id for b in plan.batches}
    document = run_job(again, engine)
    assert document["creationTime"] == json.loads((papers / JOB).read_text())["creationTime"]
    made = Papers(str(papers.with_name(str(again.job_id))), usual=MANIFEST).manifest()
    first = Papers(str(papers), usual=MANIFEST).manifest()
    assert [b.row_set_hash for b in made.batches] == [b.row_set_hash for b in first.batches]
    assert made.delta_version == first.delta_version + 1


# --- what stops it before it starts


def refused(papers: Path) -> list[tuple[str, str]]:
    """Codes and texts of what is wrong; and nothing was written."""
    before = everything_in(folder_of(papers))
    with pytest.raises(Refused) as error:
        plan_of(papers)
    assert error.value.exit_code == 2
    assert everything_in(folder_of(papers)) == before
    return [(problem.code, problem.detail) for problem in error.value.problems]


def test_a_vacuumed_version(papers: Path) -> None:
    table = DeltaTable(str(folder_of(papers) / "crm"))
    table.delete("id = 'c0'")
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    ((code, detail),) = refused(papers)
    assert code == "input-version-gone"
    assert "Dataset CRM (crm): version 1" in detail
    assert "VACUUM" in detail


def test_a_cleaned_log(papers: Path) -> None:
    crm_table = folder_of(papers) / "crm"
    for _ in range(2):
        write_deltalake(str(crm_table), crm(range(1)), mode="append")
    DeltaTable(str(crm_table)).create_checkpoint()
    for version in (0, 1):
        (crm_table / "_delta_log" / f"{version:020}.json").unlink()
    ((code, detail),) = refused(papers)
    assert code == "input-version-gone"
    assert "log does not have it" in detail


def test_a_table_that_is_gone_and_all_that_is_wrong_at_once(papers: Path) -> None:
    shutil.rmtree(folder_of(papers) / "crm")
    shutil.rmtree(folder_of(papers) / "sign")
    assert [code for code, _ in refused(papers)] == ["input-missing", "table-missing"]


@pytest.mark.parametrize("table", ["crm", "sign"])
def test_a_table_that_may_not_be_read(
    table: str, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not gone: perhaps it is there as it was."""

    def nothing(*_: object, **__: object) -> None:
        raise OSError("Kernel error -> Generic LocalFileSystem error")

    source = source_of(papers, table)
    if table == "crm":
        monkeypatch.setattr(pins, "DeltaTable", nothing)
    Closed(monkeypatch)(folder_of(papers) / table)
    (problem,) = pins.pin_problems(source, locate=lambda table: str(table.location))
    assert problem.code == "input-unreadable"
    assert f"{table} cannot be read: Permission denied. Look at the rights" in problem.detail


def source_of(papers: Path, name: str) -> Input:
    """An input of the job, where it lies now."""
    (source,) = (i for i in plan_of(papers).inputs if i.dataset_id == name)
    return source


def test_another_table_in_its_place(papers: Path) -> None:
    shutil.rmtree(folder_of(papers) / "crm")
    write_deltalake(str(folder_of(papers) / "crm"), crm(range(1)).drop(["score"]))
    write_deltalake(str(folder_of(papers) / "crm"), crm(range(1)).drop(["score"]), mode="append")
    (another, column) = refused(papers)
    assert (another[0], "another table" in another[1]) == ("input-changed", True)
    assert (column[0], "column score" in column[1]) == ("input-changed", True)


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (lambda text: text.replace("id: crm, name", "id: crm2, name"), ["unknown-dataset"]),
        (lambda text: text.replace(TARGET, OTHER[:-1] + "d"), ["unknown-dataset"]),
        (lambda text: text.replace("name: prod", "name: dev"), ["other-sandbox"]),
        (lambda text: text.replace("class: experienceevent", "class: profile"), ["other-class"]),
    ],
    ids=["input", "target", "sandbox", "class"],
)
def test_another_sandbox_file(change: Callable[[str], str], codes: list[str], papers: Path) -> None:
    (folder_of(papers) / "sandbox.yml").write_text(change(SANDBOX), encoding="utf-8")
    assert [code for code, _ in refused(papers)] == codes


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        ("{path: crm}", "{path: crm, format: parquet}", "is of format parquet now"),
        ("{format: parquet, path: sign}", "{path: lake}", "is of format delta now"),
    ],
)
def test_an_input_of_another_format(then: str, now: str, told: str, papers: Path) -> None:
    """Of which every version would be read at once, or none."""
    write_deltalake(str(folder_of(papers) / "lake"), sign_ups(range(6)))
    assert then in SANDBOX
    (folder_of(papers) / "sandbox.yml").write_text(SANDBOX.replace(then, now), encoding="utf-8")
    ((code, detail),) = refused(papers)
    assert (code, told in detail) == ("input-changed", True)


def test_a_job_document_without_a_plan(papers: Path) -> None:
    content: dict[str, Any] = json.loads((papers / JOB).read_text())
    del content["plan"]
    (papers / JOB).write_text(json.dumps(content))
    with pytest.raises(Refused, match=r"is not the job\.json of an export"):
        plan_of(papers)


def test_no_job_there(papers: Path) -> None:
    with pytest.raises(NotFound, match="There is no job at"):
        Papers(str(papers / "nowhere.json"), usual=JOB).plan()


def test_a_manifest_of_another_job(papers: Path, engine: Engine) -> None:
    manifest = Papers(str(papers), usual=JOB).manifest()
    with pytest.raises(Refused, match="with other batches"):
        compare(as_new_job(plan_of(papers)), manifest, engine)


def test_everybody_compares_equal_too(engine: Engine, tmp_path: Path) -> None:
    papers = export(build(tmp_path), engine, request(), target=OTHER)
    assert compared(papers, engine).differences == ()


def info_by(engine: Engine) -> Callable[[TableRef], TableInfo]:
    """As the commands look at tables: those with a path without the engine."""

    def info(table: TableRef) -> TableInfo:
        return inspect_table(table) if table.location is not None else engine.table_info(table)

    return info


def by_name(tmp_path: Path, path: str, name: str) -> Sandbox:
    """The sandbox with one of its datasets known by a name of the catalog in place of a path."""
    file = build(tmp_path)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(f"path: {path}}}", f"name: {name}}}"))
    return load_sandbox(file)


@pytest.mark.spark_only
def test_a_view_of_a_catalog_has_no_version_and_is_compared_as_it_is(
    engine: Engine, tmp_path: Path
) -> None:
    """Nor has a table of a catalog that is no Delta table; a view does not even lie anywhere."""
    sandbox = by_name(tmp_path, "sign", "signed")
    known = engine.spark.read.parquet(str(tmp_path / "sign"))
    known.createOrReplaceTempView("signed")

    def again() -> ExportPlan:
        return relocated(saved.plan(), sandbox, locate=engine.locate, table_info=info_by(engine))

    plan = make_plan(json.dumps(by_segment()), sandbox, table_info=info_by(engine), as_of=AS_OF)
    run_job(plan, engine)
    papers = tmp_path / "out" / "profile" / "_profile_export" / str(plan.job_id)
    saved = Papers(str(papers), usual=JOB)
    assert compare(again(), saved.manifest(), engine).differences == ()
    known.drop("city").createOrReplaceTempView("signed")
    with pytest.raises(Refused, match="column city does not exist"):
        again()


@pytest.mark.spark_only
def test_s28_a_table_of_a_catalog_that_was_made_anew_is_another(
    engine: Engine, tmp_path: Path
) -> None:
    """Its versions count its own commits: version 1 was read of a table that the job never saw."""
    sandbox = by_name(tmp_path, "crm", "renewed")

    def make_it() -> None:
        engine.spark.sql("DROP TABLE IF EXISTS renewed")
        rows = engine.spark.read.format("delta").load(str(tmp_path / "crm"))
        for part in (rows.where("id = 'c1'"), rows.where("id <> 'c1'")):
            part.write.format("delta").mode("append").saveAsTable("renewed")

    def planned() -> ExportPlan:
        return make_plan(json.dumps(request()), sandbox, table_info=info_by(engine), as_of=AS_OF)

    make_it()
    try:
        plan, late = planned(), planned()
        run_job(plan, engine)
        papers = tmp_path / "out" / "profile" / "_profile_export" / str(plan.job_id)
        saved = Papers(str(papers), usual=JOB).plan()
        relocated(saved, sandbox, locate=engine.locate, table_info=info_by(engine))
        make_it()
        with pytest.raises(Refused, match="at renewed lies another table than that of the job"):
            relocated(saved, sandbox, locate=engine.locate, table_info=info_by(engine))
        with pytest.raises(JobFailed, match="at renewed lies another table") as caught:
            run_job(late, engine)
        assert caught.value.code == "input-changed"
    finally:
        engine.spark.sql("DROP TABLE renewed")
