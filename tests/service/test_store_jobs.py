"""Jobs and tokens in the store; what a client hears when the store is away."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import ColumnElement, event, update
from sqlalchemy.exc import IntegrityError
from starlette.testclient import TestClient

import serving
import small_sandbox
from postgres import Postgres
from profile_export import document as documents
from profile_export.errors import Conflict, NotFound
from profile_export.plan import ExportPlan
from profile_export.planning import make_plan
from profile_export.service.app import create_app
from profile_export.service.config import ServiceConfig
from profile_export.service.store import Store, jobs, open_store, sandboxes, tokens
from profile_export.service.store import queue as queues
from profile_export.service.store.tables import tokens as token_table
from profile_export.tables import inspect_table
from serving import SmallCatalog

START = datetime(2026, 1, 1, tzinfo=UTC)
Add = Callable[..., int]


@pytest.fixture
def plan(small_catalog: SmallCatalog) -> ExportPlan:
    body = small_sandbox.by_segment()
    return make_plan(body, small_catalog.sandbox, table_info=inspect_table, as_of=START)


@pytest.fixture
def add(store: Store, small_catalog: SmallCatalog, plan: ExportPlan) -> Add:
    """Add a job, so many milliseconds after the start; gives its id."""

    def add(ms: int = 0, *, job_id: int | None = None) -> int:
        at = START + timedelta(milliseconds=ms)
        batches = [b.model_copy(update={"batch_id": uuid4().hex}) for b in plan.batches]
        changes = {"job_id": job_id or jobs.new_id(at), "as_of": at, "batches": tuple(batches)}
        made = plan.model_copy(update=changes)
        with store.write() as connection:
            jobs.create(connection, small_catalog.sandbox_id, made, documents.new(made))
        return made.job_id

    return add


class TestIds:
    def test_they_grow_with_time_and_fit_a_double(self) -> None:
        early, late = jobs.new_id(START), jobs.new_id(START + timedelta(milliseconds=1))
        assert 0 < early < late
        assert jobs.new_id(datetime(2088, 1, 1, tzinfo=UTC)) < 2**53
        assert len({jobs.new_id(START) for _ in range(50)}) > 25

    def test_one_that_is_taken(self, add: Add, store: Store, small_catalog: SmallCatalog) -> None:
        first = add(job_id=7)
        with pytest.raises(IntegrityError):
            add(job_id=7)
        with store.read() as connection:
            assert jobs.find(connection, small_catalog.sandbox_id, first).id == 7
            page, more = jobs.page(connection, small_catalog.sandbox_id, limit=9)
        assert not more
        assert [job.id for job in page] == [7]


class TestPages:
    def test_newest_first_and_stable(
        self, add: Add, store: Store, small_catalog: SmallCatalog
    ) -> None:
        # Two in each millisecond, which a page may part.
        ids = [add(n // 2, job_id=(n // 2 + 1 << 12) + n % 2) for n in range(7)]

        def page(**words: object) -> list[jobs.Job]:
            with store.read() as connection:
                return jobs.page(connection, small_catalog.sandbox_id, limit=2, **words)[0]  # type: ignore[arg-type]

        seen = page()
        add(9)
        while True:
            more = page(after=(seen[-1].created, seen[-1].id))
            if not more:
                break
            seen += more
        by_age = sorted(ids, key=lambda id_: (id_ >> 12, id_), reverse=True)
        assert [job.id for job in seen] == by_age
        assert [job.id for job in page(skip=1)] == by_age[:2]
        assert page(status="FAILED") == []

    def test_a_page_has_no_more_text_than_fits(
        self,
        add: Add,
        store: Store,
        small_catalog: SmallCatalog,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        ids = sorted((add(n) for n in range(3)), reverse=True)
        monkeypatch.setattr(jobs, "MOST_TEXT", 10)  # less than one
        with store.read() as connection:
            page, more = jobs.page(connection, small_catalog.sandbox_id, limit=9)
        assert ([job.id for job in page], more) == (ids[:1], True)

    @pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
    def test_documents_that_are_not_shown_do_not_come_from_the_server(
        self,
        add: Add,
        store: Store,
        small_catalog: SmallCatalog,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """SQLite gives row by row anyway; a client of PostgreSQL keeps all that it asked for."""
        for n in range(9):
            add(n)
        monkeypatch.setattr(jobs, "MOST_TEXT", 10)
        arrived: list[int] = []

        @event.listens_for(store.engine, "after_cursor_execute")
        def _executed(_connection: Any, cursor: Any, *_: object) -> None:
            arrived.append(cursor.pgresult.ntuples)

        with store.read() as connection:
            page, more = jobs.page(connection, small_catalog.sandbox_id, limit=9)
        assert (len(page), more) == (1, True)
        assert sum(arrived) == 0

    def test_what_belongs_to_another(
        self, add: Add, store: Store, small_catalog: SmallCatalog
    ) -> None:
        id_ = add()
        with store.write() as connection:
            other = sandboxes.ensure(connection, serving.ORG, serving.OTHER_NAME)
            assert jobs.page(connection, other, limit=9) == ([], False)
            for call in (jobs.find, lambda *a: jobs.cancel(*a, at=START)):
                with pytest.raises(NotFound):
                    call(connection, other, id_)
            assert jobs.find(connection, small_catalog.sandbox_id, id_).status == "NEW"


def test_what_makes_a_job_another_than_it_was(
    add: Add, store: Store, small_catalog: SmallCatalog
) -> None:
    id_ = add()
    with store.read() as connection:
        seen = jobs.find(connection, small_catalog.sandbox_id, id_)
        assert jobs.is_unchanged(connection, seen)
        for other in ({"status": "FAILED"}, {"updated": seen.updated - 1}, {"id": id_ + 1}):
            assert not jobs.is_unchanged(connection, replace(seen, **other)), other


class TestCancelling:
    def test_by_status(self, add: Add, store: Store, small_catalog: SmallCatalog) -> None:
        id_, sandbox = add(), small_catalog.sandbox_id
        with store.write() as connection:
            assert jobs.cancel(connection, sandbox, id_, at=START).status == "CANCELLED"
            assert jobs.cancel(connection, sandbox, id_, at=START).status == "CANCELLED"
        taken = add(1)
        with store.write() as connection:
            held = queues.claim(connection, "w", lease=60)
        assert held is not None
        assert held.job_id == taken
        with store.write() as connection:
            assert jobs.cancel(connection, sandbox, taken, at=START).status == "CANCELLING"
        with store.write() as connection:
            failed = documents.failed(held.document, "c", "m", at=START)
            assert not jobs.change(connection, taken, failed, found="PROCESSING")
            assert jobs.change(connection, taken, failed, found="CANCELLING")
        with store.write() as connection, pytest.raises(Conflict) as refused:
            jobs.cancel(connection, sandbox, taken, at=START)
        assert refused.value.code == "job-ended"

    def test_against_a_worker(self, add: Add, store: Store, small_catalog: SmallCatalog) -> None:
        """Whoever is first: a job is cancelled, or cancelling; never taken and cancelled."""
        for n in range(10):
            id_ = add(n)

            def take(n: int = n) -> int | None:
                with store.write() as connection:
                    held = queues.claim(connection, f"w{n}", lease=60)
                    return None if held is None else held.job_id

            def cancel(id_: int = id_) -> str:
                with store.write() as connection:
                    return jobs.cancel(connection, small_catalog.sandbox_id, id_, at=START).status

            with ThreadPoolExecutor(2) as pool:
                taken, status = pool.submit(take), pool.submit(cancel)
                expected = "CANCELLING" if taken.result() == id_ else "CANCELLED"
                assert status.result() == expected


def _is(token: tokens.Token) -> ColumnElement[bool]:
    return token_table.c.id == token.id


class TestTokens:
    def test_the_life_of_one(self, store: Store) -> None:
        with store.write() as connection:
            secret, made = tokens.create(connection, "o", ["a", "b"], can_write=False)
            other, kept = tokens.create(connection, "o", ["a"], can_write=True)
        assert len({secret, other}) == 2
        with store.write() as connection:
            found = tokens.find(connection, secret)
            assert found == made
            assert (made.sandboxes, made.can_write) == (("a", "b"), False)
            assert secret not in str(connection.exec_driver_sql("SELECT * FROM tokens").fetchall())
            for bad in ("", "pe_", secret[:-1], secret.upper(), f"{secret} "):
                assert tokens.find(connection, bad) is None
            tokens.revoke(connection, made.id)
            connection.execute(update(token_table).values(revoked=5).where(_is(made)))
            tokens.revoke(connection, made.id)  # when it ended stays as it was
            assert tokens.find(connection, secret) is None
            live = {token.id: token.revoked for token in tokens.all_of(connection)}
            assert live == {made.id: 5, kept.id: None}
            for by_age in (made, kept), (kept, made):
                for at, each in enumerate(by_age):
                    connection.execute(update(token_table).values(created=at).where(_is(each)))
                ids = [token.id for token in tokens.all_of(connection)]
                assert ids == [token.id for token in by_age]
            with pytest.raises(NotFound):
                tokens.revoke(connection, "nothing")


class TestAway:
    """What a client of the API hears."""

    def test_postgresql_is_stopped(self, own_postgres: Postgres, small_tables: Path) -> None:
        store = open_store(own_postgres.url("postgres"))
        kept = serving.fill(store, small_tables)
        place = "/data/foundation/catalog/dataSets"
        with TestClient(
            create_app(store, ServiceConfig()), raise_server_exceptions=False
        ) as client:
            assert client.get(place, headers=kept.headers()).status_code == 200
            own_postgres.stop()
            for answer in (
                client.get(place, headers=kept.headers()),
                client.post(place, json={}, headers=kept.headers()),
            ):
                assert answer.status_code == 503, answer.text
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["type"].endswith(":store-away")
                assert "127.0.0.1" not in answer.text
            own_postgres.start()
            assert client.get(place, headers=kept.headers()).status_code == 200
        store.close()

    def test_the_disk_is_full(
        self, migrated_file: Path, small_tables: Path, tmp_path: Path
    ) -> None:
        file = tmp_path / "store.db"
        shutil.copy(migrated_file, file)
        store = open_store(f"sqlite:///{file}")
        kept = serving.fill(store, small_tables)
        store.engine.dispose()

        def limit(connection: Any, _: object) -> None:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            connection.execute(f"PRAGMA max_page_count = {pages}")

        event.listen(store.engine, "connect", limit)
        jobs_ = "/data/core/ups/export/jobs"
        with TestClient(
            create_app(store, ServiceConfig()), raise_server_exceptions=False
        ) as client:
            answers = [
                client.post(jobs_, json=small_sandbox.request(), headers=kept.headers())
                for _ in range(30)
            ]
            last = answers[-1]
            assert last.status_code == 503, last.text
            assert last.json()["type"].endswith(":store-full")
            assert "store.db" not in last.text
            listed = client.get(f"{jobs_}?limit=1000", headers=kept.headers()).json()
        accepted = [answer.json()["id"] for answer in answers if answer.status_code == 200]
        assert sorted(record["id"] for record in listed["records"]) == sorted(accepted)
        store.close()
