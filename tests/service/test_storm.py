"""The short form of ``scripts/service-storm``."""

from pathlib import Path

from service_storm import Storm


def test_a_small_storm(empty_url: str, tmp_path: Path) -> None:
    assert Storm(tmp_path, empty_url, jobs=12, clients=6, kills=1).run() == []
