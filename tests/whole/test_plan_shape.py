"""Who, then what: in Spark's physical plan, other people's wide rows stop before any shuffle."""

import re
from copy import deepcopy
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from exporting import prepared
from plan_world import AS_OF, EVENTFUL, REQUEST, STITCHED, WORLD
from profile_export import run
from profile_export.engines import Engine

pytestmark = [
    pytest.mark.spark_only,  # one process shuffles nothing over a network: no Exchange
    pytest.mark.xdist_group("plan"),
]


def branch_of(plan: list[str], at: int) -> list[str]:
    """The operators above line ``at`` of a plan in tree form, nearest first."""
    depth, above = indent(plan[at]), []
    for line in reversed(plan[:at]):
        if indent(line) < depth:
            depth = indent(line)
            above.append(line)
    return above


def indent(line: str) -> int:
    return len(line) - len(line.lstrip(" :+-"))


def lines_of(
    request: dict[str, object], folder: Path, engine: Engine, *, world: dict[str, Any] = WORLD
) -> list[str]:
    """The lines of the physical plan of the what phase."""
    work, export = prepared(world, request, AS_OF, folder, engine)
    rows = run.rows(work, export, run.decide(work, export))
    return str(rows._jdf.queryExecution().executedPlan().toString()).splitlines()


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> list[str]:
    """Of a policy without a graph."""
    return lines_of(REQUEST, tmp_path_factory.mktemp("plan"), engine)


@pytest.mark.parametrize("leaf", ["wide", "page"])
def test_wide_rows_are_joined_with_the_audience_before_any_exchange(
    plan: list[str], leaf: str
) -> None:
    scans = [i for i, line in enumerate(plan) if re.search(rf"ReadSchema: .*\b{leaf}:", line)]
    assert scans, "the leaf is read"
    for scan in scans:
        above = branch_of(plan, scan)
        first_join = next(i for i, line in enumerate(above) if "Join" in line)
        exchanges = [i for i, line in enumerate(above) if "Exchange hashpartitioning" in line]
        assert all(first_join < i for i in exchanges), "\n".join(plan)


def test_only_asked_leaves_are_read(plan: list[str]) -> None:
    """4-architecture, load: explicitly selected to the leaves that are needed."""
    schemas = [line.split("ReadSchema:")[1] for line in plan if "ReadSchema:" in line]
    assert schemas
    assert not any("note:" in schema or "never:" in schema for schema in schemas)


def test_a_record_takes_one_exchange(plan: list[str]) -> None:
    """4-architecture, merge, where a person has one record a dataset: joins, no aggregate."""
    scans = [i for i, line in enumerate(plan) if re.search(r"ReadSchema: .*\bwide:", line)]
    assert len(scans) == 2
    for scan in scans:
        above = branch_of(plan, scan)
        assert sum("Exchange hashpartitioning" in line for line in above) <= 1, "\n".join(plan)
        assert not any("Aggregate" in line for line in above), "\n".join(plan)


def test_attributes_of_crowded_persons_take_one_exchange(tmp_path: Path, engine: Engine) -> None:
    """4-architecture, merge, where a dataset has many records of a person: one shuffle, by person,
    beside the joins of all others."""
    world = deepcopy(STITCHED)
    for row in world["tables"]["crm"]["rows"][:2]:
        row["note"] = "the same address"
    everybody = {name: part for name, part in REQUEST.items() if name != "filter"}
    asked = {**everybody, "mergePolicy": {"id": "stitch"}}
    plan = lines_of(asked, tmp_path, engine, world=world)
    (merged,) = [
        i for i, line in enumerate(plan) if "max_by(c0" in line and "partial_max_by" not in line
    ]
    under = takewhile(lambda line: indent(line) > indent(plan[merged]), plan[merged + 1 :])
    exchanges = [line for line in under if "Exchange hashpartitioning" in line]
    assert len(exchanges) == 1, "\n".join(plan)
    assert re.search(r"hashpartitioning\(person#\d+L, ", exchanges[0])


def test_too_many_events_of_a_person_are_dropped_before_they_move(
    tmp_path: Path, engine: Engine
) -> None:
    """S25: no task sends, and none lists, more than are kept of one person."""
    everybody = {**REQUEST, "filter": {"emptyProfiles": True}}
    plan = lines_of(everybody, tmp_path, engine, world=EVENTFUL)
    (scan,) = [i for i, line in enumerate(plan) if re.search(r"ReadSchema: .*\bpage:", line)]
    above = "\n".join(branch_of(plan, scan))
    steps = r"WindowGroupLimit .*Partial.*Exchange hashpart.*WindowGroupLimit .*Final.*collect_list"
    assert re.search(steps, above, re.DOTALL), "\n".join(plan)


def test_nothing_is_multiplied(plan: list[str]) -> None:
    text = "\n".join(plan)
    assert "CartesianProduct" not in text
    assert "BroadcastNestedLoopJoin" not in text
    assert "PythonUDF" not in text
