"""What a sandbox file does to a store, at the first start and at the next ones."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import small_sandbox
from profile_export.catalog import Dataset, MergePolicy, Sandbox, SegmentDefinition
from profile_export.errors import Refused
from profile_export.plan import TableRef
from profile_export.sandbox import load_sandbox
from profile_export.service.store import Store, datasets, from_file, policies, sandboxes, segments
from profile_export.service.store.tables import datasets as dataset_table
from profile_export.service.store.tables import policies as policy_table
from profile_export.service.store.tables import sandboxes as sandbox_table
from profile_export.service.store.tables import segments as segment_table

TABLE = TableRef(format="delta", location="/lake/t", written="t")
EXPORT = Dataset("ex", "Ex", "export", TABLE, schema_ref="s")
CRM = Dataset("crm", "CRM", "profile", TABLE, ingest_time="at", source="s.yml:4")
FIRST = MergePolicy("p", "P", 1, "pdg", "timestampOrdered", default=True)
OTHER = MergePolicy("q", "Q", 1, "none", "dataSetPrecedence", ("crm",))
VIP = SegmentDefinition("vip", "VIP", "d", "p")
SANDBOX = Sandbox("org", "name", (CRM, EXPORT), (FIRST, OTHER), (VIP,))
MADE = Dataset("made", "Made", "export", TABLE, schema_ref="s")


def _of(sandbox_id: int, table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).where(table.c.sandbox_id == sandbox_id)


class Kept:
    """A store, as files and the API change it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.id = self.load(SANDBOX)

    def load(self, sandbox: Sandbox, root: str = "/lake") -> int:
        with self.store.write() as connection:
            return from_file.load(connection, sandbox, root=root)

    def api(self, do: Callable[..., Any], *arguments: Any) -> Any:
        with self.store.write() as connection:
            return do(connection, self.id, *arguments)

    def patch(self, policy_id: str, **changes: Any) -> None:
        self.api(policies.change, policy_id, lambda old: replace(old, **changes))

    def catalog(self) -> Sandbox:
        with self.store.read() as connection:
            return sandboxes.catalog(connection, self.id)

    def versions(self, policy_id: str) -> list[MergePolicy]:
        return list(self.catalog().versions(policy_id))

    def latest(self) -> dict[str, tuple[int, bool]]:
        return {p.id: (p.version, p.default) for p in self.catalog().latest_policies()}


@pytest.fixture
def kept(store: Store) -> Kept:
    return Kept(store)


class TestUnchanged:
    def test_the_catalog_is_the_files(self, kept: Kept) -> None:
        expected = replace(SANDBOX, datasets=(replace(CRM, source=None), EXPORT))
        assert kept.catalog() == expected

    def test_loading_again_changes_nothing(self, kept: Kept) -> None:
        def rows() -> list[Any]:
            with kept.store.read() as connection:
                return [
                    connection.execute(sa.select(table)).fetchall()
                    for table in sandbox_table.metadata.sorted_tables
                    if table is not sandbox_table
                ]

        before = rows()
        assert kept.load(SANDBOX) == kept.id
        assert rows() == before

    def test_settings_and_root_are_the_files(self, kept: Kept) -> None:
        settings = replace(SANDBOX.settings, max_identities=3)
        kept.load(replace(SANDBOX, settings=settings), root="s3://x")
        assert kept.catalog().settings.max_identities == 3
        with kept.store.read() as connection:
            assert sandboxes.root(connection, kept.id) == "s3://x"

    def test_two_sandboxes_stay_apart(self, kept: Kept) -> None:
        other = kept.load(replace(SANDBOX, name="second", datasets=(), segments=()))
        assert other != kept.id
        assert len(kept.catalog().datasets) == 2

    def test_two_with_the_same_ids_stay_apart(self, kept: Kept) -> None:
        other = kept.load(replace(SANDBOX, name="second"))

        def seen() -> list[Any]:
            """All that there is of the other, by every way to it."""
            tables = (dataset_table, policy_table, segment_table)
            with kept.store.read() as connection:
                return [
                    *(connection.execute(_of(other, each)).fetchall() for each in tables),
                    sandboxes.catalog(connection, other),
                    datasets.all_of(connection, other),
                    segments.all_of(connection, other),
                    segments.find(connection, other, "vip"),
                    policies.latest(connection, other),
                    *(policies.versions(connection, other, each) for each in "pq"),
                ]

        before = seen()
        assert before[3] == replace(kept.catalog(), name="second")
        kept.patch("p", name="By the API")
        kept.api(policies.remove, "q")
        kept.api(segments.remove, "vip")
        kept.api(datasets.create, MADE, {})
        changed = replace(EXPORT, name="Ex 2"), replace(FIRST, id="r")
        kept.load(replace(SANDBOX, datasets=changed[:1], merge_policies=changed[1:]))
        sandboxes._known.clear()  # else it is only remembered
        assert seen() == before
        third = replace(VIP, name="VIP 3")
        assert kept.load(replace(SANDBOX, name="second", segments=(third,))) == other
        assert seen()[3].segments == (third,)


class TestDatasets:
    def test_a_change_is_taken(self, kept: Kept) -> None:
        changed = replace(CRM, ingest_time="other", name="CRM 2")
        kept.load(replace(SANDBOX, datasets=(EXPORT, changed)))
        assert kept.catalog().datasets == (EXPORT, replace(changed, source=None))

    def test_times(self, kept: Kept) -> None:
        with kept.store.write() as connection:
            connection.execute(dataset_table.update().values(created=5, updated=5))
        kept.load(replace(SANDBOX, datasets=(replace(EXPORT, name="Ex 2"), CRM)))
        with kept.store.read() as connection:
            export, crm = datasets.all_of(connection, kept.id)  # another place is no change
        assert (crm.created, crm.updated, export.created) == (5, 5, 5)
        assert export.updated > 5

    def test_what_left_the_file_leaves_the_catalog(self, kept: Kept) -> None:
        kept.api(datasets.create, MADE, {})
        kept.load(replace(SANDBOX, datasets=(EXPORT,)))
        assert [d.id for d in kept.catalog().datasets] == ["ex", "made"]

    def test_those_of_the_api_come_last(self, kept: Kept) -> None:
        kept.api(datasets.create, MADE, {})
        new = replace(EXPORT, id="new")
        kept.load(replace(SANDBOX, datasets=(CRM, EXPORT, new)))
        assert [d.id for d in kept.catalog().datasets] == ["crm", "ex", "new", "made"]

    def test_an_id_that_the_api_gave(self, kept: Kept) -> None:
        kept.api(datasets.create, MADE, {})
        twice = replace(CRM, id="made", source="s.yml:9")
        with pytest.raises(Refused) as refused:
            kept.load(replace(SANDBOX, datasets=(twice,), segments=()))
        (problem,) = refused.value.problems
        assert (problem.code, problem.source) == ("duplicate-id", "s.yml:9")
        assert [d.id for d in kept.catalog().datasets] == ["crm", "ex", "made"]
        assert len(kept.catalog().segments) == 1


class TestPolicies:
    def test_a_changed_version_is_the_next_one(self, kept: Kept) -> None:
        changed = replace(FIRST, graph="none")
        for _ in range(2):  # once, however often the service starts
            kept.load(replace(SANDBOX, merge_policies=(changed, OTHER)))
            assert kept.versions("p") == [FIRST, replace(changed, version=2)]
        again = replace(FIRST, name="P 3")
        kept.load(replace(SANDBOX, merge_policies=(again, OTHER)))
        assert kept.versions("p")[-1] == replace(again, version=3)
        assert list(kept.latest()) == ["p", "q"]

    def test_a_version_that_is_new(self, kept: Kept) -> None:
        fifth = replace(FIRST, version=5, graph="none")
        kept.load(replace(SANDBOX, merge_policies=(FIRST, fifth, OTHER)))
        assert kept.versions("p") == [FIRST, fifth]
        old = replace(FIRST, name="rewritten")  # of an old version nothing is taken
        kept.load(replace(SANDBOX, merge_policies=(old, fifth, OTHER)))
        assert kept.versions("p") == [FIRST, fifth]

    def test_a_change_of_the_api_is_kept(self, kept: Kept) -> None:
        kept.patch("p", name="By the API")
        kept.load(replace(SANDBOX, merge_policies=(replace(FIRST, name="By the file"), OTHER)))
        assert [p.name for p in kept.versions("p")] == ["P", "By the API"]

    def test_a_default_of_the_api_is_kept(self, kept: Kept) -> None:
        kept.patch("q", default=True)
        kept.load(SANDBOX)
        assert kept.latest() == {"p": (2, False), "q": (2, True)}

    def test_a_new_default_of_the_file_is_the_only_one(self, kept: Kept) -> None:
        kept.patch("q", default=True)
        third = replace(FIRST, id="r")
        kept.load(replace(SANDBOX, merge_policies=(FIRST, OTHER, third)))
        assert kept.latest() == {"p": (2, False), "q": (3, False), "r": (1, True)}

    def test_the_default_moves_within_the_file(self, kept: Kept) -> None:
        moved = replace(FIRST, default=False), replace(OTHER, default=True)
        for _ in range(2):
            kept.load(replace(SANDBOX, merge_policies=moved))
            assert kept.latest() == {"p": (2, False), "q": (2, True)}
        for order in (1, -1):  # in whichever order they stand
            back = (replace(FIRST, default=True), replace(OTHER, name="Q 3"))[::order]
            kept.load(replace(SANDBOX, merge_policies=back))
            assert kept.latest() == {"p": (3, True), "q": (3, False)}

    def test_what_the_api_deleted_stays_away(self, kept: Kept) -> None:
        kept.api(policies.remove, "p")
        kept.load(SANDBOX)
        kept.load(replace(SANDBOX, merge_policies=(replace(FIRST, version=2), OTHER)))
        assert list(kept.latest()) == ["q"]
        kept.load(replace(SANDBOX, merge_policies=(OTHER,)))
        kept.load(SANDBOX)  # declared anew
        assert list(kept.latest()) == ["p", "q"]

    def test_what_left_the_file_goes(self, kept: Kept) -> None:
        kept.patch("q", name="By the API")
        kept.api(policies.create, replace(FIRST, id="made", default=False))
        kept.load(replace(SANDBOX, merge_policies=()))
        assert list(kept.latest()) == ["q", "made"]

    def test_an_id_that_the_api_gave(self, kept: Kept) -> None:
        kept.api(policies.create, replace(FIRST, id="made", name="API's", default=False))
        declared = replace(FIRST, id="made", name="The file's", default=False)
        kept.load(replace(SANDBOX, merge_policies=(FIRST, OTHER, declared)))
        assert [p.name for p in kept.versions("made")] == ["API's"]


class TestSegments:
    def test_changes(self, kept: Kept) -> None:
        changed = replace(VIP, name="Very important", merge_policy_id=None)
        new = replace(VIP, id="new")
        kept.load(replace(SANDBOX, segments=(new, changed)))
        assert kept.catalog().segments == (new, changed)
        kept.load(replace(SANDBOX, segments=()))
        assert kept.catalog().segments == ()

    def test_those_of_the_api_stay(self, kept: Kept) -> None:
        made = replace(VIP, id="made", name="API's")
        kept.api(segments.create, made, {})
        kept.load(replace(SANDBOX, segments=(replace(made, name="The file's"), VIP)))
        assert kept.catalog().segments == (VIP, made)

    def test_what_the_api_deleted_stays_away(self, kept: Kept) -> None:
        kept.api(segments.remove, "vip")
        kept.load(SANDBOX)
        kept.load(replace(SANDBOX, segments=(replace(VIP, name="changed"),)))
        assert kept.catalog().segments == ()
        kept.load(replace(SANDBOX, segments=()))
        kept.load(SANDBOX)
        assert kept.catalog().segments == (VIP,)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("lake/crm", "lake/crm"),
        ("../crm", "../crm"),
        ("/srv/lake/crm", "CRM"),
        ("file:///srv/lake/crm", "CRM"),
        ("file:/srv/lake/crm", "CRM"),
        ("s3://bucket/crm", "CRM"),
        (None, None),
    ],
)
def test_where_a_table_lies_on_the_server_is_not_told(
    written: str | None, shown: str | None, kept: Kept
) -> None:
    table = TableRef(format="delta", location="/srv/lake/crm", written=written)
    kept.load(replace(SANDBOX, datasets=(replace(CRM, table=table), EXPORT)))
    stored = kept.catalog().datasets[0].table
    assert (stored.location, stored.written) == ("/srv/lake/crm", shown)


def test_from_a_real_file(store: Store, tmp_path: Path) -> None:
    file = small_sandbox.build(tmp_path)
    sandbox = load_sandbox(file)
    with store.write() as connection:
        id_ = from_file.load(connection, sandbox, root=str(file.parent))
    with store.read() as connection:
        found = sandboxes.catalog(connection, id_)
    # The store keeps all but where a data set was declared.
    nowhere = tuple(replace(each, source=None, declared=None) for each in sandbox.datasets)
    assert found == replace(sandbox, datasets=nowhere)
