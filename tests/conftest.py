"""One suite, two engines: ``pytest --engine sail`` (default) and ``pytest --engine spark``.

A process is either Connect or classic (engines/sail_session.py), so the engine is opened once per
process.
"""

import gc
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings
from pyspark.sql import SparkSession

from profile_export.engines import Engine, open_engine
from tiny import TINY


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", default="sail", choices=("sail", "spark"))


def pytest_configure(config: pytest.Config) -> None:
    # No test is timed: the machine may have other work.
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
    config.addinivalue_line("markers", "spark_only: looks at what only the spark engine has")
    config.addinivalue_line("markers", "sail_only(why): looks at what only sail has or can do")
    # A shell that starts this in the background has it ignore Ctrl-C, and ``nohup`` a terminal that
    # is closed; so would the programs that tests interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    others = "spark_only" if config.getoption("--engine") == "sail" else "sail_only"
    items[:] = [item for item in items if item.get_closest_marker(others) is None]


def pytest_collection_finish() -> None:
    # Thousands of tests are half a million objects, which stay: to look through them takes 0.7 s of
    # each full collection of garbage, in the middle of what has an allowance of processor time.
    gc.collect()
    gc.freeze()


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
