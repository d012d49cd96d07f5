"""Laws of an export: order, repetition, files and the way to components change nothing (S29)."""

from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exporting import export_world
from oracle.worlds import random_world
from profile_export.engines import Engine

SEEDS = (0, 34, 38, 55, 69)
"""Worlds that export somebody, under both graphs and both kinds of merge."""


def what_counts(result: dict[str, Any], *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    kept = ("candidates", "exclusions", "rowsWithoutIdentity", "eventsTruncated", "hashes")
    return {name: result.get(name) for name in kept if name not in without}


def shuffled(world: dict[str, Any], rng: Random) -> dict[str, Any]:
    other = deepcopy(world)
    for table in other["tables"].values():
        rng.shuffle(table["rows"])
    return other


def repeated(world: dict[str, Any]) -> dict[str, Any]:
    """Every record and every event with an ``_id`` twice: the same record, the same event."""
    other = deepcopy(world)
    kinds = {d["table"]["path"]: d["class"] for d in world["sandbox"]["datasets"] if "table" in d}
    for path, table in other["tables"].items():
        again = [r for r in table["rows"] if kinds[path] == "profile" or r.get("_id") is not None]
        table["rows"] = table["rows"] + deepcopy(again)
    return other


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_but_the_rows_decides(seed: int, tmp_path: Path, engine: Engine) -> None:
    world, request, as_of = random_world(seed, size=15)
    plain = export_world(world, request, as_of, tmp_path / "plain", engine)
    assert "error" not in plain
    other = export_world(
        shuffled(world, Random(seed)),
        request,
        as_of,
        tmp_path / "other",
        engine,
        pieces=4,
        old_rows=True,
        driver_edges=0,  # components by the DataFrame loop
    )
    assert what_counts(other) == what_counts(plain)
    twice = export_world(repeated(world), request, as_of, tmp_path / "twice", engine, pieces=2)
    without = ("rowsWithoutIdentity",)
    assert what_counts(twice, without=without) == what_counts(plain, without=without)
