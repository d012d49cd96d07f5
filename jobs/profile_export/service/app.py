"""The API as an ASGI app. It plans, records and answers; a worker process does the jobs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from threading import Thread

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from profile_export.service.answers import answer_errors
from profile_export.service.config import ServiceConfig
from profile_export.service.engines import Engines
from profile_export.service.events import Streams
from profile_export.service.jwt import KeySet
from profile_export.service.middleware import EveryCall
from profile_export.service.openapi import describe
from profile_export.service.routes import (
    batches,
    datasets,
    export_jobs,
    files,
    health,
    metrics,
    page,
    policies,
    queries,
    segments,
)
from profile_export.service.store import Store

_ROUTERS = (
    export_jobs.router,
    datasets.router,
    batches.router,
    policies.router,
    segments.router,
    files.router,
    queries.router,
    health.router,
    metrics.router,
    page.router,
)


def _heads() -> APIRouter:
    """HEAD wherever there is GET, but of streams that do not end."""
    made = APIRouter(include_in_schema=False)
    for route in (route for router in _ROUTERS for route in router.routes):
        assert isinstance(route, APIRoute)
        if "GET" in (route.methods or ()) and route.endpoint is not export_jobs.follow:
            made.add_api_route(route.path, route.endpoint, methods=["HEAD"])
    return made


ROUTERS = (*_ROUTERS, _heads())


def create_app(store: Store, config: ServiceConfig) -> FastAPI:
    """The app over an open store.

    Args:
        store: Closed by whoever opened it.
        config: Settings.
    """
    app = FastAPI(
        title="Profile Export",
        version=version("profile-export"),
        description="Adobe's profile export calls on your own lakehouse.",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.store, app.state.config = store, config
    app.state.engines, app.state.keys = Engines(config), KeySet(config)
    app.state.streams = Streams(config.most_streams)
    answer_errors(app)
    for router in ROUTERS:
        app.include_router(router)
    describe(app)
    app.add_middleware(EveryCall)
    return app


def end_soon(app: FastAPI) -> None:
    """Let what could keep the server from ending end now: queries, counts, streams of events.

    Their callers hear that the service is being stopped, while it still can say so. May be called
    in a signal handler: what takes its time is done by a thread.
    """
    app.state.streams.end()
    Thread(target=app.state.engines.close, name="profile-export-ending", daemon=True).start()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.engines.close()
