"""The limit of the embedded engine's memory: how it is written, and what is said of it."""

import os
from pathlib import Path

import pytest

import small_sandbox
from profile_export import cli
from profile_export.engines import choice, sail_memory
from profile_export.engines.sail_memory import VARIABLE
from profile_export.errors import Refused
from profile_export.plan import ExportPlan
from profile_export.planning import make_plan
from profile_export.sandbox import load_sandbox
from profile_export.tables import inspect_table

GIB = 2**30


@pytest.fixture
def plan(tmp_path: Path) -> ExportPlan:
    sandbox = load_sandbox(small_sandbox.build(tmp_path))
    return make_plan(small_sandbox.request(), sandbox, table_info=inspect_table)


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("2GiB", 2 * GIB),
        ("2g", 2 * GIB),
        ("2 gib", 2 * GIB),
        ("2GB", 2 * 10**9),
        ("512MB", 512 * 10**6),
        ("512m", 512 * 2**20),
        (" 1.5GiB ", 3 * 2**29),
        ("1TiB", 2**40),
        ("64KiB", 2**16),
        ("", None),
        ("  ", None),
    ],
)
def test_a_limit(written: str, size: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, written)
    assert sail_memory.limit() == size


def test_without_the_variable_is_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert sail_memory.limit() is None


WRONG = [
    "2",
    "0GiB",
    "-1GiB",
    "2 G B",
    "1e3MB",
    "lots",
    "50%",
    "2GiBB",
    "9999999TiB",
    "１GiB",
    "2b",
]


@pytest.mark.parametrize("written", WRONG)
def test_no_limit(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, written)
    with pytest.raises(Refused) as caught:
        sail_memory.limit()
    (problem,) = caught.value.problems
    assert problem.parameter == VARIABLE
    assert repr(written) in problem.detail
    assert "2GiB" in problem.detail


@pytest.mark.parametrize(
    "words",
    [
        ["run", "nothing.json", "--sandbox", "nothing.yml"],
        ["run", "nothing.json", "--sandbox", "nothing.yml", "--engine", "auto"],
        ["worker", "--store", "sqlite:///nothing.db"],
        ["serve", "--port", "0"],
    ],
)
def test_a_wrong_limit_is_told_before_anything_else(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "lots")
    assert cli.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{VARIABLE}: 'lots' is no size of memory: write ")
    assert list(tmp_path.iterdir()) == []


def test_another_engine_does_not_mind_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "lots")
    words = ["run", "nothing.json", "--sandbox", "nothing.yml", "--engine", "spark"]
    assert cli.main(words) == 2
    assert VARIABLE not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("free", "limit", "name"),
    [
        pytest.param(8 * GIB, "4GiB", "sail", id="it fits both"),
        pytest.param(8 * GIB, "256MiB", "spark", id="there is memory, but it may not have it"),
        pytest.param(GIB // 2, "4GiB", "spark", id="it might have memory that is not there"),
    ],
)
def test_auto_heeds_the_limit(
    plan: ExportPlan, free: int, limit: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, limit)
    found = choice.choose(plan, free=free, has_java=True)
    assert found.name == name
    assert found.reason.endswith(" allowed")


def test_a_graph_is_counted_as_more(plan: ExportPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(graph: str) -> str:
        policy = plan.merge_policy.model_copy(update={"graph": graph})
        asked = plan.model_copy(update={"merge_policy": policy})
        return choice.choose(asked, free=16 * GIB, has_java=True).name

    monkeypatch.setattr(choice, "memory_needed", lambda _plan: 2 * GIB)
    monkeypatch.setenv(VARIABLE, "3GiB")
    assert [chosen("none"), chosen("pdg")] == ["sail", "spark"]
    monkeypatch.delenv(VARIABLE)
    assert chosen("pdg") == "sail"


@pytest.mark.parametrize(
    "text",
    [
        "(x) Failed to allocate additional 511.2 KB for HashJoinInput[0] with 64.8 MB already"
        " allocated for this reservation - 184.4 KB remain available for the total memory pool:"
        " greedy(used: 127.8 MB, pool_size: 128.0 MB)",
        "Not enough memory to continue external sort. Consider increasing the memory limit config:"
        " 'datafusion.runtime.memory_limit', or decreasing the config: ...",
        "Final hash aggregate ran out of memory with no aggregated groups",
    ],
)
def test_what_sail_says_beyond_its_limit(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sail_memory, "_in_force", 2**27)
    told = sail_memory.exceeded(text)
    assert told is not None
    assert told.code == "out-of-memory"
    for words in ("128 MiB", VARIABLE, "higher limit", "--engine spark"):
        assert words in str(told)
    monkeypatch.setattr(sail_memory, "_in_force", None)
    assert sail_memory.exceeded(text) is None  # then it is not our limit that was in the way


def test_other_errors_are_none_of_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sail_memory, "_in_force", 2**27)
    assert sail_memory.exceeded("Could not find a file of the table memory_pool") is None


def test_the_server_is_told_while_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sail_memory, "_in_force", None)
    monkeypatch.setenv("SAIL_RUNTIME__MEMORY_POOL__TYPE", "unbounded")
    before = dict(os.environ)
    with sail_memory.told(None, ""):
        parts_and_batches = {PARTS, "SAIL_EXECUTION__BATCH_SIZE"}
        assert {n: v for n, v in os.environ.items() if n not in parts_and_batches} == before
    with sail_memory.told(2**27, "/spill"):
        assert os.environ["SAIL_RUNTIME__MEMORY_POOL__TYPE"] == "greedy"
        assert os.environ["SAIL_RUNTIME__MEMORY_POOL__GREEDY__MAX_SIZE"] == "134217728"
        assert os.environ["SAIL_OPTIMIZER__PREFER_HASH_JOIN"] == "false"
        assert os.environ["SAIL_RUNTIME__TEMPORARY_FILES__PATHS"] == '["/spill"]'
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("OPTIMIZER__PREFER_HASH_JOIN", "true"), ("RUNTIME__TEMPORARY_FILES__PATHS", '["/big"]')],
)
def test_what_the_user_tells_sail_stays(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sail_memory, "_in_force", None)
    monkeypatch.setenv(f"SAIL_{name}", value)
    with sail_memory.told(2**27, "/spill"):
        assert os.environ[f"SAIL_{name}"] == value
    assert os.environ[f"SAIL_{name}"] == value


def test_the_help_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--help"]) == 0
    assert VARIABLE in capsys.readouterr().out


PARTS = "SAIL_EXECUTION__DEFAULT_PARALLELISM"


def test_without_a_limit_there_are_more_parts_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sail_memory, "_in_force", None)
    monkeypatch.delenv(PARTS, raising=False)
    with sail_memory.told(None, ""):
        assert int(os.environ[PARTS]) >= max(8, os.cpu_count() or 1)
        assert sail_memory.parts(None) == 32
    assert PARTS not in os.environ


def test_with_a_limit_there_are_no_more_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part of a sort reserves memory."""
    monkeypatch.setattr(sail_memory, "_in_force", None)
    monkeypatch.delenv(PARTS, raising=False)
    with sail_memory.told(GIB, "somewhere"):
        assert PARTS not in os.environ
        assert sail_memory.parts(GIB) == os.cpu_count()


def test_parts_that_the_user_sets_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PARTS, "3")
    with sail_memory.told(None, ""):
        assert os.environ[PARTS] == "3"
    assert os.environ[PARTS] == "3"


@pytest.mark.parametrize(("size", "parts"), [(0, 8), (GIB, 51), (10 * GIB, 256)])
def test_the_more_there_is_the_more_parts(
    size: int, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sail_memory, "_in_force", None)
    assert sail_memory.parts(size) == parts
