"""A job that cannot be done says why in a sentence, and leaves nothing (S27)."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from profile_export.engine_errors import translate, unwritable
from profile_export.engines import Engine, sail_write
from profile_export.engines.sail_write import write_files
from profile_export.errors import Cancelled, Conflict, JobFailed
from profile_export.job import run_job
from profile_export.plan import ExportPlan, TableRef
from profile_export.schema import struct_of
from profile_export.stop import Stop
from profile_export.storage import Folder
from profile_export.tables import inspect_table
from tables.plans import crm, people, plan_for
from tables.runs import findings, left_of, target_of


def truncated(table: Path) -> None:
    file = next(table.glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:200])


def scrambled(table: Path) -> None:
    file = next(table.glob("*.parquet"))
    file.write_bytes(b"PAR1" + bytes(range(256)) * 4 + b"PAR1")


def damaged(table: Path) -> None:
    """Whole at both ends, and nonsense where the values are."""
    file = next(table.glob("*.parquet"))
    data = bytearray(file.read_bytes())
    data[4:300] = b"\xff" * 296
    file.write_bytes(data)


def no_utf_8(table: Path) -> None:
    """A text of bytes that are none; Spark takes it as it is."""
    file = next(table.glob("*.parquet"))
    rows = pq.read_table(file)
    at = rows.column_names.index("email")
    raw = pa.array([b"\xff\xfe"] * len(rows), pa.binary())
    text = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    pq.write_table(rows.set_column(at, "email", text), file)


def file_gone(table: Path) -> None:
    next(table.glob("*.parquet")).unlink()


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (truncated, "input-unreadable"),
        (scrambled, "input-unreadable"),
        (damaged, "input-unreadable"),
        (no_utf_8, "input-unreadable"),
        (file_gone, "input-missing"),
        (shutil.rmtree, "input-missing"),
    ],
)
@pytest.mark.parametrize("form", ["delta", "parquet"])
def test_a_broken_input_is_named(
    harm: Callable[[Path], None], code: str, form: str, engine: Engine, tmp_path: Path
) -> None:
    if harm is no_utf_8 and engine.name == "spark":
        pytest.skip("Spark does not look at the bytes of texts")
    source = crm(tmp_path)
    if form == "parquet":
        table = TableRef(format="parquet", location=source.table.location, written="crm")
        shutil.rmtree(tmp_path / "crm" / "_delta_log")
        pinned = {"table": table, "version": None, "files": inspect_table(table).files}
        source = source.model_copy(update=pinned)
    plan = plan_for(tmp_path / "exports" / "profile", batches=1, inputs=(source,))
    harm(tmp_path / "crm")
    with pytest.raises(JobFailed) as caught:
        run_job(plan, engine)
    assert caught.value.code == code
    assert "crm" in str(caught.value)
    assert "Caused by" not in str(caught.value)
    assert not target_of(plan).parent.exists()


@pytest.mark.parametrize(
    ("coding", "options"),
    [
        ("BROTLI", {"compression": "brotli"}),
        (
            "BYTE_STREAM_SPLIT",
            {"use_dictionary": False, "column_encoding": {"age": "BYTE_STREAM_SPLIT"}},
        ),
    ],
)
def test_what_spark_cannot_decode_is_named(
    coding: str, options: dict[str, Any], engine: Engine, tmp_path: Path
) -> None:
    """Sail can."""
    source = crm(tmp_path)
    file = next((tmp_path / "crm").glob("*.parquet"))
    pq.write_table(pq.read_table(file), tmp_path / "coded.parquet", **options)
    table = TableRef(format="parquet", location=str(tmp_path / "coded.parquet"), written="coded")
    source = source.model_copy(update={"table": table, "version": None})
    plan = plan_for(tmp_path / "exports" / "profile", batches=1, inputs=(source,))
    if engine.name == "sail":
        assert run_job(plan, engine)["status"] == "SUCCEEDED"
        return
    with pytest.raises(JobFailed, match=rf"Dataset crm .* coded\.parquet .* {coding}") as caught:
        run_job(plan, engine)
    assert caught.value.code == "input-unreadable"
    assert not target_of(plan).parent.exists()


def last_commit_emptied(table: Path) -> None:
    """delta-rs reads the table without it."""
    (table / "_delta_log" / f"{1:020}.json").write_bytes(b"")


def another_table(table: Path) -> None:
    shutil.rmtree(table)
    for part in (range(2), range(2, 3)):
        write_deltalake(str(table), people(part), mode="append")


def another_without_a_column(table: Path) -> None:
    shutil.rmtree(table)
    for part in (range(2), range(2, 3)):
        write_deltalake(str(table), people(part).drop(["email"]), mode="append")


def without_a_column(table: Path) -> None:
    (file,) = table.glob("*.parquet")
    pq.write_table(pq.read_table(file).drop(["email"]), file)


def of_another_type(table: Path) -> None:
    (file,) = table.glob("*.parquet")
    rows = pq.read_table(file)
    at = rows.column_names.index("email")
    pq.write_table(rows.set_column(at, "email", pa.array(range(len(rows)))), file)


def emptied(table: Path) -> None:
    (file,) = table.glob("*.parquet")
    file.write_bytes(b"")


@pytest.mark.parametrize(
    ("form", "harm", "code"),
    [
        ("delta", last_commit_emptied, "input-unreadable"),
        ("delta", another_table, "input-changed"),
        ("delta", another_without_a_column, "input-changed"),
        ("parquet", without_a_column, "input-changed"),
        ("parquet", of_another_type, "input-changed"),
        ("parquet", emptied, "input-missing"),
    ],
)
def test_s28_an_input_that_is_another_by_now_is_told(
    form: str, harm: Callable[[Path], None], code: str, engine: Engine, tmp_path: Path
) -> None:
    """An engine would read it, and what is not there any more would be left out in silence."""
    source = crm(tmp_path)
    location = str(source.table.location)
    if form == "parquet":
        shutil.rmtree(tmp_path / "crm" / "_delta_log")
    else:
        write_deltalake(location, people(range(20, 30)), mode="append")
    table = TableRef(format=form, location=location, written="crm")  # type: ignore[arg-type]
    info = inspect_table(table)
    pinned = {"table": table, "version": info.version, "files": info.files}
    source = source.model_copy(update={**pinned, "table_id": info.table_id})
    plan = plan_for(tmp_path / "exports" / "profile", batches=1, inputs=(source,))
    harm(tmp_path / "crm")
    with pytest.raises(JobFailed) as caught:
        run_job(plan, engine)
    assert caught.value.code == code, str(caught.value)
    assert "crm" in str(caught.value)
    assert "(5f0000000000000000000001)" in str(caught.value)
    assert not target_of(plan).parent.exists()


def test_s27_a_job_that_is_done_answers_from_where_nothing_can_be_written(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))
    document = run_job(plan, engine)

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("profile_export.job_lock._take", read_only)
    assert run_job(plan, engine) == document


def test_s27_likewise_where_an_attempt_has_left_something(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))
    document = run_job(plan, engine)
    (tmp_path / "t" / "_profile_export" / "1" / "plan.json").write_text("{}")

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("profile_export.job_lock._take", read_only)
    assert run_job(plan, engine) == document


def test_a_path_of_the_server_is_in_no_message(tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "t", batches=1)
    found = OSError(
        errno.ENOTDIR, f"Failed to open local file '{tmp_path}/t/x'. Detail: [errno 20]"
    )
    told = str(unwritable(found, plan))
    assert str(tmp_path) not in told
    assert "Not a directory" in told


def test_s27_a_job_that_is_done_stays_done_where_nothing_can_be_tidied(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))

    def may_not(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as broken:
        broken.setattr("profile_export.attempt.sweep", may_not)
        document = run_job(plan, engine)
        assert document["status"] == "SUCCEEDED"
        assert run_job(plan, engine) == document
    assert (tmp_path / "t" / "_profile_export" / "1" / "plan.json").exists()
    assert run_job(plan, engine) == document  # and tidies
    assert findings(plan, records=[20]) == []


def test_s27_files_of_a_done_job_whose_commit_the_log_has_lost_are_no_strays(
    engine: Engine, tmp_path: Path
) -> None:
    plan = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))
    document = run_job(plan, engine)
    rows = sorted((tmp_path / "t").glob("_ACP_BATCHID=*/*.parquet"))
    shutil.rmtree(tmp_path / "t" / "_delta_log")
    (tmp_path / "t" / "_profile_export" / "1" / "plan.json").write_text("{}")
    assert run_job(plan, engine) == document
    assert sorted((tmp_path / "t").glob("_ACP_BATCHID=*/*.parquet")) == rows


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda saved: saved.pop("plan"), id="without a plan"),
        pytest.param(lambda saved: saved["plan"].pop("audience"), id="of another version"),
        pytest.param(lambda saved: saved["plan"].update(shape=2), id="of a later version"),
    ],
)
@pytest.mark.parametrize("name", ["job.json", "plan.json"])
def test_papers_of_another_version_are_told(
    name: str, harm: Callable[[dict[str, Any]], object], engine: Engine, tmp_path: Path
) -> None:
    plan = plan_for(tmp_path / "t", batches=1)
    saved = {"plan": json.loads(plan.model_dump_json(by_alias=True)), "document": {}, "made": None}
    harm(saved)
    paper = tmp_path / "t" / "_profile_export" / "1" / name
    paper.parent.mkdir(parents=True)
    paper.write_text(json.dumps(saved))
    with pytest.raises(JobFailed, match=f"The job's {name} is of another version") as caught:
        run_job(plan, engine)
    assert caught.value.code == "papers-unreadable"


def test_an_input_of_one_file_is_not_blamed_for_the_engine(
    tmp_path: Path,
) -> None:
    pq.write_table(people(range(3)), tmp_path / "people.parquet")
    table = TableRef(format="parquet", location=str(tmp_path / "people.parquet"), written="p")
    source = crm(tmp_path).model_copy(update={"table": table, "version": None})
    plan = plan_for(tmp_path / "t", batches=1, inputs=(source,))
    told = translate(RuntimeError("the engine's own parquet fault"), plan, stopped=False)
    assert "the engine's own parquet fault" in str(told)
    (tmp_path / "people.parquet").write_bytes(b"PAR1")
    told = translate(RuntimeError("a parquet fault"), plan, stopped=False)
    assert (told.code, "people.parquet is no whole" in str(told)) == ("input-unreadable", True)


@pytest.mark.sail_only("spark writes and commits in one call")
def test_a_target_that_is_removed_meanwhile_is_told(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))

    def removed(*_: object) -> list[object]:
        shutil.rmtree(tmp_path / "t")
        return []

    monkeypatch.setattr(sail_write, "write_files", removed)
    with pytest.raises(JobFailed, match="was removed while the job wrote") as caught:
        run_job(plan, engine)
    assert caught.value.code == "target-unwritable"


@pytest.mark.sail_only("spark writes and commits in one call")
def test_s27_a_target_that_is_removed_just_before_its_commit_is_told(
    engine: Engine, tmp_path: Path
) -> None:
    """A commit would have made it anew, of files that are not there."""
    plan = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))
    with pytest.raises(JobFailed, match="was removed while the job wrote") as caught:
        run_job(plan, engine, may_commit=lambda: shutil.rmtree(tmp_path / "t"))
    assert caught.value.code == "target-unwritable"
    assert not (tmp_path / "t" / "_delta_log").exists()


def test_a_target_that_cannot_be_made_leaves_no_folder(engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "out" / "lake" / ("p" * 300), inputs=(crm(tmp_path),))
    with pytest.raises(JobFailed) as caught:
        run_job(plan, engine)
    assert caught.value.code == "target-unwritable"
    assert not (tmp_path / "out").exists()


def test_a_version_that_was_never_there(engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path, version=7),))
    with pytest.raises(JobFailed) as caught:
        run_job(plan, engine)
    assert caught.value.code == "input-missing"
    assert "version 7" in str(caught.value)
    assert not target_of(plan).exists()


def test_a_failed_job_leaves_an_existing_target_as_it_was(engine: Engine, tmp_path: Path) -> None:
    target = tmp_path / "t"
    run_job(plan_for(target, job_id=1, batches=1, inputs=(crm(tmp_path),)), engine)
    failing = plan_for(target, job_id=2, batches=1, inputs=(crm(tmp_path, version=7),))
    before = left_of(failing)
    with pytest.raises(JobFailed):
        run_job(failing, engine)
    assert left_of(failing) == before


def test_another_type_in_the_target_fails_before_anything_is_read(
    engine: Engine, tmp_path: Path
) -> None:
    target = tmp_path / "t"
    run_job(plan_for(target, job_id=1, batches=1, inputs=(crm(tmp_path),)), engine)
    plan = plan_for(
        target, job_id=2, output=struct_of(email="string", age="double"), batches=1
    )  # it has no inputs: reading would be another error
    with pytest.raises(JobFailed) as caught:
        run_job(plan, engine)
    assert caught.value.code == "target-schema"


def test_a_job_that_is_done_is_answered_again(engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))
    first = run_job(plan, engine)
    fresh = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))
    assert run_job(fresh, engine) == first
    assert findings(plan, records=[20]) == []


def test_an_id_in_use_by_another_request_is_refused(engine: Engine, tmp_path: Path) -> None:
    inputs = (crm(tmp_path),)
    run_job(plan_for(tmp_path / "t", batches=1, inputs=inputs), engine)
    before = left_of(plan_for(tmp_path / "t"))
    other = plan_for(tmp_path / "t", batches=1, inputs=inputs, request={"fields": "email"})
    with pytest.raises(Conflict) as caught:
        run_job(other, engine)
    assert caught.value.code == "job-id-in-use"
    assert left_of(other) == before


def test_a_repeated_job_reads_the_versions_of_the_first(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt dies before it reads; rows that come later are not seen (S28)."""
    plan = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))

    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    monkeypatch.setattr("profile_export.job_life.check_target", die)
    monkeypatch.setattr("profile_export.job_life.given_up", lambda _run, error: error)
    with pytest.raises(Died):
        run_job(plan, engine)
    monkeypatch.undo()
    write_deltalake(str(tmp_path / "crm"), people(range(20, 30)), mode="append")
    later = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path, version=1),))
    document = run_job(later, engine)
    assert findings(plan, records=[20]) == []
    destination = document["destination"]
    assert isinstance(destination, dict)
    assert destination["batchId"] == plan.batches[0].batch_id


@pytest.mark.parametrize("stage", ["identities", "persons", "audience", "merge", "write"])
def test_a_cancelled_job_leaves_nothing(stage: str, engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "exports" / "profile", batches=1, inputs=(crm(tmp_path),))
    stop = Stop()

    def progress(now: str, _fraction: float) -> None:
        if now == stage:
            stop.ask()

    with pytest.raises(Cancelled):
        run_job(plan, engine, progress=progress, stop=stop)
    assert not target_of(plan).parent.exists()
    assert run_job(plan, engine)["status"] == "SUCCEEDED"


def test_a_target_with_odd_signs_in_its_path(engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "my exports" / "a+b,ü", batches=1, inputs=(crm(tmp_path),))
    run_job(plan, engine)
    assert findings(plan, records=[20]) == []


def test_job_json_holds_the_plan(engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))
    document = run_job(plan, engine)
    saved = json.loads((tmp_path / "t/_profile_export/1/job.json").read_text())
    assert ExportPlan.model_validate(saved.pop("plan")) == plan
    assert saved == document


@pytest.mark.sail_only("spark writes and commits in one call")
def test_a_batch_of_which_rows_are_missing_is_not_committed(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sail wrote the rows of a target ``a{1}`` to ``a1``, and an empty export was committed."""
    plan = plan_for(tmp_path / "t", batches=1, inputs=(crm(tmp_path),))
    elsewhere = Folder(str(tmp_path / "elsewhere"))
    monkeypatch.setattr(
        sail_write,
        "write_files",
        lambda frame, _folder, writing: write_files(frame, elsewhere, writing)[:0],
    )
    with pytest.raises(JobFailed, match="has 20 persons, but 0 rows") as caught:
        run_job(plan, engine)
    assert caught.value.code == "rows-lost"
    assert not target_of(plan).exists()
