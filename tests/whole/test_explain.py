"""Explain agrees with the job on golden and random worlds: verdicts, batches, winners, identities.

A person of each world of a sample; everybody with ``PROFILE_EXPORT_TEST_EXPLAIN=all``, and another
sample with another ``PROFILE_EXPORT_TEST_SEED``.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from deltalake import DeltaTable, write_deltalake

from exporting import prepared
from oracle import export
from oracle.spark_types import DataType, StructType, parse_type
from oracle.tables import write_world
from oracle.values import at, decode, encode, parse_time
from oracle.worlds import random_world
from profile_export import cli, run
from profile_export.engines import Engine
from profile_export.engines.workspace import JobWorkspace
from profile_export.errors import JobFailed, NotFound, Refused
from profile_export.explain import explain
from profile_export.explained.account import Account
from profile_export.explained.asked import Question
from profile_export.explained.scope import Scope, keys_around
from profile_export.explained.text import words
from profile_export.identity_keys import key_of
from profile_export.plan import ExportPlan
from profile_export.sandbox import load_sandbox
from profile_export.storage import Folder

GOLDEN = Path(__file__).parent.parent / "golden"
EVERYONE = os.environ.get("PROFILE_EXPORT_TEST_EXPLAIN") == "all"
FIRST = int(os.environ.get("PROFILE_EXPORT_TEST_SEED", "0"))
WORLDS = int(os.environ.get("PROFILE_EXPORT_TEST_WORLDS", "4"))
STRIDE = {"sail": 3, "spark": 10}


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

    def ask(self, identity: str) -> Account:
        sandbox = load_sandbox(self.folder / "sandbox.yml")
        question = Question(identity, self.plan, sandbox)
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
    """Ask for another identity than the person's key, where the graph joins them."""
    identities = world.oracle["persons"][person]
    account = world.ask(identities[-1] if world.plan.merge_policy.graph == "pdg" else person)
    assert key_of(*str(account.person.key).split(":", 1)).replace("\0", ":") == person
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The sample of golden worlds; Spark takes seconds a person, so its sample is smaller."""
    if "name" in metafunc.fixturenames:
        stride = 1 if EVERYONE else STRIDE[str(metafunc.config.getoption("--engine"))]
        metafunc.parametrize("name", NAMES[FIRST % stride :: stride])


def test_golden(name: str, tmp_path: Path, engine: Engine) -> None:
    world = golden(name, tmp_path, engine)
    for person in world.persons(FIRST + NAMES.index(name)):
        check(world, person)


@pytest.mark.parametrize(
    ("vector", "reason", "failed"),
    [
        ("079-valid-until-makes-exited", "otherStatus", "status"),
        ("082-window-includes-start-excludes-end", "outsideQualificationTime", "qualificationTime"),
    ],
)
def test_entries_of_who_is_left_out_are_told(
    vector: str, reason: str, failed: str, tmp_path: Path, engine: Engine
) -> None:
    """S18, S19: what the asked segments say of somebody who is not exported."""
    world = golden(vector, tmp_path, engine)
    excluded = [name for name, told in world.oracle["verdicts"].items() if told == reason]
    assert excluded
    for test in (test for name in excluded[:2] for test in world.ask(name).segments):
        assert (test.failed, test.entries_total > 0) == (failed, True)


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


def test_a_chain_is_told_link_by_link(tmp_path: Path, engine: Engine) -> None:
    account = golden("018-graph-joins-a-chain", tmp_path, engine).ask("CRMid: c1 ")
    assert str(account.identity) == "crmId:c1"
    assert str(account.person.key) == "crmId:c1"
    told = [(str(k.known), str(k.joined), k.dataset, k.depth) for k in account.person.links]
    assert told == [("crmId:c1", "email:x@y", "crm", 1), ("email:x@y", "ecid:k1", "app", 2)]


def test_a_dataset_outside_the_policy_is_told_to_join_only(tmp_path: Path, engine: Engine) -> None:
    world = golden("019-graph-joins-over-datasets-outside-the-policy", tmp_path, engine)
    account = world.ask("link:l1")
    assert [(r.dataset, r.participates) for r in account.person.records] == [
        ("crm", True),
        ("crm", True),
        ("links", False),
    ]
    assert [(leaf.path, leaf.winner and leaf.winner.value) for leaf in account.leaves] == [
        ("a", 1),
        ("b", 2),
    ]
    assert "only joins identities" in words(account)


def test_who_is_only_outside_the_policy_is_no_candidate(tmp_path: Path, engine: Engine) -> None:
    vector = read("019-graph-joins-over-datasets-outside-the-policy")
    vector["tables"]["links"]["rows"].append({"link": "l9", "ingested": "2025-01-09T00:00:00Z"})
    as_of = parse_time(vector["asOf"])
    account = world_of(vector, vector["request"], as_of, tmp_path, engine).ask("link:l9")
    assert not account.verdict.candidate
    assert account.checks == account.leaves == account.verdict.batches == ()
    assert "no candidate" in words(account)
    assert "only in links" in account.verdict.because


def test_replaced_records_are_told_and_their_identities_are_nobody_s(
    tmp_path: Path, engine: Engine
) -> None:
    world = golden("012-replaced-record-takes-no-part", tmp_path, engine)
    account = world.ask("crmId:c1")
    assert account.person.replaced_total == 1
    assert [r.ingest_time for r in account.person.replaced] == ["2025-01-01T00:00:00Z"]
    assert [r.replaced for r in account.person.records] == [1]
    with pytest.raises(NotFound, match=r"nobody's primary identity.*crmId:c1 of crm"):
        world.ask("email:old@y")


def test_an_identity_of_replaced_records_only(tmp_path: Path, engine: Engine) -> None:
    vector = read("012-replaced-record-takes-no-part")
    graph = {
        "id": "g",
        "name": "g",
        "version": 1,
        "default": True,
        "identityGraph": {"type": "pdg"},
    }
    graph |= {"schema": {"name": "_xdm.context.profile"}}
    graph |= {"attributeMerge": {"type": "timestampOrdered"}}
    vector["sandbox"]["mergePolicies"] = [graph]
    as_of = parse_time(vector["asOf"])
    world = world_of(vector, vector["request"], as_of, tmp_path, engine)
    with pytest.raises(NotFound, match=r"any more.*replaced \(S4\): crmId:c1 of crm") as caught:
        world.ask("email:old@y")
    assert (caught.value.code, caught.value.exit_code) == ("unknown-identity", 2)
    assert [str(key) for key in world.ask("email:new@y").person.identities] == [
        "crmId:c1",
        "email:new@y",
    ]


@pytest.mark.parametrize(
    ("identity", "told"),
    [
        ("email:nobody@y", "no row of crm, app, tv carries it. Check the value"),
        ("mail:x@y", "declares no namespace 'mail'. Nearest: email."),
    ],
)
def test_an_unknown_identity(identity: str, told: str, tmp_path: Path, engine: Engine) -> None:
    world = golden("018-graph-joins-a-chain", tmp_path, engine)
    with pytest.raises(NotFound, match=told):
        world.ask(identity)


@pytest.mark.parametrize("identity", ["c1", ":c1", "crmId:", "crmId:  "])
def test_no_identity(identity: str, tmp_path: Path, engine: Engine) -> None:
    world = golden("012-replaced-record-takes-no-part", tmp_path, engine)
    with pytest.raises(Refused) as caught:
        world.ask(identity)
    assert [(p.code, p.parameter) for p in caught.value.problems] == [
        ("bad-identity", "--identity")
    ]


def test_a_chain_longer_than_the_rounds_is_found_too(tmp_path: Path, engine: Engine) -> None:
    world = golden("152-graph-of-a-long-chain", tmp_path, engine)
    key, work = key_of("node", "n08"), world.workspace("chain")
    every = keys_around(work, world.plan, key)
    assert len(every) == 16
    assert keys_around(work, world.plan, key, rounds=2) == every


def test_only_rows_that_matter_are_read(tmp_path: Path, engine: Engine) -> None:
    """The person's own rows, and the event of another that supersedes one of them (S23)."""
    world = golden("113-duplicate-events", tmp_path, engine)
    work = world.workspace("scope")
    scope = Scope(work, world.plan, keys_around(work, world.plan, key_of("crmId", "c1")))
    counts = {source.name: scope.read(source).count() for source in world.plan.inputs}
    assert counts == {"crm": 1, "web": 4, "store": 1}
    attached = world.ask("crmId:c1").attached
    assert attached is not None
    assert (attached.attached, attached.superseded) == (3, 1)


def test_columns_may_be_called_anything(tmp_path: Path, engine: Engine) -> None:
    """Also as the frames of the stages and of explain call theirs."""
    names = "pk person source t0 t1 declared mapped updated c0 r0 key dataset entries _lineage"
    wanted = {name: number for number, name in enumerate(names.split())}
    vector = read("018-graph-joins-a-chain")
    crm = vector["tables"]["crm"]
    crm["columns"] |= dict.fromkeys(wanted, "int")
    crm["rows"] = [row | wanted for row in crm["rows"]]
    request = {**vector["request"], "fields": ",".join(wanted)}
    world = world_of(vector, request, parse_time(vector["asOf"]), tmp_path, engine)
    found = world.ask("email:x@y").leaves
    assert {leaf.path: leaf.winner and leaf.winner.value for leaf in found} == wanted


def test_ids_of_datasets_may_be_anything(tmp_path: Path, engine: Engine) -> None:
    """Also what is no name of a folder: nothing is written beside the scratch folder by it."""
    vector = read("113-duplicate-events")
    for number, dataset in enumerate(vector["sandbox"]["datasets"][:-1]):
        dataset["id"] = f"{number}*[a]{{b}}/../../../out-{number}"
    world = world_of(vector, vector["request"], parse_time(vector["asOf"]), tmp_path, engine)
    attached = world.ask("crmId:c1").attached
    assert attached is not None
    assert (attached.attached, attached.superseded) == (3, 1)
    assert not list(tmp_path.rglob("out-*"))


def test_an_input_that_is_gone(tmp_path: Path, engine: Engine) -> None:
    world = golden("018-graph-joins-a-chain", tmp_path, engine)
    for file in (tmp_path / "crm").glob("*.parquet"):
        file.unlink()
    with pytest.raises(JobFailed) as caught:
        world.ask("crmId:c1")
    assert caught.value.code == "input-missing"


def test_a_finished_job_is_explained_as_it_was(tmp_path: Path) -> None:
    """From its pinned versions, although the table is empty since; with its batch ids (S28).

    By the command, in processes of their own, so on the embedded engine whichever is tested.
    """
    vector = read("089-a-batch-per-segment")
    write_world(vector, tmp_path)
    (tmp_path / "request.json").write_text(json.dumps(vector["request"]))
    of_world = ["--sandbox", "sandbox.yml", "--json", "--engine", "sail"]
    words = ["run", "request.json", "--as-of", vector["asOf"], "--job-id", "7", *of_world]
    batches = command(tmp_path, *words)["destination"]["batches"]
    crm = DeltaTable(str(tmp_path / "crm"))
    write_deltalake(crm, crm.to_pyarrow_table().slice(0, 0), mode="overwrite")
    words = ["explain", "--job", "exports/profile/_profile_export/7", *of_world]
    told = command(tmp_path, *words, "--identity", "crmId:c1")
    assert told["jobId"] == 7
    assert told["asOf"] == vector["asOf"]
    assert [(b["batch"], b["batchId"]) for b in told["verdict"]["batches"]] == [
        (1, batches[1]["batchId"]),
        (3, batches[3]["batchId"]),
    ]


def command(folder: Path, *words: str) -> dict[str, Any]:
    """What a command says as JSON, in a process of its own."""
    jobs = str(Path(cli.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "profile_export.cli", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": jobs},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told
