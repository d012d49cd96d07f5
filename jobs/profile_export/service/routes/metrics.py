"""``/metrics`` for Prometheus: all from the store, so that it outlives every process."""

from collections.abc import Iterable, Iterator

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select

from profile_export.document import STATUSES
from profile_export.service.described import described
from profile_export.service.store import Store, counters
from profile_export.service.store.database import clock
from profile_export.service.store.leases import lasts
from profile_export.service.store.tables import jobs, workers

router = APIRouter(tags=["Service"])


@router.get("/metrics", **described(stream="text/plain", open_=True, fails=(503,)))
def metrics(request: Request) -> Response:
    """Jobs by state, the age of the queue, and totals of what was exported."""
    store: Store = request.app.state.store
    with store.read() as connection:
        found = [*_now(connection), *_totals(connection)]
    registry = CollectorRegistry()
    registry.register(_Found(found))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Found(Collector):
    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = list(found)

    def collect(self) -> Iterable[Metric]:
        return self._found


def _now(connection: Connection) -> Iterator[Metric]:
    states = select(jobs.c.status, func.count()).group_by(jobs.c.status)
    by_state: dict[str, int] = {row[0]: row[1] for row in connection.execute(states)}
    told = GaugeMetricFamily("profile_export_jobs", "Jobs by state.", labels=["status"])
    for status in STATUSES:
        told.add_metric([status], by_state.get(status, 0))
    yield told
    at = clock(connection)
    oldest = connection.execute(
        select(func.min(jobs.c.created)).where(jobs.c.status == "NEW")
    ).scalar_one()
    yield GaugeMetricFamily(
        "profile_export_queue_age_seconds",
        "Age of the oldest job that waits for a worker; 0 where none does.",
        value=0.0 if oldest is None else max(at - oldest, 0) / 1000,
    )
    seen = select(func.count()).select_from(workers).where(lasts(workers.c.seen_until, at))
    yield GaugeMetricFamily(
        "profile_export_workers",
        "Workers seen within their lease.",
        value=connection.execute(seen).scalar_one(),
    )


def _totals(connection: Connection) -> Iterator[Metric]:
    found = counters.totals(connection)
    for name, (words, labels) in counters.KNOWN.items():
        told = CounterMetricFamily(name, words, labels=labels)
        values = [c for c in found if c.name == name]
        for counter in values:
            told.add_metric([counter.labels[label] for label in labels], counter.value)
        if not values and not labels:
            told.add_metric([], 0)
        yield told
