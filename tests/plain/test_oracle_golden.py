"""The oracle gives what every golden vector expects. No engine is needed."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from oracle import differences, export
from oracle.values import parse_time

VECTORS = sorted((Path(__file__).parent.parent / "golden").glob("*.yml"))


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", VECTORS, ids=[path.stem for path in VECTORS])
def test_oracle_agrees_with_vector(path: Path) -> None:
    vector = read(path)
    result = export(vector, vector["request"], parse_time(vector["asOf"]))
    assert differences(vector["expect"], result) == []
