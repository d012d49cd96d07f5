"""How many shuffles, which columns and which pushed filters each step of a job has.

A number here that must be raised is a shuffle that somebody has added: let it be worth it.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from exporting import prepared
from plan_world import AS_OF, EVENTFUL, REQUEST, STITCHED, WORLD
from profile_export import run
from profile_export.engines import Engine

PlansOf = Callable[[str], dict[str, str]]

pytestmark = pytest.mark.xdist_group("plan")

EVERYBODY = {"destination": {"datasetId": "target"}, "schema": REQUEST["schema"], "fields": "wide"}
WINDOW = {
    "eventList": {
        "fields": "page",
        "filter": {
            "fromIngestTimestamp": "2025-02-01T00:00:00Z",
            "toIngestTimestamp": "2025-03-01T00:00:00Z",
        },
    }
}
REQUESTS: dict[str, dict[str, Any]] = {
    "segments and events": REQUEST,
    "everybody": EVERYBODY,
    "a graph": {**REQUEST, "mergePolicy": {"id": "stitch"}},
    "a graph by rows": {**REQUEST, "mergePolicy": {"id": "stitch"}},
    "identities": {**EVERYBODY, "fields": "wide,identityMap"},
    "memberships": {**EVERYBODY, "fields": "segmentMembership"},
    "a window": {**REQUEST, "additionalFields": WINDOW},
    "too many events": {**REQUEST, "filter": {"emptyProfiles": True}},
}
WORLDS = {"a graph": STITCHED, "too many events": EVENTFUL}
"""Where other tables are needed. Without further identities a graph goes by rows."""
_KEYED = {"verdicts": 2, "members": 0}
_AMONG_SEGMENTS = {"verdicts": 4, "members": 0, "repeated-0": 1}
_GRAPH = {"repeated": 1, "edges": 1, "verdicts": 4, "members": 0}
_GRAPH |= {"keys": 0, "repeated-0": 1}
_BY_ROWS = {"repeated": 1, "who": 1, "audience": 3, "exported": 0, "members": 0, "keys": 1}
_BY_ROWS |= {"crowded": 2, "repeated-0": 1}
SHUFFLES = {
    "spark": {
        "segments and events": {**_AMONG_SEGMENTS, "rows": 2},
        "everybody": {**_KEYED, "rows": 2},
        "a graph": {**_GRAPH, "rows": 2},
        "a graph by rows": {**_BY_ROWS, "rows": 2},
        "identities": {**_KEYED, "rows": 5},
        "memberships": {**_KEYED, "rows": 3},
        "a window": {**_AMONG_SEGMENTS, "rows": 2},
        "too many events": {**_KEYED, "repeated-0": 1, "rows": 3},
    },
    # Moved once by person or id, for all that follows (docs/decisions/0021): of entries not twice.
    "sail": {
        "segments and events": {**_AMONG_SEGMENTS, "verdicts": 3, "rows": 1},
        "everybody": {**_KEYED, "rows": 0},
        "a graph": {**_GRAPH, "verdicts": 3, "rows": 1},
        "a graph by rows": {**_BY_ROWS, "keys": 0, "crowded": 0, "rows": 1},
        "identities": {**_KEYED, "rows": 3},
        "memberships": {**_KEYED, "rows": 3},
        "a window": {**_AMONG_SEGMENTS, "verdicts": 3, "rows": 1},
        "too many events": {**_KEYED, "repeated-0": 1, "rows": 1},
    },
}
"""Exchanges by hash of a request's steps, as they are planned before any size is known."""
NAMES = (
    "crmId", "ingested", "segmentMembership", "wide", "note", "_id", "timestamp", "page", "never",
)  # fmt: skip
READ = {
    "segments and events": {
        "verdicts": {"crmId", "segmentMembership"},
        "members": set(),
        "repeated-0": {"_id"},
        "rows": {"crmId", "ingested", "wide", "_id", "timestamp", "page"},
    },
    "everybody": {"verdicts": {"crmId"}, "members": set(), "rows": {"crmId", "ingested", "wide"}},
    "memberships": {
        "verdicts": {"crmId"},
        "members": set(),
        "rows": {"crmId", "segmentMembership"},
    },
}
"""Of the tables' columns, what the steps read: nothing that decides nothing and is not asked."""


@pytest.fixture(scope="module")
def plans_of(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> PlansOf:
    """The plans of each request, which are made once for all tests here: they only read them."""
    return cache(lambda name: _plans_of(name, tmp_path_factory.mktemp("plans"), engine))


def _plans_of(name: str, folder: Path, engine: Engine) -> dict[str, str]:
    """The physical plan of each step: what is materialised, by name, and the rows."""
    work, export = prepared(WORLDS.get(name, WORLD), REQUESTS[name], AS_OF, folder, engine)
    plans, materialise = {}, work.materialise

    def noted(frame: Any, name: str) -> Any:
        plans[name] = text_of(frame, engine)
        return materialise(frame, name)

    work.materialise = noted  # type: ignore[method-assign]
    plans["rows"] = text_of(run.rows(work, export, run.decide(work, export)), engine)
    return plans


def text_of(frame: Any, engine: Engine) -> str:
    if engine.name != "spark":
        return str(frame._explain_string())
    length = "spark.sql.maxMetadataStringLength"
    before = engine.spark.conf.get(length)
    engine.spark.conf.set(length, 10_000)  # else filters are shown in part
    try:
        return str(frame._jdf.queryExecution().executedPlan().toString())
    finally:
        engine.spark.conf.set(length, before)


def shuffles(plan: str) -> int:
    return len(re.findall(r"Exchange hashpartitioning|RepartitionExec: partitioning=Hash", plan))


@pytest.mark.parametrize("name", REQUESTS)
def test_no_step_has_more_shuffles_than_it_had(
    name: str, plans_of: PlansOf, engine: Engine
) -> None:
    found = {step: shuffles(plan) for step, plan in plans_of(name).items()}
    assert found == SHUFFLES[engine.name][name]


@pytest.mark.parametrize("name", READ)
def test_each_step_reads_what_it_needs(name: str, plans_of: PlansOf) -> None:
    """4-architecture, load: explicitly selected to the leaves that are needed."""
    assert {step: columns_read(plan) for step, plan in plans_of(name).items()} == READ[name]


def columns_read(plan: str) -> set[str]:
    of_scans = r"FileScan parquet \[(.*?)\] Batched|DataSourceExec: .*projection=\[(.*?)\], file_t"
    text = " ".join(spark or sail for spark, sail in re.findall(of_scans, plan))
    return {name for name in NAMES if re.search(rf"\b{name}\b", text)}


def test_a_window_of_ingest_times_is_pushed_into_the_scan(
    plans_of: PlansOf, engine: Engine
) -> None:
    """S24, where no event is repeated (S23)."""
    plan = plans_of("a window")["rows"]
    if engine.name == "spark":
        (pushed,) = re.findall(r"PushedFilters: \[(.*ingested.*?)\], ReadSchema", plan)
        assert "GreaterThan(ingested,2025-02-01" in pushed
        assert "LessThan(ingested,2025-03-01" in pushed
    else:
        (predicate,) = re.findall(r"predicate=(.*ingested@.*), pruning_predicate", plan)
        assert re.search(r"ingested@\d+ > 1738368000000000", predicate), predicate
        assert re.search(r"ingested@\d+ < 1740787200000000", predicate), predicate


def test_a_condition_on_records_and_events_is_no_product(plans_of: PlansOf) -> None:
    for name in REQUESTS:
        for step, plan in plans_of(name).items():
            assert not re.search(r"Cartesian|NestedLoopJoin|CrossJoin|PythonUDF", plan), (
                name,
                step,
            )
