"""A job's events: its document at each change, as server-sent events."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete, event, update
from starlette.testclient import TestClient

from profile_export.children.process import Busy
from profile_export.service.access import AccessDenied
from profile_export.service.config import ServiceConfig
from profile_export.service.events import Streams, job_events
from profile_export.service.store import Store, holds, jobs, queue
from profile_export.service.store.database import StoreAway
from profile_export.service.store.tables import batches, tokens
from profile_export.service.store.tables import jobs as table
from small_sandbox import request

URL = "/data/core/ups/export/jobs"
Headers = Callable[..., dict[str, str]]
QUICK = ServiceConfig(poll_seconds=0.01, heartbeat_seconds=0.05, event_seconds=240)


@pytest.fixture
def made(client: TestClient, headers: Headers) -> int:
    return int(client.post(URL, json=request(), headers=headers()).json()["id"])


def documents(text: str) -> list[dict[str, Any]]:
    """What an EventSource would read."""
    found = []
    for block in text.split("\n\n"):
        lines = [line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")]
        event = dict(lines)
        if "data" in event:
            assert event["event"] == "job"
            assert event["id"].isdigit()
            found.append(json.loads(event["data"]))
    return found


def _cancel(store: Store, made: int) -> None:
    with store.write() as connection:
        jobs.cancel(connection, 1, made, at=jobs.now())


def _let_in() -> None:
    """The caller's token still gives access."""


def test_a_job_that_has_ended_is_told_once(client: TestClient, headers: Headers, made: int) -> None:
    client.delete(f"{URL}/{made}", headers=headers())
    answer = client.get(f"{URL}/{made}/events/", headers=headers("read"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.text.startswith("retry: ")
    shown = client.get(f"{URL}/{made}", headers=headers()).json()
    assert documents(answer.text) == [shown]


def test_each_change_is_told_and_the_end_ends_it(store: Store, made: int) -> None:
    async def follow() -> list[str]:
        streams = Streams(1)
        with store.read() as connection:
            first = jobs.find(connection, 1, made)
        stream = job_events(store, QUICK, streams, first, _let_in)
        told: list[str] = []
        held: queue.Claim | None = None
        async for piece in stream:
            assert streams._open == 1
            told.append(piece.decode())
            status = documents(piece.decode())[0]["status"] if b"data" in piece else None
            with store.write() as connection:
                if status == "NEW":
                    held = queue.claim(connection, "w", lease=10)
                elif status == "PROCESSING" and held is not None and len(told) < 6:
                    holds.renew(connection, held, lease=10, progress=("who", len(told) / 10))
                elif status == "PROCESSING":
                    jobs.cancel(connection, 1, made, at=jobs.now())
                elif status == "CANCELLING" and held is not None:
                    holds.cancelled(connection, held)
        assert streams._open == 0
        return told

    shown = documents("".join(asyncio.run(follow())))
    states = [document["status"] for document in shown]
    assert states[0] == "NEW"
    assert states[-2:] == ["CANCELLING", "CANCELLED"]
    assert {s["metrics"]["progress"]["stage"] for s in shown[2:-2]} == {"who"}
    assert len(set(map(json.dumps, shown))) == len(shown)


def _pieces(
    store: Store,
    config: ServiceConfig,
    made: int,
    see: Callable[[], None] = _let_in,
    heard: Callable[[int], None] = lambda _: None,
) -> list[bytes]:
    """All of a stream; ``heard`` is called after each piece, with how many have come."""

    async def follow() -> list[bytes]:
        with store.read() as connection:
            first = jobs.find(connection, 1, made)
        pieces: list[bytes] = []
        async for piece in job_events(store, config, Streams(1), first, see):
            pieces.append(piece)
            heard(len(pieces))
        return pieces

    return asyncio.run(follow())


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock takes 10 ms, however long looks at the store take."""
    clock = SimpleNamespace(monotonic=count(0, 0.01).__next__)  # the machine's may stand still
    monkeypatch.setattr("profile_export.service.events.time", clock)


@pytest.mark.usefixtures("hurried")
def test_a_document_is_read_only_where_it_has_changed(store: Store, made: int) -> None:
    """It may have half a megabyte, and two hundred streams look twice a second."""
    looks: list[str] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def _looked(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        looks.append(statement)

    _pieces(store, replace(QUICK, event_seconds=0.4), made)
    assert len(looks) > 3
    assert sum("jobs.document" in statement for statement in looks) == 1  # before it began


@pytest.mark.usefixtures("hurried")
def test_a_quiet_job_is_still_here_until_the_time_is_over(store: Store, made: int) -> None:
    pieces = _pieces(store, replace(QUICK, event_seconds=0.4), made)
    assert len(documents(b"".join(pieces).decode())) == 1
    beats = [piece for piece in pieces if piece.startswith(b":")]
    assert 2 <= len(beats) <= 8


@pytest.mark.parametrize("then", ["nothing", "a change"])
def test_who_is_not_let_in_any_more_hears_no_more(store: Store, made: int, then: str) -> None:
    """A stream went on for up to a quarter of an hour after its token was revoked."""
    asked = 0

    def see() -> None:
        nonlocal asked
        asked += 1
        raise AccessDenied(401, "401013", "Oauth token is not valid")

    def heard(pieces: int) -> None:
        if then == "a change" and pieces == 2:  # what it is like now has been told
            _cancel(store, made)

    slow = replace(QUICK, heartbeat_seconds=200) if then == "a change" else QUICK
    shown = documents(b"".join(_pieces(store, slow, made, see, heard)).decode())
    assert ([document["status"] for document in shown], asked) == (["NEW"], 1)


def test_who_was_let_in_is_while_nobody_can_tell_otherwise(store: Store, made: int) -> None:
    def see() -> None:
        raise StoreAway("away")

    def heard(pieces: int) -> None:
        if pieces == 2:
            _cancel(store, made)

    shown = documents(b"".join(_pieces(store, QUICK, made, see, heard)).decode())
    assert [document["status"] for document in shown] == ["NEW", "CANCELLED"]


def test_a_job_that_is_gone_ends_its_stream(store: Store, made: int) -> None:
    def heard(pieces: int) -> None:
        if pieces == 2:
            with store.write() as connection:
                connection.execute(delete(batches).where(batches.c.job_id == made))
                connection.execute(delete(table).where(table.c.id == made))

    shown = documents(b"".join(_pieces(store, QUICK, made, heard=heard)).decode())
    assert [document["status"] for document in shown] == ["NEW"]


def test_a_stream_asks_for_the_access_of_its_own_caller(
    client: TestClient, headers: Headers, made: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks: list[Callable[[], object]] = []

    def kept(*given: Any) -> Iterator[bytes]:
        asks.append(given[-1])
        return iter([b"x"])

    monkeypatch.setattr("profile_export.service.events.job_events", kept)
    client.get(f"{URL}/{made}/events", headers=headers("read"))
    (see_access,) = asks
    see_access()
    store: Store = client.app.state.store  # type: ignore[attr-defined]
    with store.write() as connection:
        connection.execute(update(tokens).values(revoked=1))
    with pytest.raises(AccessDenied):
        see_access()


def test_a_store_that_is_away_for_a_while_is_waited_for(
    store: Store, made: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, is_unchanged = 0, jobs.is_unchanged

    def sometimes(*asked: Any) -> bool:
        nonlocal looks
        looks += 1
        if looks in (1, 2):
            raise StoreAway("away")
        if looks == 3:
            with store.write() as connection:
                jobs.cancel(connection, 1, made, at=jobs.now())
        return is_unchanged(*asked)

    monkeypatch.setattr("profile_export.service.events.jobs.is_unchanged", sometimes)
    shown = documents(b"".join(_pieces(store, QUICK, made)).decode())
    assert [document["status"] for document in shown] == ["NEW", "CANCELLED"]


def test_too_many_streams(client: TestClient, headers: Headers, made: int) -> None:
    state: Any = client.app.state  # type: ignore[attr-defined]
    client.delete(f"{URL}/{made}", headers=headers())
    state.streams._open = state.config.most_streams
    answer = client.get(f"{URL}/{made}/events", headers=headers())
    assert (answer.status_code, answer.json()["type"][-5:]) == (503, ":busy")
    state.streams._open -= 1
    assert client.get(f"{URL}/{made}/events", headers=headers()).status_code == 200


def test_one_sandbox_does_not_take_all_streams() -> None:
    streams = Streams(4)
    with streams.one(1), streams.one(1):
        with pytest.raises(Busy):
            streams.check(1)
        streams.check(2)
    streams.check(1)
