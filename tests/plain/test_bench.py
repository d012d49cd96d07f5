"""The benchmark: its tables are the same each time, and its scripts make the rows that we make."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from bench import equal
from bench.cases import Case, cases, lay_out
from bench.data import build
from bench.measure import Watch
from bench.programs import PROGRAMS
from bench.shape import Shape, segment
from deltalake import DeltaTable

from working import wait_for

SMALL = Shape(200)
DIRTY = Shape(200, replaced=0.3, repeated=0.2)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of both shapes, each below its name."""
    folder = tmp_path_factory.mktemp("bench")
    for shape in (SMALL, DIRTY):
        build(shape, folder / shape.name)
    return folder


def _rows(folder: Path) -> dict[str, list[dict[str, object]]]:
    names = ("crm", "loyalty", "web", "events")
    return {
        name: [
            row
            for file in DeltaTable(folder / name).file_uris()
            for row in pq.read_table(file.removeprefix("file://")).to_pylist()
        ]
        for name in names
    }


def test_equal_shapes_give_equal_tables(tables: Path, tmp_path: Path) -> None:
    build(SMALL, tmp_path)
    assert _rows(tmp_path) == _rows(tables / SMALL.name)


def test_a_seed_changes_who_is_in_a_segment(tables: Path, tmp_path: Path) -> None:
    build(Shape(200, seed=2), tmp_path)
    assert _rows(tmp_path)["crm"] != _rows(tables / SMALL.name)["crm"]


def test_the_tables_are_as_large_as_the_shape_says(tables: Path) -> None:
    rows = _rows(tables / SMALL.name)
    assert len(rows["crm"]) == 200
    assert 120 < len(rows["loyalty"]) < 200
    assert 80 < len(rows["web"]) < 160
    assert len(rows["events"]) == 1000
    assert len({row["_id"] for row in rows["events"]}) == 1000


def test_dials_add_what_they_say(tables: Path, tmp_path: Path) -> None:
    rows = _rows(tables / DIRTY.name)
    assert 230 < len(rows["crm"]) < 290
    assert len(rows["events"]) > len({row["_id"] for row in rows["events"]}) == 1000
    build(Shape(200, hot_events=500, shared=50), tmp_path)
    hot = _rows(tmp_path)
    of = [str(row["_acme"]) for row in hot["events"]]
    assert max(map(of.count, set(of))) >= 500
    mails = [row["personalEmail"] for row in hot["crm"]]
    assert mails.count({"address": "shared@example.org"}) == 50


def _case(name: str, shape: Shape) -> Case:
    return cases(shape)[name]


@pytest.mark.parametrize(
    ("shape", "name"),
    [(SMALL, "three"), (SMALL, "everybody-all"), (DIRTY, "order")],
    ids=["segments and events", "every leaf", "older records, repeated events, an order"],
)
def test_the_scripts_make_our_rows(tables: Path, tmp_path: Path, shape: Shape, name: str) -> None:
    lay_out(_case(name, shape), shape, data=tables / shape.name, work=tmp_path)
    found = {}
    for program in ("sail", "sail-warm", "duckdb-one", "duckdb-two"):
        command = PROGRAMS[program].command(tmp_path, 1)
        subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2])
        found[program] = equal.summary(PROGRAMS[program], tmp_path)
    assert found["sail"], "an export of nobody would compare nothing"
    assert equal.difference(found["sail"], found["sail-warm"]) is None
    assert equal.difference(found["sail"], found["duckdb-one"]) is None
    assert equal.difference(found["sail"], found["duckdb-two"]) is None


def test_a_difference_is_told() -> None:
    one: equal.Summary = [(0, 5, 1, 2, "types")]
    assert equal.difference(one, one) is None
    assert equal.difference(one, [(0, 6, 1, 2, "types")]) is not None
    assert equal.difference(one, []) == "1 batches with rows are not 0"


def test_fifty_segments_cover_the_people_of_one() -> None:
    found = cases(SMALL)
    assert found["cover-1"].segments == (segment("cover"),)
    assert len(found["cover-50"].segments) == 50


def test_a_process_that_ends_while_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look ended the watch: memory and processor time were told too low."""

    def gone(*_: object) -> Iterator[Path]:
        raise FileNotFoundError
        yield

    with monkeypatch.context() as patched:
        patched.setattr(Path, "glob", gone)
        watch = Watch(os.getpid(), every=0.01)
        wait_for(lambda: watch.peak > 0)
        watch.end()
