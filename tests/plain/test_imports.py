"""The rules of the house (docs/architecture.md): who imports whom, what a stage may not do."""

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import IO, cast

import pytest

import profile_export

ROOT = Path(profile_export.__path__[0])
PACKAGE = "profile_export"

WITHOUT_PYSPARK = [
    "asked", "catalog", "catalog.file", "catalog.rules", "catalog.yamlfile", "cli", "commit",
    "delta_log", "document", "engines", "engines._settings", "own_commit", "times_without_zone",
    "errors", "faults", "fields", "growth", "inputs", "jsonbody", "manifest", "outputs",
    "pins", "plan", "planning", "policies",
    "projections", "request", "request_rules", "rerun", "sandbox", "schema", "shape", "storage",
    "tables", "tables.checks", "tables.parquet_files", "tables.parquet_schema",
    "tables.parquet_types", "union",
    "verify", "widening",
]  # fmt: skip
"""Requests, sandboxes and plans are read in milliseconds; ``--help`` and ``verify`` likewise."""

OF_STAGES = {
    "collections.abc", "dataclasses", "functools", "itertools", "typing",
    "pyspark.sql.Column", "pyspark.sql.DataFrame", "pyspark.sql.Window", "pyspark.sql.functions",
    "profile_export.columns", "profile_export.columns.canonical",
    "profile_export.columns.identity", "profile_export.columns.membership",
    "profile_export.columns.row",
    "profile_export.fields", "profile_export.frames", "profile_export.frames.identities",
    "profile_export.frames.structs", "profile_export.frames.winners", "profile_export.keyed_plans",
    "profile_export.outputs", "profile_export.plan", "profile_export.schema",
    "profile_export.union",
}  # fmt: skip
"""All that a stage imports: columns, what frames have in common, and what the plan says."""

NOT_BENEATH_STAGES = {
    "deltalake", "os", "pathlib", "pyarrow", "random", "secrets", "shutil", "socket", "subprocess",
    "tempfile", "threading", "time", "uuid", f"{PACKAGE}.commit", f"{PACKAGE}.engines",
    f"{PACKAGE}.job", f"{PACKAGE}.run", f"{PACKAGE}.sandbox", f"{PACKAGE}.storage",
}  # fmt: skip
"""Paths, clocks, sessions, chance: not even at second hand."""

NOT_IN_STAGES = {
    "clock": {"now", "today", "utcnow", "current_timestamp", "current_date", "localtimestamp"},
    "chance": {"rand", "randn", "uuid", "shuffle", "monotonically_increasing_id"},
    "session": {"SparkSession", "sparkSession", "conf", "builder", "getActiveSession", "_jvm"},
    "action": {"collect", "toArrow", "toPandas", "toLocalIterator", "isEmpty", "foreach", "take"},
    "input or output": {"read", "write", "open", "createDataFrame"},
    "lineage": {"cache", "persist", "checkpoint", "localCheckpoint", "observe"},
    "what one engine lacks": {"rdd", "udf", "pandas_udf", "mapInPandas", "mapInArrow", "hint"}
    | {"map_filter", "transform_keys", "transform_values", "zip_with", "dropDuplicates"},
}

STORAGE = ("deltalake", "pyarrow.dataset", "pyarrow.fs", "pyarrow.parquet", f"{PACKAGE}.storage")
MAY_WRITE = (
    "engines", "commit", "delta_log", "storage", "manifest", "job", "job_life", "attempt",
    "job_folder", "job_lock", "times_without_zone",
    "demo", "compare", "diff.file", "children.counting",
)  # fmt: skip
"""The last four write beside: the demo's tables, scratch of comparing and counting, diffs."""
MAY_READ = (
    "tables", "pins", "broken_inputs", "engine_errors", "papers", "diff", "diff.rows", "query",
    "committed", "own_commit", "rowset.offline", "target_rules", "used_ids", "verify",
    "verified.log", "verified.rows",
)  # fmt: skip
"""Metadata for planning, papers and files for those who check them."""
WRITES = {"write", "delete", "delete_tree", "delete_if_empty", "write_table", "write_deltalake"} | {
    "write_bytes", "write_text", "unlink", "rmtree", "mkdir", "create_write_transaction",
}  # fmt: skip

KNOW_STAGES = ("run", "phases", "explain", "explained")
"""``run`` has the order; the others run the same stages for one person, or again."""


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in sorted(ROOT.rglob("*.py"))}
STAGES = [name for name in MODULES if name.startswith("stages.")]
SERVICE = [
    name
    for name in MODULES
    if name.startswith("service") and not name.startswith("service.store.migrations.")
]
"""Without what Alembic alone runs, on a connection that it gives: no modules to import."""


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text(encoding="utf-8"))


@cache
def imports(name: str) -> frozenset[str]:
    """What a module imports anywhere in it, functions and type checking included.

    ``from a import b`` is ``a.b`` where that is a module of ours or a name of PySpark, else ``a``.
    """
    found: set[str] = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            found |= {_imported(str(node.module), alias.name) for alias in node.names}
    return frozenset(found)


def _imported(module: str, name: str) -> str:
    full = f"{module}.{name}"
    ours = full.removeprefix(f"{PACKAGE}.") in MODULES
    return full if ours or module == "pyspark.sql" or full in STORAGE else module


def beneath(name: str) -> Iterator[str]:
    """All that a module imports, at any number of hands within the package."""
    waiting, seen = [name], {name}
    while waiting:
        for found in imports(waiting.pop()):
            yield found
            ours = found.removeprefix(f"{PACKAGE}.")
            if ours in MODULES and ours not in seen:
                seen.add(ours)
                waiting.append(ours)


def is_one_of(name: str, groups: tuple[str, ...]) -> bool:
    return any(name == group or name.startswith(f"{group}.") for group in groups)


def used(name: str) -> set[str]:
    """Every name and attribute that a module's code mentions."""
    nodes = list(ast.walk(tree(name)))
    return {n.attr for n in nodes if isinstance(n, ast.Attribute)} | {
        n.id for n in nodes if isinstance(n, ast.Name)
    }


_IMPORTS_ONE = """
import os, sys
import alembic, deltalake, fastapi, jwt, prometheus_client, psycopg, pyarrow, sqlalchemy, uvicorn
for name in sys.stdin:
    if not os.fork():
        __import__(name.strip())
        print(*(m for m in sys.modules if m.split(".")[0] in ("pyspark", "pysail")), flush=True)
        os._exit(0)
    print("ended with", os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


@pytest.fixture(scope="module")
def imported_alone() -> Iterator[Callable[[str], list[str]]]:
    """Imports a module in a process that has loaded nothing of ours; gives what is said of it.

    Each is forked off one that has others' packages: to load them is most of what an import takes.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent)}
    with subprocess.Popen(
        [sys.executable, "-c", _IMPORTS_ONE],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=environment,
    ) as process:  # fmt: skip
        asked, told = cast(IO[str], process.stdin), cast(IO[str], process.stdout)

        def imported(name: str) -> list[str]:
            print(name, file=asked, flush=True)
            lines: list[str] = []
            while not lines or not lines[-1].startswith("ended with"):
                lines.append(told.readline().strip())
                assert process.poll() is None, told.read()
            return lines

        yield imported
        asked.close()


@pytest.mark.parametrize("name", [*WITHOUT_PYSPARK, *SERVICE])
def test_no_pyspark(name: str, imported_alone: Callable[[str], list[str]]) -> None:
    assert imported_alone(f"{PACKAGE}.{name}") == ["", "ended with 0"]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_imports_columns_and_the_plan_only(name: str) -> None:
    assert imports(name) <= OF_STAGES


@pytest.mark.parametrize("name", [name for name in MODULES if is_one_of(name, ("columns",))])
def test_columns_know_no_frame(name: str) -> None:
    assert "pyspark.sql.DataFrame" not in imports(name)
    assert not {found for found in beneath(name) if is_one_of(found, (f"{PACKAGE}.frames",))}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_small(name: str) -> None:
    functions = [n for n in ast.walk(tree(name)) if isinstance(n, ast.FunctionDef)]
    longest = max((cast(int, n.end_lineno) - n.lineno + 1 for n in functions), default=0)
    lines = len(MODULES[name].read_text(encoding="utf-8").splitlines())
    assert (lines <= 150, longest <= 40) == (True, True), (lines, longest)


@pytest.mark.parametrize("name", [n for n in MODULES if ".migrations." not in n])
def test_a_function_is_short(name: str) -> None:
    """40 lines beside its docstring."""
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            told = len((ast.get_docstring(node, clean=False) or "").splitlines())
            assert cast(int, node.end_lineno) - node.lineno + 1 - told <= 40, node.name


def test_a_class_has_a_name_of_its_own() -> None:
    """Two of one name are taken for each other; private ones, and words of ``explain``, aside."""
    found = [
        node.name
        for name in MODULES
        if not name.startswith("explained.")
        for node in ast.walk(tree(name))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert [name for name, count in Counter(found).items() if count > 1] == []


@pytest.mark.parametrize("name", STAGES)
def test_beneath_a_stage_is_no_session_path_or_clock(name: str) -> None:
    assert {found for found in beneath(name) if is_one_of(found, (*NOT_BENEATH_STAGES,))} == set()


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("kind", NOT_IN_STAGES)
def test_a_stage_uses_no(kind: str, name: str) -> None:
    assert used(name) & NOT_IN_STAGES[kind] == set()


@pytest.mark.parametrize("name", MODULES)
def test_only_run_knows_the_order(name: str) -> None:
    known = {found for found in imports(name) if found.startswith(f"{PACKAGE}.stages")}
    assert not known or is_one_of(name, KNOW_STAGES)


@pytest.mark.parametrize("name", MODULES)
def test_only_engines_and_commit_touch_storage(name: str) -> None:
    touched = {found for found in imports(name) if is_one_of(found, STORAGE)}
    at_the_top = ("commands", "cli", "entry", "service")
    assert not touched or is_one_of(name, (*MAY_WRITE, *MAY_READ, *at_the_top))


@pytest.mark.parametrize(
    "name",
    [n for n in MODULES if is_one_of(n, MAY_READ) and not is_one_of(n, MAY_WRITE)],
)
def test_who_only_reads_does_not_write(name: str) -> None:
    assert used(name) & WRITES == set()


@pytest.mark.parametrize("name", MODULES)
def test_nothing_below_imports_the_command_line(name: str) -> None:
    above = ("commands", "cli", "entry", "service")
    upward = {f for f in imports(name) if is_one_of(f.removeprefix(f"{PACKAGE}."), above)}
    assert not upward or is_one_of(name, above)


def test_the_foundations_stand_alone() -> None:
    ours = {name: {f for f in imports(name) if f.startswith(PACKAGE)} for name in MODULES}
    assert ours["errors"] == ours["schema"] == set()
    assert ours["plan"] == {f"{PACKAGE}.schema"}


def test_architecture_tells_of_every_module() -> None:
    page = (ROOT.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    told = set(_named(page.split("## The tree")[1].split("## Who may import whom")[0]))
    in_words = ("commands/", "demo/", "explained/", "service/routes/", "service/store/")
    files = {str(f.relative_to(ROOT)) for f in MODULES.values() if f.name != "__init__.py"}
    assert {f for f in files - told if not f.startswith(in_words)} == set()
    assert {f for f in told if not (ROOT / f).exists()} == set()


def _named(tree: str) -> Iterator[str]:
    """Modules of the first column; after ``a/b.py``, ``c.py`` is in ``a`` as well."""
    for row in re.findall(r"^\| (`.*?) \|", tree, re.MULTILINE):
        folder = ""
        for name in re.findall(r"`([^`]+)`", row):
            folder = f"{name.rpartition('/')[0]}/" if "/" in name else folder
            yield name if "/" in name else folder + name
