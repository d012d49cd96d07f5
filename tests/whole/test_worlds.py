"""Random worlds, against an independent implementation of the semantics (tests/oracle)."""

import os
from pathlib import Path
from typing import Any

import pytest

from exporting import export_world
from oracle import differences, export
from oracle.worlds import random_world, stitched_world
from profile_export.engines import Engine

FIRST = int(os.environ.get("PROFILE_EXPORT_TEST_SEED", "0"))
WORLDS = int(os.environ.get("PROFILE_EXPORT_TEST_WORLDS", "12"))


@pytest.mark.parametrize("made", [random_world, stitched_world])
@pytest.mark.parametrize("seed", range(FIRST, FIRST + WORLDS))
def test_engine_agrees_with_the_oracle(
    seed: int, made: Any, tmp_path: Path, engine: Engine
) -> None:
    world, request, as_of = made(seed, size=12)
    wanted = export(world, request, as_of)
    expect = {"problems": wanted["error"]} if "error" in wanted else dict(wanted)
    expect["namespaces"] = expect.pop("exportedProfileByNamespaceCounter", None)
    got = export_world(
        world, request, as_of, tmp_path, engine, pieces=1 + seed % 3, old_rows=seed % 2 == 0
    )
    if "error" in wanted:
        expect.pop("namespaces")
    assert differences(expect, got) == []
    assert got.get("counted") == (
        [len(b["rows"]) for b in got["batches"]] if "batches" in got else None
    )
