"""Is the service there (``/health/live``), and can it do its work (``/health/ready``)?"""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from profile_export.errors import ExportError
from profile_export.service.answers import problem
from profile_export.service.described import described
from profile_export.service.models import HealthOut
from profile_export.service.store import Store, presence

router = APIRouter(prefix="/health", tags=["Service"])


class NotReady(ExportError):
    """The service answers, but its jobs would not be done."""

    code, title, status = "not-ready", "Not ready", 503


@router.get("/live", **described(gives=HealthOut, open_=True))
async def live() -> Response:
    """This process answers: at once, even where every thread waits for the store."""
    return JSONResponse({"status": "live"})


@router.get("/ready", **described(gives=HealthOut, open_=True, fails=(503,)))
def ready(request: Request) -> Response:
    """The store can be reached, and a worker was seen within its lease."""
    store: Store = request.app.state.store
    with store.read() as connection:
        worker = presence.any_alive(connection)
    if not worker:
        return problem(
            request,
            NotReady("No worker was seen within its lease: jobs wait. Start one, or look at it."),
        )
    return JSONResponse({"status": "ready", "store": "reachable", "worker": "seen"})
