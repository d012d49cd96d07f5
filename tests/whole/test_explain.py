"""Explain agrees with the job: verdicts, batches, winners and identities of golden and random worlds.

A person of each world of a sample; everybody with ``PROFILE_EXPORT_TEST_EXPLAIN=all``, and another
sample with another ``PROFILE_EXPORT_TEST_SEED``.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from exporting import prepared
from oracle import export
from oracle.spark_types import DataType, StructType, parse_type
from oracle.tables import write_world
from oracle.values import at, decode, encode, parse_time
from oracle.worlds import random_world
from profile_export import run
from profile_export.engines import Engine
from profile_export.engines.workspace import JobWorkspace
from profile_export.errors import JobFailed, NotFound, Refused
from profile_export.explain import explain
from profile_export.explained.account import Account
from profile_export.explained.asked import Question
from profile_export.explained.scope import Scope, keys_around
from profile_export.explained.text import words
from profile_export.explained.values import key_of
from profile_export.plan import ExportPlan
from profile_export.sandbox import load_sandbox
from profile_export.storage import Folder

GOLDEN = Path(__file__).parent.parent / "golden"
EVERYONE = os.environ.get("PROFILE_EXPORT_TEST_EXPLAIN") == "all"
FIRST = int(os.environ.get("PROFILE_EXPORT_TEST_SEED", "0"))
WORLDS = int(os.environ.get("PROFILE_EXPORT_TEST_WORLDS", "4"))
STRIDE = {"sail": 2, "spark": 10}


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((GOLDEN / f"{name}.yml").read_text(encoding="utf-8"))


NAMES = [p.stem for p in sorted(GOLDEN.glob("*.yml")) if "problems" not in read(p.stem)["expect"]]


@dataclass(frozen=True)
class World:
    """A world on disk, its plan, and what the oracle says of it."""

    plan: ExportPlan
    folder: Path
    engine: Engine
    oracle: dict[str, Any]

    def ask(self, identity: str, *, job_id: int | None = None) -> Account:
        sandbox = load_sandbox(self.folder / "sandbox.yml")
        question = Question(identity, self.plan, sandbox, job_id)
        return explain(question, work=self.workspace(identity))

    def workspace(self, name: str) -> JobWorkspace:
        scratch = self.folder / f"scratch-{abs(hash(name))}"
        return JobWorkspace(self.engine, Folder(str(scratch)), driver_edges=1_000_000)

    def persons(self, seed: int) -> list[str]:
        everyone = list(self.oracle["verdicts"])
        return everyone if EVERYONE else Random(seed).sample(everyone, min(1, len(everyone)))

    def row_of(self, person: str) -> dict[str, Any]:
        """The exported row, from the first batch that has it: rows are in the order of persons."""
        (batch, *_) = self.oracle["verdicts"][person]
        in_batch = [p for p, v in self.oracle["verdicts"].items() if v != str(v) and batch in v]
        row: dict[str, Any] = self.oracle["batches"][batch]["rows"][in_batch.index(person)]
        return row


def world_of(
    world: dict[str, Any], request: dict[str, Any], as_of: datetime, folder: Path, engine: Engine
) -> World:
    _, plan = prepared(world, request, as_of, folder, engine)
    return World(plan, folder, engine, export(world, request, as_of))


def golden(name: str, folder: Path, engine: Engine) -> World:
    vector = read(name)
    return world_of(vector, vector["request"], parse_time(vector["asOf"]), folder, engine)


def check(world: World, person: str) -> None:
    account = world.ask(person)
    found = account.verdict.reason or [batch.batch for batch in account.verdict.batches]
    assert found == world.oracle["verdicts"][person]
    assert account.verdict.candidate
    assert_identities(world, person, account)
    assert_tree(account)
    if account.verdict.exported:
        assert_winners(world, person, account)
    told = words(account)
    assert account.verdict.because in told
    assert (account.verdict.reason or " would be in ") in told
    assert Account.model_validate(account.model_dump(mode="json", by_alias=True)) == account


def assert_identities(world: World, person: str, account: Account) -> None:
    """The identities of participating rows are those of S10; all of the component are counted."""
    rows = [row for row in (*account.person.records, *account.person.events) if row.participates]
    listed = {key_of(key.namespace, key.value) for row in rows for key in row.identities}
    assert sorted(key.replace("\0", ":") for key in listed) == world.oracle["persons"][person]
    assert account.person.identities_total >= len(listed)
    assert f"It has {account.person.identities_total} identit" in account.checks[0].because


def assert_tree(account: Account) -> None:
    """Links start at the asked identity and reach every other once, by rows that have both."""
    if account.policy.identity_graph == "none":
        assert account.person.links == ()
        return
    reached = [account.identity]
    groups = {"record": account.person.records, "event": account.person.events}
    for link in account.person.links:
        assert link.known in reached
        assert link.joined not in reached
        reached.append(link.joined)
        (row,) = (
            row
            for row in groups[link.kind]
            if (row.dataset_id, row.primary_identity) == (link.dataset_id, link.primary_identity)
        )
        assert {link.known, link.joined} <= set(row.identities)
    assert set(reached) == set(account.person.identities)


def assert_winners(world: World, person: str, account: Account) -> None:
    row, schema = world.row_of(person), parse_type(world.oracle["schema"])
    assert isinstance(schema, StructType)
    for leaf in account.leaves:
        path = tuple(leaf.path.split("."))
        type_ = type_at(schema, path)
        value = leaf.winner.value if leaf.winner else None
        assert canonical(type_, value) == canonical(type_, at(row, path)), leaf.path
        assert leaf.candidates == (leaf.losers_total + 1 if leaf.winner else 0)
    if account.attached is not None:
        assert account.attached.attached == len(row["timeSeriesEvents"])
        counts = account.attached.model_dump().values()
        events = [group for group in account.person.events if group.participates]
        assert sum(counts) == sum(group.count for group in events)
        assert min(counts) >= 0


def type_at(schema: DataType, path: tuple[str, ...]) -> DataType:
    for name in path:
        assert isinstance(schema, StructType)
        schema = dict(schema.fields)[name]
    return schema


def canonical(type_: DataType, value: Any) -> Any:
    return encode(type_, decode(type_, value))


@pytest.mark.parametrize("name", NAMES)
def test_golden(name: str, tmp_path: Path, engine: Engine) -> None:
    stride = STRIDE[engine.name]
    if not EVERYONE and NAMES.index(name) % stride != FIRST % stride:
        pytest.skip("not in the sample")
    world = golden(name, tmp_path, engine)
    for person in world.persons(FIRST + NAMES.index(name)):
        check(world, person)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + WORLDS))
def test_random(seed: int, tmp_path: Path, engine: Engine) -> None:
    world = world_of(*random_world(seed, size=12), tmp_path, engine)
    decided = run.decide(world.workspace("the job"), world.plan)
    job = {
        row["person"].replace("\0", ":"): row["reason"] or row["batches"]
        for row in decided.audience.select("person", "reason", "batches").collect()
    }
    assert job == world.oracle["verdicts"]
    for person in world.persons(seed):
        check(world, person)
