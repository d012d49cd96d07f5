"""The command line without an engine: help, refusals, exit codes, and what must not be imported."""

import importlib
import io
import json
import logging
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from profile_export import cli
from profile_export.catalog import Sandbox, SegmentDefinition
from profile_export.commands import _options, _places, _progress, _report, _say, query
from profile_export.commands._ended import JobEnded
from profile_export.errors import Cancelled, Conflict, Different, JobFailed
from profile_export.planning import LARGEST_ID
from profile_export.query import MOST_ROWS, QueryResult
from profile_export.service.store import open_store

TARGET = "5b020a27e7040801dedba61b"
REQUEST: dict[str, Any] = {
    "destination": {"datasetId": TARGET},
    "schema": {"name": "_xdm.context.profile"},
}
SANDBOX = f"""\
imsOrgId: acme@AcmeOrg
name: prod
datasets:
  - id: crm
    name: Kundenkartei Zürich
    class: profile
    table: {{TABLE}}
    primaryIdentity: {{namespace: crmId, field: id}}
    ingestTime: at
  - id: "{TARGET}"
    class: export
    table: {{format: delta, path: out}}
    schemaRef: {{id: "https://ns.adobe.com/xdm/context/profile__union"}}
""".replace("{{", "{").replace("}}", "}")
PARQUET = "{format: parquet, path: crm}"
HEAVY = ("pyspark", "pysail", "pandas", "py4j")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good sandbox and request, which is the current one."""
    (tmp_path / "crm").mkdir()
    columns = {"id": pa.string(), "at": pa.timestamp("us", "UTC"), "city": pa.string()}
    table = pa.schema(columns.items()).empty_table()
    pq.write_table(table, tmp_path / "crm" / "part-0.parquet")
    write_sandbox(tmp_path, PARQUET)
    write_request(tmp_path, REQUEST)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_sandbox(world: Path, table: str) -> None:
    text = SANDBOX.replace("{TABLE}", table)
    (world / "sandbox.yml").write_text(text, encoding="utf-8")


def write_request(world: Path, request: object) -> None:
    (world / "request.json").write_text(json.dumps(request), encoding="utf-8")


EXPLAIN = ["explain", "--sandbox", "s", "--identity", "crm:1"]


def run(*more: str) -> int:
    return cli.main(["run", "request.json", "--sandbox", "sandbox.yml", *more])


def child(code: str, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Python code in a fresh interpreter, with ``words`` as its arguments."""
    jobs = str(Path(cli.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": jobs, "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        env=env,
        timeout=120,
        check=False,
        **options,
    )


IMPORTED = """
import sys
from profile_export.cli import main
code = main(sys.argv[1:])
print("imported:", *sorted({name.partition(".")[0] for name in sys.modules}))
print("exit code:", code)
"""


def imported(*words: str) -> tuple[set[str], str]:
    """What a command has imported in a fresh process; and what it wrote."""
    done = child(IMPORTED, *words)
    modules = re.search(r"^imported: (.*)$", done.stdout, re.MULTILINE)
    assert modules, done.stderr
    return set(modules[1].split()), done.stdout + done.stderr


def test_help_imports_nothing_heavy() -> None:
    modules, said = imported("run", "--help")
    assert "exit code: 0" in said
    assert modules.isdisjoint({*HEAVY, "pyarrow", "deltalake", "rich", "numpy"})


def test_a_refusal_imports_no_engine(world: Path) -> None:
    write_request(world, {**REQUEST, "fields": "nope"})
    modules, said = imported("run", "request.json", "--sandbox", "sandbox.yml")
    assert "exit code: 2" in said
    assert "/fields: " in said
    assert modules.isdisjoint(HEAVY)


def test_a_named_table_is_refused_without_opening_sail(world: Path) -> None:
    write_sandbox(world, "{name: hive.sales.crm}")
    modules, said = imported("run", "request.json", "--sandbox", "sandbox.yml")
    assert "hive.sales.crm" in said
    assert "--engine spark" in said
    assert "exit code: 2" in said
    assert modules.isdisjoint(HEAVY)


def command_names() -> list[str]:
    """Every command that can be typed; of a group, ``group command``."""
    return [str(command.name) for command in cli.app.registered_commands] + [
        f"{group.name} {command.name}"
        for group in cli.app.registered_groups
        if group.typer_instance is not None
        for command in group.typer_instance.registered_commands
    ]


@pytest.mark.parametrize("command", [name for name in command_names() if name != "demo"])
def test_every_command_has_help_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*command.split(), "--help"]) == 0
    assert re.search(rf"  profile-export {command}( |$)", capsys.readouterr().out, re.M)


@pytest.mark.parametrize("group", ["jobs", "token"])
def test_a_group_of_commands_has_an_example_too(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([group, "--help"]) == 0
    assert re.search(rf"  profile-export {group} \w+ ", capsys.readouterr().out, re.M)


@pytest.mark.parametrize("group", ["jobs", "token"])
def test_a_group_without_a_command_shows_its_help(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([group, "--help"]) == 0
    told = capsys.readouterr().out
    assert cli.main([group]) == 2
    assert capsys.readouterr().err.rstrip() == told.rstrip()


def test_demo_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "--help"]) == 0
    assert "  profile-export demo\n" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert re.fullmatch(
        r"profile-export (\d+\.\d+\.\d+.*|\(not installed\))\n", capsys.readouterr().out
    )


def test_no_command_shows_the_help_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Commands:" in said.err


def test_the_largest_job_id_is_that_of_planning() -> None:
    assert _options.LARGEST_JOB_ID == LARGEST_ID


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["runn"], "No such command 'runn'"),
        (["run"], "Missing argument 'REQUEST'"),
        (["run", "request.json"], "Missing option '--sandbox'"),
        (["run", "r", "--sandbox", "s", "--job-id", "0"], "--job-id"),
        (["run", "r", "--sandbox", "s", "--job-id", "one"], "--job-id"),
        (["run", "r", "--sandbox", "s", "--job-id", str(2**53)], "--job-id"),
        (["run", "r", "--sandbox", "s", "--nope"], "--nope"),
        (["run", "r", "--sandbox", "s", "--engine"], "--engine"),
        ([*EXPLAIN], "--job: Give one of the two"),
        ([*EXPLAIN, "--job", "j", "--request", "r"], "[bad-option]"),
        ([*EXPLAIN, "--job", "j", "--as-of", "2026-01-01T00:00:00Z"], "--as-of: A finished job"),
    ],
)
def test_a_wrong_command_line(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err
    assert said.err.count("\n") == 1


def test_a_wrong_command_line_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "request.json", "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["errors"]
    assert (problem["code"], problem["parameter"]) == ("usage", "--sandbox")


@pytest.mark.parametrize("engine", ["flink", "", "sc://", "http://host", "SAIL"])
def test_an_unknown_engine(engine: str, world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--engine", engine) == 2
    assert "--engine: No engine is called" in capsys.readouterr().err
    assert not (world / "out").exists()


@pytest.mark.parametrize("time", ["2024-01-01T00:00:00", "yesterday", "2024-13-01T00:00:00Z", ""])
@pytest.mark.usefixtures("world")
def test_as_of_must_be_a_time_with_an_offset(time: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--as-of", time) == 2
    assert capsys.readouterr().err.startswith("--as-of: ")


def test_every_mistake_at_once(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_request(world, {**REQUEST, "fields": "citi", "filter": {"segmnts": []}})
    assert run("--as-of", "now") == 2
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["--as-of", "/fields", "/filter/segmnts"]
    assert "city" in lines[1]
    assert lines[1].endswith("[unknown-field]")


def test_mistakes_of_a_bad_sandbox_come_with_those_of_the_request(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sandbox(world, "{format: orc, path: crm}")
    write_request(world, {**REQUEST, "what": 1})
    monkeypatch.chdir(world.parent)
    sandbox = f"{world.name}/sandbox.yml"
    assert cli.main(["run", f"{world.name}/request.json", "--sandbox", sandbox]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"{sandbox}:7: /datasets/0/table/format: ")
    assert lines[1].startswith("/what: ")
    assert len(lines) == 2


def test_a_wrong_column_is_told_with_the_path_as_written(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (world / "sandbox.yml").read_text(encoding="utf-8").replace("field: id", "field: idd")
    (world / "sandbox.yml").write_text(text, encoding="utf-8")
    assert cli.main(["run", "request.json", "--sandbox", "./sandbox.yml"]) == 2
    said = capsys.readouterr().err
    line = text.split("field: idd")[0].count("\n") + 1
    at = "/datasets/0/primaryIdentity/field"
    assert said.startswith(f"./sandbox.yml:{line}: Dataset crm (Kundenkartei Zürich) ({at}): ")
    assert said.endswith("[missing-column]\n")


def test_problem_json(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_request(world, {**REQUEST, "fields": "nope", "mergePolicy": {"id": "none-such"}})
    assert run("--json") == 2
    problem = json.loads(capsys.readouterr().out)
    assert set(problem) == {"type", "title", "status", "detail", "requestId", "errors"}
    assert problem["status"] == 400
    (error,) = problem["errors"]
    assert set(error) == {"pointer", "code", "detail"}
    assert (error["pointer"], error["code"]) == ("/mergePolicy/id", "unknown-policy")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "JSON"),
        (b"[]", "object"),
        (b"", "JSON"),
        (b"\xff", "UTF-8"),
        (json.dumps({**REQUEST, "destination": {"datasetId": "crm"}}).encode(), "class export"),
    ],
)
def test_a_bad_request(
    body: bytes, told: str, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (world / "request.json").write_bytes(body)
    assert run() == 2
    assert told in capsys.readouterr().err
    assert not (world / "out").exists()


def test_a_missing_table(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (world / "crm" / "part-0.parquet").unlink()
    (world / "crm").rmdir()
    assert run() == 2
    said = capsys.readouterr().err
    assert said.startswith("sandbox.yml:")
    assert "'crm' does not exist" in said
    assert said.endswith("[table-missing]\n")
    assert str(world) not in said


@pytest.mark.parametrize(
    "words", [["serve", "--port", "99999"], ["run", "r"], ["runn"], ["jobs", "show", "one"]]
)
def test_a_wrong_word_and_where_help_is_are_two_sentences(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    assert re.search(r"[.?] See: profile-export", capsys.readouterr().err)


@pytest.mark.usefixtures("world")
def test_missing_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "no.json", "--sandbox", "no/sandbox.yml"]) == 2
    request, sandbox = capsys.readouterr().err.splitlines()
    assert request.startswith("REQUEST: The request 'no.json' cannot be read: No such file")
    assert sandbox.startswith("no/sandbox.yml: The file 'no/sandbox.yml' cannot be read")


def test_a_request_from_stdin(world: Path) -> None:
    code = "import sys; from profile_export.cli import main; sys.exit(main(sys.argv[1:]))"
    body = json.dumps({**REQUEST, "fields": "nope"})
    done = child(code, "run", "-", "--sandbox", str(world / "sandbox.yml"), input=body)
    assert done.returncode == 2
    assert done.stderr.startswith("/fields: ")


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (JobFailed("No Java. Install it."), 1, "No Java. Install it."),
        (JobEnded(JobFailed("Disk full."), {"status": "FAILED"}), 1, "nothing was written. Disk"),
        (
            JobEnded(JobFailed("Complete it.", code="manifest-missing"), {"status": "PROCESSING"}),
            1,
            "Complete it.",
        ),
        (
            JobEnded(JobFailed("It is in.", code="commit-expired"), {"status": "FAILED"}),
            1,
            "The job failed. It is in.",
        ),
        (JobEnded(Cancelled("Stopped."), {"status": "CANCELLED"}), 130, "nothing was written"),
        (Conflict("Job id 1 was used."), 2, "Job id 1 was used."),
        (Different(["a is missing", "b is new"]), 3, "a is missing\nb is new"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (PermissionError(13, "Permission denied", "/x"), 1, "/x: Permission denied"),
        (ZeroDivisionError("by\nzero"), 1, "(ZeroDivisionError: by zero). Run it with --verbose"),
    ],
)
def test_exit_codes(
    error: BaseException,
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("profile_export.commands._asked.make_plan", fails)
    assert run() == code
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("error", [ZeroDivisionError("zero"), JobFailed("No Java.")])
def test_verbose_shows_the_trace(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("profile_export.commands._asked.make_plan", fails)
    assert run("--verbose") == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("--verbose",)])
def test_traces_that_the_client_of_a_jvm_writes_of_ctrl_c(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        logging.error("something else")
        for what in ("KeyboardInterrupt", "Exception"):  # as py4j does
            logging.exception(f"{what} while sending command.")
        raise KeyboardInterrupt

    monkeypatch.setattr("profile_export.commands._asked.make_plan", interrupted)
    assert run(*words) == 130
    assert caplog.messages[0] == "something else"
    assert len(caplog.messages) == (3 if words else 1)


def test_a_failed_job_as_json_is_its_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise JobEnded(JobFailed("Disk full."), {"status": "FAILED"})

    monkeypatch.setattr("profile_export.commands._asked.make_plan", fails)
    assert run("--json") == 1
    assert json.loads(capsys.readouterr().out) == {"status": "FAILED"}


LONG = """
import sys
from profile_export import cli
from profile_export.commands import _say
cli._process.fill_closed_streams()
for line in range(20000):
    _say.result("a line of a long result")
_say.flush()
sys.exit(7)
"""


@pytest.mark.parametrize("pipe", ["| head -1", ">&-", "2>&- | head -1", "<&- >&- 2>&-"])
def test_a_reader_that_went_away_changes_nothing(pipe: str) -> None:
    python = f"\"{sys.executable}\" -c '{LONG}'"
    script = f'set -o pipefail; {{ {python}; echo "exit code $?" >&3; }} 3>&2 {pipe}'
    script = script.replace(f" {pipe}", "") + (f" {pipe}" if pipe.startswith("|") else "")
    if not pipe.startswith("|"):
        closed = pipe.partition("|")[0]
        script = f'{python} {closed}; echo "exit code $?" >&2'
    env = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=env, timeout=60, check=False
    )
    assert "exit code 7" in done.stderr
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


INTERRUPTED_AT_AN_IMPORT = """
import os, signal, sys

class AtTyper:
    def find_spec(self, name, *_):
        if name == "typer":
            os.kill(os.getpid(), signal.{signal})

sys.meta_path.insert(0, AtTyper())
from profile_export.entry import entry
entry()
"""


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM"])
def test_ctrl_c_while_the_command_line_is_being_imported(signal: str) -> None:
    done = child(INTERRUPTED_AT_AN_IMPORT.format(signal=signal), "--version")
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "Interrupted. No job was under way.\n"


INTERRUPTED_WHILE_THE_ENGINE_STARTS = """
import os, signal, threading
from profile_export import demo
from profile_export.commands import _engine
from profile_export.engines import stderr

def build(_):
    stderr.to_log()  # as an engine does first
    os.kill(os.getpid(), signal.SIGINT)

_engine.LazyEngine._open = lambda self, small: threading.Event().wait()
demo.build = build
from profile_export.entry import entry
entry()
"""


def test_ctrl_c_while_the_demo_is_built_does_not_wait_for_the_engine(tmp_path: Path) -> None:
    """Which may wait itself: for an import that an exception in the main thread left locked."""
    done = child(INTERRUPTED_WHILE_THE_ENGINE_STARTS, "demo", "--to", str(tmp_path / "demo"))
    assert (done.returncode, done.stdout) == (130, ""), done.stderr
    assert done.stderr == "Interrupted. No job was under way.\n"


def test_the_installed_script_is_the_one_that_minds_its_start() -> None:
    file = Path(cli.__file__).parents[2] / "pyproject.toml"
    project = tomllib.loads(file.read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"profile-export": "profile_export.entry:entry"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version"], 1),
        (["token", "list", "--store", "sqlite:///store.db", "--json"], 1),
        (["verify", "nowhere", "--json"], 2),
    ],
)
def test_a_result_that_cannot_be_written_is_told(
    words: list[str], code: int, tmp_path: Path
) -> None:
    open_store(f"sqlite:///{tmp_path}/store.db").close()
    env = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "profile_export.cli", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
            cwd=tmp_path,
            timeout=60,
            check=False,
        )
    assert done.returncode == code
    assert done.stderr.count("No space left on device") == 1
    assert "Unexpected" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_leaves_a_folder_of_others_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def starts(*_: object, **__: object) -> None:
        raise AssertionError("an engine was started")

    monkeypatch.setattr("profile_export.commands._engine.LazyEngine.start", starts)
    (tmp_path / "mine").touch()
    assert cli.main(["demo", "--to", str(tmp_path)]) == 2
    assert "is not empty and was not made by the demo" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_json_is_json_on_a_stdout_that_cannot_write_all_letters() -> None:
    code = "from profile_export.commands import _say; _say.result_json({'name': 'Zürich €'})"
    jobs = str(Path(cli.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": jobs, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env, check=True)
    assert json.loads(done.stdout) == {"name": "Zürich €"}


def test_words_on_a_stdout_that_cannot_write_all_letters() -> None:
    code = "from profile_export.commands import _say; _say.result('Zürich')"
    jobs = str(Path(cli.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": jobs, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env, check=True)
    assert done.stdout == b"Z\\xfcrich\n"


def test_markup_in_names_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    _say.rendered("[red]buyers[/red] :smile:")
    assert capsys.readouterr().out == "[red]buyers[/red] :smile:\n"


@pytest.mark.parametrize(
    ("written", "sandbox", "shown"),
    [
        ("out", "demo/sandbox.yml", "demo/out"),
        ("out", "sandbox.yml", "out"),
        ("../out", "demo/sandbox.yml", "out"),
        ("/srv/out", "demo/sandbox.yml", "/srv/out"),
        ("s3://bucket/out", "demo/sandbox.yml", "s3://bucket/out"),
    ],
)
def test_the_target_is_shown_from_where_the_user_stands(
    written: str, sandbox: str, shown: str
) -> None:
    from profile_export.plan import TableRef

    table = TableRef(format="delta", location="s3://bucket/out", written=written)
    assert _places.target_path(table, "s3://bucket/out", sandbox) == shown


def test_commands_to_copy_are_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "bin" / "profile-export")])
    assert _places.command("verify", "my demo/x") == "bin/profile-export verify 'my demo/x'"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "profile-export").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert _places.command("demo") == "profile-export demo"
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "jobs" / "export_job.py")])
    assert _places.command("demo") == "./spark-submit.sh demo"


def test_under_spark_submit_the_engine_is_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    assert _options.engine_name(None) == "sail"
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    assert _options.engine_name(None) == "spark"
    assert _options.engine_name("sc://host:15002") == "sc://host:15002"


def test_data_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["\x1b[2Jevil\nline", {"k": "\x1b[0m\x9b2J\x7f"}, "plain ü\t."]]
    query._table(QueryResult((("a\x07", "string"), ("b", "string"), ("c", "string")), rows, False))
    _say.result("\x1b]0;title\x07")
    out = capsys.readouterr().out
    assert all(c.isprintable() or c in "\n\t" for c in out)
    assert ("\\u001b[2Jevil\\u000aline" in out, "plain ü" in out) == (True, True)
    assert "\\u001b[0m\\u009b2J\\u007f" in out


def test_no_name_in_a_report_steers_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ids are the request's, names the sandbox file's: either can be somebody else's."""
    monkeypatch.setenv("COLUMNS", "500")  # a row is one line
    evil = "\x1b]0;title\x07\x9b2J\u202e\nend"
    batches = [
        {"segment": {"segmentNs": evil, "segmentId": id_, "status": [evil]}, "recordCount": 1}
        for id_ in (evil, "known")
    ]
    counted = {
        "plan": {"mergePolicy": {"id": evil, "version": 1}},
        "counts": {"candidates": 2, "batches": batches, "exclusions": {}},
    }
    segments = (SegmentDefinition("known", evil),)
    _report.of_dry_run(counted, Sandbox(evil, evil, (), segments=segments))
    out = capsys.readouterr().out
    assert all(c.isprintable() or c == "\n" for c in out)
    assert out.count("\\u001b]0;title\\u0007\\u009b2J\\u202e\\u000aend") == 7


def test_no_stage_that_a_service_tells_steers_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = Console(file=io.StringIO(), force_terminal=True, width=200)
    monkeypatch.setattr(_progress, "_is_terminal", lambda: True)
    monkeypatch.setattr(_say, "console_on", lambda **_: seen)
    with _progress.progress_bar() as show:
        show("\x1b]0;title\x07[bold]", 0.5)
    assert isinstance(seen.file, io.StringIO)
    assert "\x1b]0" not in seen.file.getvalue()
    assert "\\u001b]0;title\\u0007[bold]" in seen.file.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_long_cells_are_cut_on_a_terminal_only(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(_say, "is_terminal", lambda: is_terminal)
    monkeypatch.delenv("COLUMNS", raising=False)
    query._table(QueryResult((("a", "string"),), [["x" * 500]], False))
    assert capsys.readouterr().out.count("x") == (120 if is_terminal else 500)


def test_no_larger_limit_is_advised_than_there_is() -> None:
    assert query.MOST_ROWS == MOST_ROWS
    assert query._more(MOST_ROWS - 1) == " (there are more: raise --limit or ask for less)"
    assert query._more(MOST_ROWS) == " (there are more: ask for less)"


def test_json_has_the_same_content_whatever_its_letters(capsys: pytest.CaptureFixture[str]) -> None:
    """Also those of more than four digits that a terminal may not be ready for."""
    content = {"\x9b\x7f": "\U0001fae9 \U000e0067 \U000f0001 \u2028 \ud800 \n\x1b ü€😀"}
    _say.result_json(content)
    out = capsys.readouterr().out
    assert json.loads(out) == content
    assert all(c.isprintable() or c == "\n" for c in out)
    assert "ü€😀" in out
    _say.result("\U000f0001")
    assert capsys.readouterr().out == "\\U000f0001\n"


@pytest.mark.parametrize("name", ["sail", "spark"])
def test_an_engine_that_is_gone_can_be_interrupted(name: str) -> None:
    """Whoever stops a job has no use for another fault."""
    module = importlib.import_module(f"profile_export.engines.{name}")
    kind = {"sail": "SailEngine", "spark": "SparkEngine"}[name]
    engine = object.__new__(getattr(module, kind))
    engine._remote = False
    engine.interrupt()  # there is not even a session
