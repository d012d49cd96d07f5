"""Where things lie: folders of odd names are no reason to fail, and what is no place is told."""

import errno
import time
from pathlib import Path

import pytest

from profile_export.engines import Engine, open_engine
from profile_export.errors import JobFailed
from profile_export.job import run_job
from profile_export.job_folder import JobFolder
from profile_export.query import run_query
from profile_export.sandbox import load_sandbox
from small_sandbox import build, export, request
from tables.plans import plan_for

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


@pytest.mark.parametrize("content", ["{", "[]", "", "\x00"])
def test_papers_that_are_damaged(content: str, engine: Engine, tmp_path: Path) -> None:
    plan = plan_for(tmp_path / "t")
    paper = tmp_path / "t" / "_profile_export" / str(plan.job_id) / "job.json"
    paper.parent.mkdir(parents=True)
    paper.write_text(content)
    with pytest.raises(JobFailed) as caught:
        run_job(plan, engine)
    assert caught.value.code == "papers-unreadable"
    assert paper.read_text() == content


def test_a_connect_url_where_nobody_is(engine: Engine) -> None:
    del engine  # of another kind; the URL is looked at before anything is opened
    begun = time.monotonic()
    with pytest.raises(JobFailed, match=r"answers at sc://127\.0\.0\.1:1: Connection refused"):
        open_engine("sc://127.0.0.1:1")
    assert time.monotonic() - begun < 30
