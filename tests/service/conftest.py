"""A store on SQLite and on a real PostgreSQL, a small sandbox in it, and the app over both.

``store`` makes a test run twice. A test that stops the server takes ``own_postgres``.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import serving
import small_sandbox
from postgres import Postgres
from profile_export.service.app import create_app
from profile_export.service.config import ServiceConfig
from profile_export.service.store import Store, open_store
from service.browsing import browser, page
from service.live import live
from serving import SmallCatalog

__all__ = ["browser", "live", "page"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for the whole session; nobody stops it."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A running server that a test may stop and start (1.5 s)."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "store.db"
    open_store(f"sqlite:///{file}").close()
    return file


@pytest.fixture(scope="session")
def migrated_database(postgres: Postgres) -> str:
    name = postgres.create()
    open_store(postgres.url(name)).close()
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a store with all its tables and nothing in them."""
    if request.param == "sqlite":
        file = tmp_path / "store.db"
        shutil.copy(request.getfixturevalue("migrated_file"), file)
        yield f"sqlite:///{file}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        name = server.create(template=request.getfixturevalue("migrated_database"))
        yield server.url(name)
        server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a store that has no tables yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        name = server.create()
        yield server.url(name)
        server.drop(name)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    opened = open_store(store_url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def small_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = small_sandbox.build(tmp_path_factory.mktemp("small"))
    file.write_text(small_sandbox.SANDBOX.rstrip() + serving.MORE, encoding="utf-8")
    return file.parent


@pytest.fixture
def small_catalog(store: Store, small_tables: Path, tmp_path: Path) -> SmallCatalog:
    """The small sandbox, with tables of its own, in the store."""
    folder = tmp_path / "sandbox"
    shutil.copytree(small_tables, folder)
    return serving.fill(store, folder)


@pytest.fixture
def config() -> ServiceConfig:
    """Override it in a module that needs other settings."""
    return ServiceConfig()


@pytest.fixture
def app(store: Store, config: ServiceConfig) -> FastAPI:
    return create_app(store, config)


@pytest.fixture
def client(app: FastAPI, small_catalog: SmallCatalog) -> Iterator[TestClient]:  # noqa: ARG001
    """A client of the app over the small sandbox; errors of the app come as its answers."""
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def headers(small_catalog: SmallCatalog) -> Callable[..., dict[str, str]]:
    """``headers("read", x_sandbox_name=None)``: see :meth:`serving.SmallCatalog.headers`."""
    return small_catalog.headers
