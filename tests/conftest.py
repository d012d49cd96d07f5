"""One suite, two engines: ``pytest --engine sail`` (default) and ``pytest --engine spark``.

A process is either Connect or classic (engines/sail.py), so the engine is opened once per process.
"""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from profile_export.engines import Engine, open_engine
from tiny import TINY


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", default="sail", choices=("sail", "spark"))


@pytest.fixture(scope="session")
def engine_name(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--engine"))


@pytest.fixture(scope="session")
def engine(engine_name: str) -> Iterator[Engine]:
    opened = open_engine(engine_name, settings=TINY)
    yield opened
    opened.stop()


@pytest.fixture(scope="session")
def spark(engine: Engine) -> SparkSession:
    return engine.spark
