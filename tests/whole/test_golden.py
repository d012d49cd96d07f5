"""Every golden vector, on the engine at hand: rows, counts and refusals (S1-S26)."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporting import export_world
from oracle import differences
from oracle.values import parse_time
from profile_export.engines import Engine

VECTORS = sorted((Path(__file__).parent.parent / "golden").glob("*.yml"))


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", VECTORS, ids=[path.stem for path in VECTORS])
def test_engine_gives_what_the_vector_expects(path: Path, tmp_path: Path, engine: Engine) -> None:
    vector = read(path)
    as_of = parse_time(vector["asOf"])
    result = export_world(vector, vector["request"], as_of, tmp_path, engine)
    assert differences(vector["expect"], result) == []
    if "error" not in result:
        assert result["counted"] == [len(batch["rows"]) for batch in result["batches"]]
