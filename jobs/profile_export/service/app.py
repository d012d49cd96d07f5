"""The API as an ASGI app. It plans, records and answers; a worker process does the jobs."""

from fastapi import FastAPI

from profile_export.service.answers import answer_errors
from profile_export.service.config import ServiceConfig
from profile_export.service.middleware import EveryCall
from profile_export.service.routes import export_jobs, page
from profile_export.service.store import Store


def create_app(store: Store, config: ServiceConfig) -> FastAPI:
    """The app over an open store.

    Args:
        store: Closed by whoever opened it.
        config: Settings.
    """
    app = FastAPI(
        title="Profile Export",
        description="Adobe's profile export calls on your own lakehouse.",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.store, app.state.config = store, config
    answer_errors(app)
    app.include_router(export_jobs.router)
    app.include_router(page.router)
    app.add_middleware(EveryCall)
    return app
