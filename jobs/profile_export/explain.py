"""Explain: why one identity is, or is not, in an export, and where each of its values comes from.

The account is made by the job's own stages (``run.decide``, ``run.rows`` and single ones), on
tables restricted to what can matter to this identity; so it agrees with the job. What Python adds
is words: which tie break decided between a known winner and a loser, and the test that failed. What
it costs is told in :mod:`~profile_export.explained.scope`.
"""

from profile_export import run
from profile_export.engine_errors import translate
from profile_export.engines import Workspace
from profile_export.errors import ExportError
from profile_export.explained import what, who
from profile_export.explained.account import (
    Account,
    Attached,
    Leaf,
    Person,
    Policy,
    ReadDataset,
    SegmentTest,
)
from profile_export.explained.asked import Question
from profile_export.explained.cells import Row, whole
from profile_export.explained.leaves import leaves
from profile_export.explained.reasons import policy_step
from profile_export.explained.rows import person_told
from profile_export.explained.scope import Scope, carriers, keys_around
from profile_export.explained.segments import Membership, segments
from profile_export.explained.unknown import MOST_CARRIERS, nobody
from profile_export.explained.values import identity, iso
from profile_export.explained.verdict import Facts, checks, verdict
from profile_export.plan import ExportPlan

_MOST_RECORDS = 1000
"""Of a person that is not exported; an exported one has no more identities than S7 allows."""


def explain(question: Question, *, work: Workspace) -> Account:
    """The account of one identity.

    Raises:
        Refused: ``bad-identity``.
        NotFound: ``unknown-identity``: nobody has it, or in ``none`` it is nobody's primary one.
        JobFailed: an input is gone, or the engine failed.
    """
    key = question.key()
    try:
        return _explained(question, key, work)
    except ExportError:
        raise
    except Exception as error:
        raise translate(error, question.plan, stopped=False) from error


def _explained(question: Question, key: str, work: Workspace) -> Account:
    plan = question.plan
    scope = Scope(work, plan, keys_around(work, plan, key))
    decided = run.decide(scope, plan, keep_rows=True)
    found = who.person_of(decided, key, graph=plan.merge_policy.graph)
    if found is None:
        raise nobody(plan, key, carriers(work, plan, key, most=MOST_CARRIERS))
    numbers = who.verdict(found, plan)
    exported = numbers is not None and numbers["reason"] is None
    current = what.current_records(
        scope, plan, found, most=2**31 - 1 if exported else _MOST_RECORDS
    )
    told, attached = _what(scope, plan, found, current) if exported else ((), None)
    tests = _tests(scope, question, found) if numbers is not None else ()
    facts = Facts(plan, found.rows, numbers, tests)
    made = checks(facts)
    return Account(
        asked=question.asked,
        identity=identity(key, plan.namespaces),
        job_id=question.job_id,
        as_of=iso(plan.as_of),
        read=_read(plan),
        person=_person(scope, plan, key, found, current),
        policy=_policy(question),
        leaves=told,
        attached=attached,
        segments=tests,
        checks=tuple(made),
        verdict=verdict(facts, made, ids_known=question.job_id is not None),
    )


def _person(
    scope: Scope, plan: ExportPlan, key: str, found: who.Found, current: list[Row]
) -> Person:
    every = what.all_records(scope, plan, found, most=_MOST_RECORDS)
    times = what.event_times(scope, plan, found)
    return person_told(plan, root=key, found=found, current=current, every=every, times=times)


def _what(
    scope: Scope, plan: ExportPlan, found: who.Found, current: list[Row]
) -> tuple[tuple[Leaf, ...], Attached | None]:
    """The leaves and the attached events of an exported person."""
    winners, events = what.lineage(scope, plan, found)
    told = tuple(leaves(plan, current, winners))
    if plan.events is None:
        return told, None
    mine = (row for row in found.rows if row["participates"] and not row["is_record"])
    every = sum(whole(row, "rows") for row in mine)
    if events == every:
        return told, Attached(attached=every, superseded=0, outside_ingest_times=0, truncated=0)
    once = what.events_counted_once(scope, plan, found)
    cut = run.events_truncated(scope, plan, found.decided)["events"]
    return told, Attached(
        attached=events,
        superseded=every - once,
        outside_ingest_times=once - events - cut,
        truncated=cut,
    )


def _tests(scope: Scope, question: Question, found: who.Found) -> tuple[SegmentTest, ...]:
    plan = question.plan
    if not plan.audience.segments:
        return ()
    in_status, wholly = who.items_matched(plan, found)
    merged = what.merged_entries(scope, plan, found)
    stated = Membership(found.rows, merged, in_status, wholly)
    return tuple(segments(plan, stated, question.sandbox))


def _read(plan: ExportPlan) -> tuple[ReadDataset, ...]:
    return tuple(
        ReadDataset(
            dataset_id=source.dataset_id,
            dataset=source.name,
            kind=source.kind,
            version=source.version,
            participates=source.participates,
        )
        for source in plan.inputs
    )


def _policy(question: Question) -> Policy:
    pinned = question.plan.merge_policy
    step, because = policy_step(question.plan, question.sandbox)
    known = (p for p in question.sandbox.versions(pinned.id) if p.version == pinned.version)
    return Policy(
        id=pinned.id,
        version=pinned.version,
        name=next((policy.name for policy in known), None),
        identity_graph=pinned.graph,
        attribute_merge=pinned.attribute_merge,
        order=pinned.order,
        step=step,
        because=because,
    )
