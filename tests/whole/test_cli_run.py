"""The command line on real tables, each command in a process of its own, as users run it."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from profile_export import cli
from profile_export.faults import VARIABLE
from working import ENDLESS, script

SMALL = {"SPARK_DRIVER_MEMORY": "1g"}
TARGET = "exports/profile"


@dataclass(frozen=True)
class Said:
    """What a command has said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """A folder from which commands are run, on one engine."""

    folder: Path
    engine: str

    def start(
        self,
        *words: str,
        stdout: IO[str] | int = subprocess.PIPE,
        program: Sequence[str] = ("-m", "profile_export.cli"),
        **env: str,
    ) -> subprocess.Popen[str]:
        jobs, scratch = str(Path(cli.__file__).parents[1]), self.folder / "tmp"
        scratch.mkdir(exist_ok=True)
        return subprocess.Popen(
            [sys.executable, *program, *words, "--engine", self.engine],
            cwd=self.folder,
            env={**os.environ, **SMALL, "PYTHONPATH": jobs, "TMPDIR": str(scratch), **env},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str, **env: str) -> Said:
        process = self.start(*words, **env)
        try:
            out, err = process.communicate(timeout=600)
        except BaseException:
            process.kill()
            raise
        return Said(process.returncode, out, err)

    def run(self, *more: str, request: str = "demo", **env: str) -> Said:
        words = ("run", f"demo/requests/{request}.json", "--sandbox", "demo/sandbox.yml")
        return self(*words, *more, **env)

    @property
    def target(self) -> Path:
        return self.folder / "demo" / TARGET

    def papers(self, job_id: int) -> Path:
        return self.target / "_profile_export" / str(job_id)

    def versions(self) -> int:
        return len(DeltaTable(self.target).history())

    def left_in_scratch(self) -> list[Path]:
        return [p for p in (self.folder / "tmp").rglob("*") if not p.name.startswith("hsperf")]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, engine_name: str) -> tuple[Shell, Said]:
    """The demo as a newcomer runs it, and what it said."""
    shell = Shell(tmp_path_factory.mktemp("demo"), engine_name)
    return shell, shell("demo")


@pytest.fixture
def shell(demo: tuple[Shell, Said], tmp_path: Path) -> Shell:
    """The demo's sandbox in a folder of its own, before any export."""
    built, _ = demo
    shutil.copytree(built.folder / "demo", tmp_path / "demo")
    shutil.rmtree(tmp_path / "demo" / "exports")
    return Shell(tmp_path, built.engine)


def files(folder: Path) -> dict[str, int]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in found}


def no_trace(said: Said) -> bool:
    return re.search(r"Traceback|^\s+at \S+\(|Exception", said.err, re.MULTILINE) is None


def hashes(manifest: Path) -> list[str]:
    content = json.loads(manifest.read_text(encoding="utf-8"))
    return [batch["rowSetHash"] for batch in content["batches"]]


def test_the_demo_says_what_came_out(demo: tuple[Shell, Said]) -> None:
    shell, said = demo
    assert said.code == 0, said.err
    assert re.fullmatch(r"Job \d+: exporting to demo/exports/profile\n", said.err)
    found = re.search(r"^Job (\d+) SUCCEEDED in", said.out, re.MULTILINE)
    assert found
    document = json.loads((shell.papers(int(found[1])) / "job.json").read_text(encoding="utf-8"))
    for words in (
        "candidates",
        "exported",
        *(f"not: {r}" for r in document["metrics"]["exclusions"]),
    ):
        assert re.search(rf"^{words} +[\d,]+$", said.out, re.MULTILINE), words
    assert all(batch["batchId"] in said.out for batch in document["destination"]["batches"])
    assert len(re.findall(r'^  {"', said.out, re.MULTILINE)) == 3


def test_the_demo_fits_a_terminal_of_eighty_columns(demo: tuple[Shell, Said]) -> None:
    _, said = demo
    table = said.out.partition("SUCCEEDED")[2].partition("Dataset ")[0]
    rows = [line for line in table.splitlines()[1:] if not line.startswith("Left out")]
    assert max(map(len, rows)) <= 80


def test_the_commands_to_try_can_be_copied(demo: tuple[Shell, Said]) -> None:
    shell, said = demo
    lines = said.out.partition("To try next:\n")[2].splitlines()
    commands = [shlex.split(line) for line in lines]
    assert {words[0] for words in commands} == {"profile-export"}
    assert {words[1] for words in commands} == {"explain", "verify", "rerun", "query", "run"}
    paths = [word for words in commands for word in words if word.startswith("demo/")]
    assert paths
    assert all((shell.folder / path).is_file() for path in paths)


@pytest.mark.sail_only("does not depend on the engine")
def test_run_prints_the_document_that_it_leaves_beside_the_manifest(
    demo: tuple[Shell, Said],
) -> None:
    shell, first = demo
    said = shell.run("--json")
    assert said.code == 0, said.err
    document = said.json
    assert document["status"] == "SUCCEEDED"
    papers = shell.papers(document["id"])
    saved = json.loads((papers / "job.json").read_text(encoding="utf-8"))
    assert saved == document
    assert saved["plan"]["jobId"] == document["id"]
    before = re.search(r"^Manifest +(\S+)$", first.out, re.MULTILINE)
    assert before
    assert hashes(papers / "manifest.json") == hashes(shell.folder / before[1])


@pytest.mark.sail_only("does not depend on the engine")
def test_the_seed_request_gives_rows(demo: tuple[Shell, Said]) -> None:
    shell, _ = demo
    said = shell.run(request="seed")
    assert said.code == 0, said.err
    assert re.search(r"^exported +[1-9]", said.out, re.MULTILINE)


@pytest.mark.sail_only("does not depend on the engine")
def test_a_dry_run_counts_what_a_run_exports_and_writes_nothing(shell: Shell) -> None:
    dry = shell.run("--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert not (shell.folder / "demo" / "exports").exists()
    assert shell.left_in_scratch() == []
    done = shell.run("--json").json
    metrics, counts = done["metrics"], dry.json["counts"]
    assert counts["candidates"] == metrics["candidates"]
    assert counts["exclusions"] == metrics["exclusions"]
    exported = sum(batch["recordCount"] for batch in counts["batches"])
    assert exported == metrics["totalExportedProfileCounter"]
    asked = [{**b, "batchId": None} for b in done["destination"]["batches"]]
    assert [{**b["segment"], "batchId": None} for b in counts["batches"]] == asked
    assert dry.json["plan"]["asOf"]


@pytest.mark.sail_only("does not depend on the engine")
def test_dry_run_as_a_command_of_its_own(shell: Shell) -> None:
    before = files(shell.folder / "demo")
    words = ("dry-run", "demo/requests/everyone.json", "--sandbox", "demo/sandbox.yml")
    said = shell(*words)
    assert said.code == 0, said.err
    assert said.out.startswith("Dry run: nothing was written.")
    assert "All who are exported" in said.out
    assert "run demo/requests/everyone.json --sandbox demo/sandbox.yml" in said.out
    assert files(shell.folder / "demo") == before


@pytest.mark.sail_only("does not depend on the engine")
def test_a_job_id_that_succeeded_answers_its_document_again(shell: Shell) -> None:
    first = shell.run("--job-id", "24115", "--json")
    again = shell.run("--job-id", "24115", "--json", "--as-of", "2019-01-01T00:00:00Z")
    assert (first.code, again.code) == (0, 0), again.err
    assert again.json == first.json
    assert shell.versions() == 1
    other = shell.run("--job-id", "24115", "--json", request="seed")
    assert other.code == 2
    assert other.json["type"].endswith("job-id-in-use")
    counted = shell.run("--job-id", "24115", "--json", "--dry-run", request="seed")
    assert (counted.code, counted.json["type"]) == (2, other.json["type"])
    assert shell.run("--job-id", "24115", "--json", "--dry-run").code == 0
    assert shell.versions() == 1
    papers = shell.papers(24115).rename(shell.folder / "papers")
    lost = shell.run("--job-id", "24115", "--json")
    assert (lost.code, lost.json["type"]) == (2, other.json["type"])
    assert shell.versions() == 1
    papers.rename(shell.papers(24115))
    shutil.rmtree(shell.folder / "demo" / "crm")
    later = shell.run("--job-id", "24115", "--json")
    assert (later.code, later.json) == (0, first.json), later.err
    gone = shell.run("--job-id", "24116", "--json")
    assert (gone.code, gone.json["errors"][0]["code"]) == (2, "table-missing")


@pytest.mark.sail_only("does not depend on the engine")
@pytest.mark.parametrize("point", ["while-writing", "after-commit"])
def test_a_job_that_was_killed_is_finished_by_its_id(shell: Shell, point: str) -> None:
    killed = shell.run("--job-id", "7", **{VARIABLE: point})
    assert killed.code == -signal.SIGKILL
    said = shell.run("--job-id", "7")
    assert said.code == 0, said.err
    assert "Job 7 SUCCEEDED" in said.out
    assert shell.versions() == 1
    assert sorted(p.name for p in shell.papers(7).iterdir()) == ["job.json", "manifest.json"]


@pytest.mark.sail_only("does not depend on the engine")
def test_a_full_stdout_fails_no_job(shell: Shell) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        words = (
            "run",
            "demo/requests/demo.json",
            "--sandbox",
            "demo/sandbox.yml",
            "--job-id",
            "10",
        )
        process = shell.start(*words, stdout=full)
        _, err = process.communicate(timeout=240)
    assert (process.returncode, (shell.papers(10) / "job.json").exists()) == (0, True), err
    assert "could not be written: No space left on device" in err
    assert no_trace(Said(0, "", err))


@pytest.mark.sail_only("does not depend on the engine")
def test_a_job_that_has_committed_is_not_told_as_failed(shell: Shell) -> None:
    """Its rows are visible; only a paper could not be written."""
    papers = shell.papers(8)
    (papers / "manifest.json").mkdir(parents=True)
    (papers / "manifest.json" / "file").write_text("in the way")
    said = shell.run("--job-id", "8", "--json")
    assert (said.code, said.json["status"]) == (1, "PROCESSING"), said.err
    assert said.json["destination"]["batches"][0]["batchId"]
    (told,) = said.json["errors"]
    assert (told["code"], told["msg"] in said.err) == ("manifest-missing", True)
    assert "The export was committed" in said.err
    shutil.rmtree(papers / "manifest.json")
    assert shell.run("--job-id", "8", "--json").json["status"] == "SUCCEEDED"
    assert shell.versions() == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_job_leaves_nothing(shell: Shell, number: signal.Signals) -> None:
    if shell.engine != "sail" and number != signal.SIGINT:
        pytest.skip("the same path as SIGINT")
    words = ("run", "demo/requests/demo.json", "--sandbox", "demo/sandbox.yml", "--job-id", "9")
    process = shell.start(*words, "--json", program=script(shell.folder, ENDLESS))
    wait_for(lambda: (shell.papers(9) / "plan.json").exists(), process)
    process.send_signal(number)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 130, err
    assert "nothing was written" in err
    assert json.loads(out)["status"] == "CANCELLED"
    assert no_trace(Said(130, out, err))
    assert not (shell.folder / "demo" / "exports").exists()


def wait_for(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.sail_only("does not depend on the engine")
def test_an_interrupted_dry_run_leaves_nothing(shell: Shell, number: signal.Signals) -> None:
    words = ("dry-run", "demo/requests/demo.json", "--sandbox", "demo/sandbox.yml")
    process = shell.start(*words, program=script(shell.folder, ENDLESS))
    wait_for(lambda: any((shell.folder / "tmp").glob("profile-export-*")), process)
    process.send_signal(number)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 130, err
    assert out == ""
    assert no_trace(Said(130, out, err))
    assert shell.left_in_scratch() == []


def test_a_corrupt_file_fails_the_job_in_one_sentence(shell: Shell) -> None:
    broken = next((shell.folder / "demo" / "crm").glob("*.parquet"))
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    said = shell.run("--json")
    assert said.code == 1
    document = said.json
    assert document["status"] == "FAILED"
    assert [error["code"] for error in document["errors"]] == ["input-unreadable"]
    assert all(batch["batchId"] == "" for batch in document["destination"]["batches"])
    assert broken.name in said.err
    assert no_trace(said)
    assert not (shell.folder / "demo" / "exports").exists()


@pytest.mark.sail_only("does not depend on the engine")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"destination": {"datasetId": "5f0000000000000000000001"}}, "class export"),
        ({"destination": {"datasetId": "5b020a27e7040801dedba61c"}}, "5b020a27e7040801dedba61b"),
        ({"fields": "homeAdress.city"}, "homeAddress.city"),
    ],
)
def test_refusals(shell: Shell, change: Mapping[str, object], told: str) -> None:
    before = files(shell.folder / "demo" / "crm")
    request = shell.folder / "demo" / "requests" / "everyone.json"
    body = {**json.loads(request.read_text(encoding="utf-8")), **change}
    request.write_text(json.dumps(body), encoding="utf-8")
    said = shell.run(request="everyone")
    assert said.code == 2
    assert told in said.err
    assert said.out == ""
    assert not (shell.folder / "demo" / "exports").exists()
    assert files(shell.folder / "demo" / "crm") == before


@pytest.mark.sail_only("does not depend on the engine")
def test_empty_tables_make_an_empty_batch(shell: Shell) -> None:
    for name in ("crm", "loyalty", "purchases"):
        table = DeltaTable(shell.folder / "demo" / name)
        write_deltalake(table, table.to_pyarrow_table().slice(0, 0), mode="overwrite")
    signed_up = shell.folder / "demo" / "web_sign_ups" / "part-0.parquet"
    pq.write_table(pq.read_schema(signed_up).empty_table(), signed_up)
    said = shell.run("--json")
    assert said.code == 0, said.err
    metrics = said.json["metrics"]
    assert metrics["candidates"] == metrics["totalExportedProfileCounter"] == 0
    manifest = shell.papers(said.json["id"]) / "manifest.json"
    batches = json.loads(manifest.read_text(encoding="utf-8"))["batches"]
    assert [(b["recordCount"], b["files"]) for b in batches] == [(0, []), (0, [])]
    assert DeltaTable(shell.target).to_pyarrow_table().num_rows == 0


@pytest.mark.spark_only
def test_java_is_told_of_where_there_is_none(shell: Shell) -> None:
    nothing = shell.folder / "bin"
    nothing.mkdir()
    said = shell.run("--json", PATH=str(nothing), JAVA_HOME=str(nothing))
    assert said.code == 1
    assert said.json["status"] == "FAILED"
    assert "Java" in said.err
    assert no_trace(said)
    assert not (shell.folder / "demo" / "exports").exists()


@pytest.mark.spark_only
def test_named_tables_are_looked_up_by_the_engine(shell: Shell) -> None:
    sandbox = shell.folder / "demo" / "sandbox.yml"
    text = sandbox.read_text(encoding="utf-8")
    named = f"{{name: 'delta.`{shell.folder}/demo/crm`'}}"
    text = text.replace("{format: delta, path: crm}", named)
    sandbox.write_text(text, encoding="utf-8")
    said = shell.run("--dry-run", "--json")
    assert said.code == 0, said.err
    assert said.json["counts"]["candidates"] > 0
    text = text.replace("{format: delta, path: loyalty}", "{name: nowhere.loyalty}")
    sandbox.write_text(text, encoding="utf-8")
    missing = shell.run("--json")
    assert missing.code == 2
    (problem,) = missing.json["errors"]
    assert problem["code"] == "table-missing"
    assert "nowhere.loyalty" in problem["detail"]
    assert no_trace(missing)


@pytest.mark.sail_only("does not depend on the engine")
def test_a_target_that_has_a_name_only_is_told_on_sail(shell: Shell) -> None:
    sandbox = shell.folder / "demo" / "sandbox.yml"
    text = sandbox.read_text(encoding="utf-8")
    named = text.replace("{format: delta, path: exports/profile}", "{name: lake.profile}")
    assert named != text
    sandbox.write_text(named, encoding="utf-8")
    before = files(shell.folder / "demo")
    said = shell.run("--json")
    assert said.code == 1
    (error,) = said.json["errors"]
    assert error["code"] == "named-table"
    assert "lake.profile" in error["msg"]
    assert "--engine spark" in error["msg"]
    assert no_trace(said)
    assert files(shell.folder / "demo") == before
