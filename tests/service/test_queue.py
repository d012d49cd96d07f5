"""Jobs as workers see them: taken once, kept by lease, ended once; on both databases."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event, select, update

from profile_export import document as documents
from profile_export.errors import Conflict
from profile_export.service.store import Store, counters, holds, jobs, presence, queue, retention
from profile_export.service.store import batches as store_batches
from profile_export.service.store.database import clock
from profile_export.service.store.queue import Claim
from profile_export.service.store.tables import batches, idempotency_keys, workers
from profile_export.service.store.tables import jobs as table
from tables.plans import plan_for
from working import job, lapse, sandbox_of, submit

NOW = jobs.now
HERE = Path("/nowhere")


@pytest.fixture
def sandbox(store: Store) -> int:
    return sandbox_of(store)


def add(store: Store, sandbox_id: int, *ids: int) -> None:
    submit(store, sandbox_id, *(plan_for(HERE, job_id=i, batches=2) for i in ids))


def take(store: Store, owner: str = "w", *, lease: float = 60.0) -> Claim | None:
    with store.write() as connection:
        return queue.claim(connection, owner, lease=lease)


def taken(store: Store, owner: str = "w", *, lease: float = 60.0) -> Claim:
    found = take(store, owner, lease=lease)
    assert found is not None
    return found


def lapsed(store: Store, owner: str = "w") -> Claim:
    """A claim whose lease has run out."""
    found = taken(store, owner, lease=0)
    time.sleep(0.003)
    return found


def done(held: Claim) -> documents.Document:
    counts = {"candidates": 2, "exclusions": {}, "batches": [1, 1], "namespaces": {}}
    counts["events_truncated"] = {"profiles": 0, "events": 0}
    at = NOW()
    times = {"export_time": (at, at), "write_time": (at, at)}
    return documents.succeeded(held.document, counts, **times, at=at)


def succeed(connection: Connection, held: Claim) -> bool:
    return holds.succeed(connection, held, done(held), {})


def fail(connection: Connection, held: Claim) -> bool:
    return holds.fail(connection, held, "engine", "It broke.")


def give_back(connection: Connection, held: Claim) -> bool:
    return holds.give_back(connection, held, counts=True)


def hand_over(connection: Connection, held: Claim) -> bool:
    return holds.give_back(connection, held, counts=False)


def renewed(connection: Connection, held: Claim) -> bool:
    return holds.renew(connection, held, lease=60, progress=("late", 0.9)) is not None


ENDS = [succeed, fail, holds.cancelled]
CALLS = [*ENDS, give_back, hand_over, renewed]


def states(store: Store, job_id: int) -> set[str]:
    """Of the job's batches."""
    with store.read() as connection:
        chosen = batches.select().where(batches.c.job_id == job_id)
        return {row.status for row in connection.execute(chosen)}


def test_a_claim_makes_a_new_job_processing(store: Store, sandbox: int) -> None:
    add(store, sandbox, 1)
    held = taken(store)
    shown = job(store, sandbox, 1)
    assert (held.job_id, held.attempt, held.cancelling, held.exhausted) == (1, 1, False, False)
    assert shown.status == shown.document["status"] == "PROCESSING"
    assert set(shown.document["computeGatewayJobId"]) == {"exportJob", "pushJob"}
    assert take(store, "other") is None


def test_an_idle_worker_sees_whether_there_is_work(store: Store, sandbox: int) -> None:
    def waiting() -> bool:
        with store.read() as connection:
            return queue.waiting(connection)

    assert not waiting()
    add(store, sandbox, 1)
    assert waiting()
    held = taken(store)
    assert not waiting()
    with store.write() as connection:
        give_back(connection, held)
    assert waiting()


def test_many_claimers_take_every_job_once(store: Store) -> None:
    sandboxes = [sandbox_of(store, f"s{n}") for n in range(3)]
    for number in range(45):
        add(store, sandboxes[number % 3], number + 1)

    def claims(owner: str) -> list[int]:
        return [held.job_id for held in iter(lambda: take(store, owner), None)]

    with ThreadPoolExecutor(8) as pool:
        found = [i for ids in pool.map(claims, map(str, range(8))) for i in ids]
    assert sorted(found) == list(range(1, 46))


def test_oldest_first(store: Store, sandbox: int) -> None:
    add(store, sandbox, 3, 1, 2)  # all made at one time: by id
    assert [taken(store).job_id for _ in range(3)] == [1, 2, 3]


def test_what_was_made_first_is_first_whatever_its_id(store: Store, sandbox: int) -> None:
    add(store, sandbox, 1, 2)
    with store.write() as connection:
        connection.execute(update(table).where(table.c.id == 1).values(created=2**50))
    assert [taken(store).job_id for _ in range(2)] == [2, 1]


def test_a_claim_starts_the_batches_of_its_job(store: Store, sandbox: int) -> None:
    add(store, sandbox, 1, 2)

    def started() -> list[int]:
        with store.read() as connection:
            rows = connection.execute(batches.select()).all()
        return sorted(row.job_id for row in rows if row.started is not None)

    assert started() == []
    taken(store)
    assert started() == [1, 1]
    with store.write() as connection:
        connection.execute(update(batches).where(batches.c.job_id == 1).values(started=5))
    lapse(store)
    assert taken(store).job_id == 1
    with store.read() as connection:  # the first time counts
        times = connection.execute(select(batches.c.started).where(batches.c.job_id == 1))
        assert set(times.scalars()) == {5}


def test_a_lease_is_in_seconds(store: Store, sandbox: int) -> None:
    add(store, sandbox, 1)

    def until() -> int:
        with store.read() as connection:
            return int(connection.execute(table.select()).one().lease_until)

    def at() -> int:
        with store.read() as connection:
            return clock(connection)

    before = at()
    held = taken(store, lease=60)
    assert before + 60_000 <= until() <= at() + 60_000
    before = at()
    with store.write() as connection:
        holds.renew(connection, held, lease=1.5)
    assert before + 1_500 <= until() <= at() + 1_500


@settings(
    max_examples=12, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(st.lists(st.integers(0, 3), min_size=1, max_size=14))
def test_sandboxes_take_turns(store: Store, wanted: list[int]) -> None:
    """Between two jobs of a sandbox, each other one that waits is served."""
    made = {n: sandbox_of(store, f"{n}-{time.time_ns()}") for n in set(wanted)}
    start = time.time_ns() >> 12
    for number, of in enumerate(wanted):
        add(store, made[of], start + number)
    waiting, last, served = Counter(wanted), dict.fromkeys(made, -1), []
    while (held := take(store)) is not None:
        served.append(wanted[held.job_id - start])
    for turn, of in enumerate(served):
        between = served[last[of] + 1 : turn] if last[of] >= 0 else None
        if between is not None:
            assert {n for n in waiting if waiting[n] and n != of} <= set(between)
        waiting[of] -= 1
        last[of] = turn
    assert not +waiting


def test_a_sandbox_that_was_idle_has_no_advantage_for_long(store: Store) -> None:
    busy, idle = sandbox_of(store, "busy"), sandbox_of(store, "idle")
    add(store, busy, *range(1, 7))
    for _ in range(3):
        taken(store)
    add(store, idle, 11, 12, 13)
    assert [taken(store).job_id > 10 for _ in range(6)] == [True, False, True, False, True, False]


def test_who_lost_a_job_changes_nothing(store: Store, sandbox: int) -> None:
    """Neither to another worker, nor to itself."""
    for number, (by, call) in enumerate(product(["w", "other"], CALLS), 1):
        add(store, sandbox, number)
        old = lapsed(store)
        new = taken(store, by)
        assert (new.job_id, new.attempt) == (number, 2)
        before = job(store, sandbox, number)
        with store.write() as connection:
            assert not call(connection, old), call
        assert job(store, sandbox, number) == before
        with store.write() as connection:
            assert renewed(connection, new), call


def test_a_job_ends_once(store: Store, sandbox: int) -> None:
    for number, (first, again) in enumerate(product([*ENDS, give_back, hand_over], CALLS), 1):
        add(store, sandbox, number)
        with store.write() as connection:
            held = queue.claim(connection, "w", lease=60)
            assert held is not None
            assert first(connection, held)
        before = job(store, sandbox, number)
        with store.write() as connection:
            assert not again(connection, held), (first, again)
        assert job(store, sandbox, number) == before
        if before.status == "PROCESSING":
            with store.write() as connection:
                connection.execute(update(table).values(lease_until=clock(connection) + 600_000))


def test_ends(store: Store, sandbox: int) -> None:
    of_batches = {"SUCCEEDED": "success", "FAILED": "failed", "CANCELLED": "aborted"}
    add(store, sandbox, 1, 2, 3)
    for number, (end, status) in enumerate(zip(ENDS, of_batches, strict=True), 1):
        held = taken(store)
        with store.write() as connection:
            assert end(connection, held)
        shown = job(store, sandbox, number)
        assert shown.status == shown.document["status"] == status
        assert states(store, number) == {of_batches[status]}
    assert take(store) is None
    with store.read() as connection:
        totals = counters.totals(connection)
        rows = connection.execute(batches.select().where(batches.c.errors != "[]")).all()
    ended = {total.labels["status"]: total.value for total in totals}
    assert ended == dict.fromkeys(of_batches, 1)
    told = [{"code": "engine", "description": "It broke.", "rows": []}]
    assert [(row.job_id, json.loads(row.errors)) for row in rows] == [(2, told)] * 2


def test_sizes_of_batches_are_kept(store: Store, sandbox: int) -> None:
    add(store, sandbox, 1)
    held = taken(store)
    first, second = (batch.batch_id for batch in held.plan.batches)
    sizes = {first: store_batches.BatchSize(7, 1234), second: store_batches.BatchSize(0, 0)}
    with store.write() as connection:
        assert holds.succeed(connection, held, done(held), sizes)
    with store.read() as connection:
        rows = {r.id: (r.record_count, r.size) for r in connection.execute(batches.select())}
    assert rows == {first: (7, 1234), second: (0, 0)}


@pytest.mark.parametrize(("counts", "attempt"), [(True, 2), (False, 1)])
def test_a_job_that_is_given_back_is_taken_at_once(
    counts: bool, attempt: int, store: Store, sandbox: int
) -> None:
    add(store, sandbox, 1)
    with store.write() as connection:
        held = queue.claim(connection, "w", lease=60)
        assert held is not None
        assert holds.give_back(connection, held, counts=counts)
    assert taken(store, "other").attempt == attempt


def test_a_clock_that_is_set_back_keeps_no_job_of_a_dead_worker(store: Store, sandbox: int) -> None:
    """For a day, where it is set back by one: its lease would last until then."""
    add(store, sandbox, 1)
    with store.write() as connection:
        queue.claim(connection, "w", lease=3600)
        presence.seen(connection, "w", host="h", engine="sail", lease=3600)
    assert take(store, "other") is None

    def later(seconds: int) -> None:
        """As if the clock had been so much later when the lease was given."""
        with store.write() as connection:
            for column in (table.c.lease_until, workers.c.seen_until):
                values = {column.name: column + seconds * 1000}
                connection.execute(update(column.table).values(values))

    later(30)  # who lives has time to renew it
    assert take(store, "other") is None
    later(86_400)
    with store.read() as connection:
        assert queue.waiting(connection)
        assert not presence.any_alive(connection)
    assert taken(store, "other").attempt == 2


def test_the_fourth_time_it_is_exhausted(store: Store, sandbox: int) -> None:
    add(store, sandbox, 1)
    assert [lapsed(store).exhausted for _ in range(5)] == [False, False, False, True, True]


def test_a_lease_that_ran_out_is_renewed_if_nobody_came(store: Store, sandbox: int) -> None:
    add(store, sandbox, 1)
    held = lapsed(store)
    with store.write() as connection:
        assert holds.renew(connection, held, lease=60) == "PROCESSING"
    assert take(store, "other") is None


def test_progress_is_shown(store: Store, sandbox: int) -> None:
    add(store, sandbox, 1)
    held = taken(store)
    with store.write() as connection:
        connection.execute(update(table).values(updated=1))
        holds.renew(connection, held, lease=60, progress=("merge", 0.4))
        holds.renew(connection, held, lease=60)
    shown = job(store, sandbox, 1)
    assert shown.document["metrics"]["progress"] == {"stage": "merge", "fraction": 0.4}
    assert shown.updated == shown.document["updateTime"]  # who follows it looks at that


def test_news_of_one_job_change_no_other(store: Store, sandbox: int) -> None:
    add(store, sandbox, 1, 2)
    held, _ = taken(store), taken(store)

    def other() -> object:
        with store.read() as connection:
            return connection.execute(table.select().where(table.c.id == 2)).one()

    before = other()
    with store.write() as connection:
        holds.renew(connection, held, lease=90, progress=("merge", 0.4))
    assert other() == before


def test_a_cancelled_job_tells_its_worker(store: Store, sandbox: int) -> None:
    add(store, sandbox, 1)
    held = taken(store)
    with store.write() as connection:
        jobs.cancel(connection, sandbox, 1, at=NOW())
        before = jobs.find(connection, sandbox, 1)
        assert holds.renew(connection, held, lease=60, progress=("merge", 0.4)) == "CANCELLING"
        assert jobs.find(connection, sandbox, 1) == before
        assert holds.cancelled(connection, held)


def test_the_cancelled_job_of_a_dead_worker_is_taken_as_such(store: Store, sandbox: int) -> None:
    add(store, sandbox, 1)
    lapsed(store)
    with store.write() as connection:
        jobs.cancel(connection, sandbox, 1, at=NOW())
    held = taken(store, "other")
    assert held.cancelling
    assert job(store, sandbox, 1).status == "CANCELLING"


def test_a_commit_wins_over_a_cancel(store: Store, sandbox: int) -> None:
    add(store, sandbox, 1)
    held = taken(store)
    with store.write() as connection:
        jobs.cancel(connection, sandbox, 1, at=NOW())
        assert succeed(connection, held)
    assert job(store, sandbox, 1).status == "SUCCEEDED"
    assert states(store, 1) == {"success"}


def test_cancel_races_an_end(store: Store, sandbox: int) -> None:
    wanted = ["SUCCEEDED", "FAILED", "CANCELLED"] * 3
    add(store, sandbox, *range(1, 10))
    claims = [taken(store) for _ in range(9)]

    def cancel(job_id: int) -> None:
        with store.write() as connection:
            try:
                jobs.cancel(connection, sandbox, job_id, at=NOW())
            except Conflict:
                return

    def finish(held: Claim) -> bool:
        with store.write() as connection:
            return ENDS[(held.job_id - 1) % 3](connection, held)

    with ThreadPoolExecutor(8) as pool:
        both = [(pool.submit(cancel, held.job_id), pool.submit(finish, held)) for held in claims]
        assert [finished.result() for _, finished in both] == [True] * 9
        assert [asked.result() for asked, _ in both] == [None] * 9
    assert [job(store, sandbox, n).status for n in range(1, 10)] == wanted


def test_plans_that_cannot_be_read_stop_nobody(store: Store, sandbox: int) -> None:
    plans = ["", "{}", '{"jobId": 1}', "null", "[1", '{"jobId": "x"}']
    add(store, sandbox, *range(1, len(plans) + 2))
    with store.write() as connection:
        for number, plan in enumerate(plans, 1):
            connection.execute(update(table).where(table.c.id == number).values(plan=plan))
    assert taken(store).job_id == len(plans) + 1
    for number in range(1, len(plans) + 1):
        shown = job(store, sandbox, number)
        assert shown.status == "FAILED"
        assert shown.document["errors"][0]["code"] == "plan-unreadable"
        assert states(store, number) == {"failed"}


def test_workers_are_seen(store: Store) -> None:
    def seen(lease: float) -> bool:
        with store.write() as connection:
            presence.seen(connection, "w", host="h", engine="sail", lease=lease)
        time.sleep(0.003)
        with store.read() as connection:
            return presence.any_alive(connection)

    assert seen(60)
    assert not seen(0)
    assert seen(60)
    with store.write() as connection:
        presence.gone(connection, "w")
        assert not presence.any_alive(connection)


def test_workers_that_are_gone_for_a_day_are_forgotten(store: Store) -> None:
    def known() -> set[str]:
        return set(connection.execute(select(workers.c.id)).scalars())

    with store.write() as connection:
        for who in ("long gone", "gone", "here"):
            presence.seen(connection, who, host="h", engine="sail", lease=60)
        day_ago = clock(connection) - 86_400_000
        for who, until in (("long gone", day_ago - 1), ("gone", day_ago + 600_000)):
            moved = update(workers).where(workers.c.id == who)
            connection.execute(moved.values(seen_until=until))
        presence.seen(connection, "here", host="h", engine="sail", lease=60)
        assert known() == {"gone", "here"}
        presence.gone(connection, "here")
        assert known() == {"gone"}


def test_purge_looks_for_jobs_once_and_before_it_locks_anybody_out(
    store: Store, sandbox: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every look goes through all finished jobs; on SQLite a transaction that writes is alone."""
    add(store, sandbox, *range(1, 6))
    with store.write() as connection:
        connection.execute(update(table).values(status="FAILED", updated=1))
    monkeypatch.setattr(retention, "_AT_ONCE", 2)
    looks: list[bool] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def _looked(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT jobs.id"):
            looks.append(connection.get_execution_options()["profile_export_write"])

    assert retention.purge(store, older_than=3600) == 5
    assert looks == [False]


def test_what_another_purge_has_removed_meanwhile_is_not_counted(
    store: Store, sandbox: int
) -> None:
    add(store, sandbox, *range(1, 6))
    with store.write() as connection:
        connection.execute(update(table).values(status="FAILED", updated=1))
    others: list[int] = []

    @event.listens_for(store.engine, "after_cursor_execute")
    def _looked(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT jobs.id") and not others:
            others.append(0)
            others[0] = retention.purge(store, older_than=3600)

    assert retention.purge(store, older_than=3600) + others[0] == 5


def test_purge_takes_finished_jobs_only(store: Store, sandbox: int) -> None:
    add(store, sandbox, *range(1, 6))
    for end in ENDS:
        with store.write() as connection:
            held = queue.claim(connection, "w", lease=60)
            assert held is not None
            assert end(connection, held)
            key = {"sandbox_id": sandbox, "key": str(held.job_id), "body_hash": "", "created": 0}
            connection.execute(idempotency_keys.insert().values(**key, job_id=held.job_id))
    taken(store)  # 4 is PROCESSING, 5 is NEW
    assert retention.purge(store, older_than=3600) == 0
    with store.write() as connection:
        connection.execute(update(table).values(updated=1))  # all of them are old
    assert retention.purge(store, older_than=3600) == 3
    with store.read() as connection:
        assert {row.id for row in connection.execute(table.select())} == {4, 5}
        assert {r.job_id for r in connection.execute(batches.select())} == {4, 5}
        assert connection.execute(idempotency_keys.select()).all() == []
