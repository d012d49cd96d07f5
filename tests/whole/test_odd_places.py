"""Where things lie: folders of odd names are no reason to fail, and what is no place is told."""

import errno
import shutil
import time
from pathlib import Path

import pytest
from deltalake import DeltaTable

from profile_export.engines import Engine, open_engine
from profile_export.errors import Conflict, JobFailed
from profile_export.job import run_job
from profile_export.job_folder import JobFolder
from profile_export.query import run_query
from profile_export.sandbox import load_sandbox
from profile_export.storage import Folder
from profile_export.used_ids import see_papers
from small_sandbox import build, export, request
from tables.plans import crm, plan_for

NAMES = ["a b", "ü", "日本 語", "a#b", "a%b", 'a"b`c', "a~b", "a'b"]


@pytest.mark.parametrize("name", NAMES)
def test_folders_of_any_name(name: str, engine: Engine, tmp_path: Path) -> None:
    file = build(tmp_path / name)
    export(file, engine, request())
    found = run_query("SELECT count(*) FROM profile_data_export", load_sandbox(file), engine)
    assert found.rows == [[6]]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "disk-full"),
        (errno.EROFS, "target-unwritable"),
        (errno.EACCES, "target-unwritable"),
    ],
)
def test_a_target_that_cannot_be_written(
    number: int, code: str, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, "of the disk", "/a/secret/path")

    monkeypatch.setattr(JobFolder, "begin", full)
    with pytest.raises(JobFailed) as caught:
        run_job(plan_for(tmp_path / "t"), engine)
    assert caught.value.code == code
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_a_file(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "t").write_text("x")
    with pytest.raises(JobFailed) as caught:
        run_job(plan_for(tmp_path / "t"), engine)
    assert caught.value.code == "target-unwritable"
    assert "another path" in str(caught.value)


DEEP = "[" * 100_000


@pytest.mark.parametrize("content", ["{", "[]", "", "\x00", pytest.param(DEEP, id="deep")])
def test_papers_that_are_damaged(content: str, engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "t")
    paper = tmp_path / "t" / "_profile_export" / str(plan.job_id) / "job.json"
    paper.parent.mkdir(parents=True)
    paper.write_text(content)
    with pytest.raises(JobFailed) as caught:
        run_job(plan, engine)
    assert caught.value.code == "papers-unreadable"
    assert paper.read_text() == content


def test_a_job_whose_papers_are_gone_is_not_done_again(engine: Engine, tmp_path: Path) -> None:
    """S27: without them nobody can tell whether the commit of this id was of this request."""
    plan, target = plan_for(tmp_path / "t", inputs=(crm(tmp_path),)), Folder(str(tmp_path / "t"))
    see_papers(target, plan.job_id)
    run_job(plan, engine)
    see_papers(target, plan.job_id)
    papers = tmp_path / "t" / "_profile_export" / str(plan.job_id)
    (papers / "manifest.json").unlink()
    (papers / "job.json").rename(papers / "plan.json")  # as of a job that was killed: it goes on
    see_papers(target, plan.job_id)
    shutil.rmtree(papers)
    with pytest.raises(Conflict, match="choose another id") as caught:
        see_papers(target, plan.job_id)
    assert caught.value.exit_code == 2
    see_papers(target, plan.job_id + 1)
    DeltaTable(target.location).create_checkpoint()
    (tmp_path / "t" / "_delta_log" / f"{0:020}.json").unlink()  # as the log's retention does
    with pytest.raises(Conflict, match="choose another id"):
        see_papers(target, plan.job_id)
    see_papers(target, plan.job_id + 1)


def test_a_connect_url_where_nobody_is() -> None:
    begun = time.monotonic()
    with pytest.raises(JobFailed, match=r"answers at sc://127\.0\.0\.1:1: Connection refused"):
        open_engine("sc://127.0.0.1:1")
    assert time.monotonic() - begun < 30
