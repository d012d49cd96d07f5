"""diff, on exports made without an engine: diff itself needs none."""

import json
import shutil
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hand_made import Closed, export_by_hand, with_segments
from profile_export.diff import Diff, diff
from profile_export.diff import rows as diff_rows
from profile_export.diff.file import SCHEMA, write_details
from profile_export.diff.pairs import paired
from profile_export.errors import NotFound, Refused
from profile_export.outputs import IDENTITIES_TYPE, IDENTITY_MAP_TYPE
from profile_export.papers import ManifestBatch
from profile_export.plan import EventList
from profile_export.schema import Array, DataType, Field, Map, Struct, struct_of
from tables.plans import plan_for

Row = dict[str, Any]
ENTRY = pa.struct(
    [("id", pa.string()), ("authenticatedState", pa.string()), ("primary", pa.bool_())]
)
ID_MAP = pa.map_(pa.string(), pa.list_(ENTRY))
NAME = struct_of(first="string", last="string")
COLUMNS = struct_of(
    name=NAME, age="long", tags=Map("string", "double"), identityMap=IDENTITY_MAP_TYPE
)
ARROW: dict[str, pa.DataType] = {
    "name": pa.struct([("first", pa.string()), ("last", pa.string())]),
    "age": pa.int64(),
    "tags": pa.map_(pa.string(), pa.float64()),
    "identityMap": ID_MAP,
}


def ids(*primary: str, others: Sequence[str] = ()) -> list[tuple[str, list[Row]]]:
    """An identityMap of ``namespace:value`` texts."""
    found: dict[str, list[Row]] = {}
    for texts, is_primary in ((primary, True), (others, False)):
        for text in texts:
            namespace, value = text.split(":")
            entry = {"id": value, "authenticatedState": "ambiguous", "primary": is_primary}
            found.setdefault(namespace, []).append(entry)
    return sorted(found.items())


def person(key: str, **values: Any) -> Row:
    return {"identityMap": ids(f"crmId:{key}"), **values}


def table(rows: Sequence[Row], arrow: dict[str, pa.DataType] = ARROW) -> pa.Table:
    return pa.table({name: pa.array([r.get(name) for r in rows], t) for name, t in arrow.items()})


class Exports:
    """Writes exports into datasets of their own, and compares them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0

    def one(
        self,
        *batches: Sequence[Row],
        columns: Struct = COLUMNS,
        arrow: dict[str, pa.DataType] = ARROW,
        segments: Sequence[str] = (),
        pieces: int = 1,
    ) -> str:
        self._count += 1
        plan = plan_for(
            self._folder / f"e{self._count}",
            job_id=self._count,
            batches=len(batches),
            output=columns,
        )
        plan = with_segments(plan, *segments) if segments else plan
        tables = [[table(rows[i::pieces], arrow) for i in range(pieces)] for rows in batches]
        return str(export_by_hand(plan, tables))

    def diff(self, a: Sequence[Row], b: Sequence[Row]) -> Diff:
        return diff(self.one(a), self.one(b, pieces=2))


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


def changes(found: Diff) -> list[tuple[str, str, tuple[str, ...]]]:
    """Change, ``namespace:value`` and leaves of every person that is not the same."""
    return [
        (change, ":".join(found.identity(key)), leaves)
        for pair in found.pairs
        for change, key, leaves in pair.details()
    ]


PEOPLE = [
    person("1", name={"first": "Ann", "last": "Ash"}, age=30, tags=[("a", 1.0), ("b", -0.0)]),
    person("2", name={"first": "Bob", "last": None}, age=None),
    person("3"),
]


def test_an_export_equals_itself_whatever_its_files_and_the_order_of_its_maps(
    exports: Exports,
) -> None:
    turned = {**PEOPLE[0], "tags": [("b", 0.0), ("a", 1.0)]}
    found = exports.diff(PEOPLE, [PEOPLE[2], PEOPLE[1], turned])
    assert found.equal
    assert found.as_json()["equal"] is True
    assert [pair.persons.same for pair in found.pairs] == [3]


def test_who_came_who_went_who_changed_and_where(exports: Exports) -> None:
    now = [
        {**PEOPLE[0], "name": {"first": "Ann", "last": "Oak"}, "tags": [("a", 1.0)]},
        PEOPLE[1],
        person("4"),
    ]
    found = exports.diff(PEOPLE, now)
    assert not found.equal
    assert changes(found) == [
        ("added", "crmid:4", ()),
        ("removed", "crmid:3", ()),
        ("changed", "crmid:1", ("name.last", "tags")),
    ]
    assert found.as_json()["batches"] == [
        {
            "segment": {},
            "batchIdA": found.pairs[0].pair.a and found.pairs[0].pair.a.batch_id,
            "batchIdB": found.pairs[0].pair.b and found.pairs[0].pair.b.batch_id,
            "added": 1,
            "removed": 1,
            "changed": 1,
            "same": 1,
            "sharedKeys": 0,
            "changedLeaves": {"name.last": 1, "tags": 1},
        }
    ]


def test_a_struct_that_becomes_null_changes_only_the_leaves_that_had_a_value(
    exports: Exports,
) -> None:
    found = exports.diff([person("1", name={"first": "A", "last": None})], [person("1")])
    assert changes(found) == [("changed", "crmid:1", ("name.first",))]


def test_more_changes_than_are_in_memory_at_once(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diff_rows, "AT_ONCE", 3)
    then = [person(str(n), age=n) for n in range(10)]
    now = [person(str(n), age=n + n % 2) for n in range(10)]
    odd = [("changed", f"crmid:{n}", ("age",)) for n in range(1, 10, 2)]
    assert changes(exports.diff(then, now)) == odd


# --- who is who


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [
        (ids("crmId:1", others=["email:a"]), ids("crmId:1", others=["email:b"]), True),
        (ids("CRMID:1"), ids("crmId:1"), True),
        (ids("crmId:1", "ecid:9"), ids("crmId:1"), True),
        (ids("crmId:2", "ecid:9"), ids("crmId:1", "ecid:9"), False),
        (ids("crmId:1", others=["aaid:0"]), ids("crmId:1"), True),
        (ids("crmId:1"), ids("crmId:1 "), False),
        (ids("crmId:a"), ids("crmId:A"), False),
        (ids("a:b"), ids("ab:"), False),
    ],
)
def test_the_key_of_a_person(then: Any, now: Any, same: bool, exports: Exports) -> None:
    found = exports.diff([{"identityMap": then}], [{"identityMap": now}])
    kinds = [change for change, _, _ in changes(found)]
    assert kinds in ([[], ["changed"]] if same else [["added", "removed"]])


def test_persons_that_share_an_address_are_still_told_apart(exports: Exports) -> None:
    """In a policy without a graph every primary identity is a person (S6)."""
    shared = [
        {"identityMap": ids("crmId:1", others=["aaid:x"]), "age": 1},
        {"identityMap": ids("crmId:2", others=["aaid:x"]), "age": 2},
    ]
    found = exports.diff(shared, [shared[1], {**shared[0], "age": 9}])
    assert changes(found) == [("changed", "crmid:1", ("age",))]
    assert found.pairs[0].persons.shared == 0


IDENTITIES = pa.list_(
    pa.struct([("id", pa.string()), ("namespace", pa.struct([("code", pa.string())])), ("primary", pa.bool_())])
)  # fmt: skip


def listed(*texts: str) -> list[Row]:
    split = (text.split(":") for text in texts)
    return [{"id": i, "namespace": {"code": n}, "primary": True} for n, i in split]


def test_identities_will_do_too(exports: Exports) -> None:
    columns = struct_of(age="long", identities=IDENTITIES_TYPE)
    arrow = {"age": pa.int64(), "identities": IDENTITIES}
    then = [{"age": 1, "identities": listed("a:1", "b:2")}, {"age": 2, "identities": listed("c:3")}]
    now = [{"age": 5, "identities": listed("b:2", "a:1")}, {"age": 2, "identities": listed("c:3")}]
    a, b = (exports.one(rows, columns=columns, arrow=arrow) for rows in (then, now))
    found = diff(a, b)
    assert ("changed", "a:1", ("age", "identities")) in changes(found)
    assert len(changes(found)) == 1


def test_an_identity_map_against_identities(exports: Exports) -> None:
    columns = struct_of(age="long", identities=IDENTITIES_TYPE)
    arrow = {"age": pa.int64(), "identities": IDENTITIES}
    a = exports.one([person("1", age=1)])
    b = exports.one([{"age": 1, "identities": listed("crmId:1")}], columns=columns, arrow=arrow)
    assert changes(diff(a, b)) == [("changed", "crmid:1", ("identityMap", "identities"))]


WITHOUT_PRIMARY = struct_of(
    age="long",
    identities=Array(struct_of(id="string", namespace=struct_of(code="string"))),
)
ARROW_WITHOUT_PRIMARY: dict[str, pa.DataType] = {
    "age": pa.int64(),
    "identities": pa.list_(
        pa.struct([("id", pa.string()), ("namespace", pa.struct([("code", pa.string())]))])
    ),
}


def test_where_one_export_does_not_tell_what_is_primary_the_other_is_not_asked(
    exports: Exports,
) -> None:
    both = [{"id": i, "namespace": {"code": n}} for n, i in (("aaid", "1"), ("crmId", "2"))]
    a = exports.one([{"age": 1, "identityMap": ids("crmId:2", others=["aaid:1"])}])
    rows = [{"age": 1, "identities": both}]
    b = exports.one(rows, columns=WITHOUT_PRIMARY, arrow=ARROW_WITHOUT_PRIMARY)
    for found in (diff(a, b), diff(b, a)):
        assert [change[:2] for change in changes(found)] == [("changed", "aaid:1")]


def test_rows_that_cannot_be_told_apart_are_paired_and_counted(exports: Exports) -> None:
    """``identities`` without ``primary``: two persons can have the same smallest identity."""
    columns, arrow = WITHOUT_PRIMARY, ARROW_WITHOUT_PRIMARY
    same = [{"id": "x", "namespace": {"code": "a"}}]
    then = [{"age": n, "identities": same} for n in (1, 2, 3)]
    a = exports.one(then, columns=columns, arrow=arrow)
    b = exports.one([then[2], then[0], then[1]], columns=columns, arrow=arrow)
    found = diff(a, b)
    assert found.equal
    assert found.as_json()["batches"][0]["sharedKeys"] == 4  # type: ignore[index]


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        ([1, 1, 1], [1, 1], (0, 1, 0, 2)),
        ([1, 1], [1, 1, 1], (1, 0, 0, 2)),
        ([1, 1], [1, 2], (0, 0, 1, 1)),
    ],
)
def test_each_row_of_a_shared_key_is_paired_once(
    then: list[int], now: list[int], told: tuple[int, ...], exports: Exports
) -> None:
    same = [{"id": "x", "namespace": {"code": "a"}}]
    rows = [[{"age": age, "identities": same} for age in ages] for ages in (then, now)]
    a, b = (exports.one(r, columns=WITHOUT_PRIMARY, arrow=ARROW_WITHOUT_PRIMARY) for r in rows)
    (pair,) = diff(a, b).pairs
    found = pair.persons
    counts = (len(found.added), len(found.removed), len(found.changed), found.same)
    assert counts == told


@pytest.mark.parametrize(
    "columns",
    [
        struct_of(age="long"),
        struct_of(identities=Array(struct_of(id="string"))),
        struct_of(identities=Array(struct_of(namespace=struct_of(code="string")))),
    ],
    ids=["none", "ids-only", "namespaces-only"],
)
def test_an_export_without_identities_is_refused(columns: Struct, exports: Exports) -> None:
    plain = exports.one([], columns=columns, arrow={"age": pa.int64()})
    with pytest.raises(Refused, match="Export identityMap too"):
        diff(plain, exports.one(PEOPLE))
    with pytest.raises(Refused, match="Export identityMap too"):
        diff(exports.one(PEOPLE), plain)


# --- batches


def test_batches_are_paired_by_segment(exports: Exports) -> None:
    a = exports.one([PEOPLE[0]], [PEOPLE[1]], [PEOPLE[2]], segments=["x", "y", "z"])
    b = exports.one([PEOPLE[1]], [PEOPLE[0]], [], segments=["y", "x", "w"])
    found = diff(a, b)
    shown = [(p.pair.segment["segmentId"], bool(p.pair.a), bool(p.pair.b)) for p in found.pairs]
    assert shown == [("x", True, True), ("y", True, True), ("z", True, False), ("w", False, True)]
    assert changes(found) == [("removed", "crmid:3", ())]


def of_segment(namespace: str, *status: str) -> ManifestBatch:
    segment = {"segmentNs": namespace, "segmentId": "x", "status": list(status)}
    nothing = {"recordCount": 0, "eventCount": 0, "bytes": 0, "rowSetHash": "", "files": []}
    return ManifestBatch.model_validate({"batchId": "b", "segment": segment, **nothing})


@pytest.mark.parametrize(
    ("a", "b", "pairs"),
    [
        pytest.param(["AAM:1"], ["aam:1"], ["0-0"], id="namespaces without case"),
        pytest.param(["ups:1"], ["aam:1"], ["0-", "-0"], id="another namespace"),
        pytest.param(["ups:1", "ups:2"], ["ups:2", "ups:1"], ["0-1", "1-0"], id="by status"),
        pytest.param(["ups:1:2"], ["ups:3", "ups:2:1"], ["0-1", "-0"], id="status in any order"),
        pytest.param(["ups:1"], ["ups:2"], ["0-0"], id="another status was asked"),
        pytest.param(["ups:1", "ups:2"], ["ups:3"], ["0-0", "1-"], id="each once"),
    ],
)
def test_which_batches_are_paired(a: list[str], b: list[str], pairs: list[str]) -> None:
    left, right = ([of_segment(*text.split(":")) for text in side] for side in (a, b))
    places = {id(batch): str(i) for side in (left, right) for i, batch in enumerate(side)}
    found = paired(left, right)
    assert [f"{places.get(id(p.a), '')}-{places.get(id(p.b), '')}" for p in found] == pairs


def test_two_empty_exports(exports: Exports) -> None:
    assert exports.diff([], []).equal


def test_an_empty_export_against_one_with_people(exports: Exports) -> None:
    assert [c for c, _, _ in changes(exports.diff([], PEOPLE))] == ["added"] * 3
    assert [c for c, _, _ in changes(exports.diff(PEOPLE, []))] == ["removed"] * 3


# --- schemas


def one_column(
    exports: Exports, type_: DataType, arrow: pa.DataType, values: Sequence[object]
) -> str:
    columns = Struct((Field("v", type_), Field("identityMap", IDENTITY_MAP_TYPE)))
    rows = [person(str(n), v=value) for n, value in enumerate(values)]
    return exports.one(rows, columns=columns, arrow={"v": arrow, "identityMap": ID_MAP})


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (("integer", pa.int32(), [1, None]), ("long", pa.int64(), [1, None])),
        (("float", pa.float32(), [0.5]), ("double", pa.float64(), [0.5])),
        (("long", pa.int64(), [2**53 + 1]), ("double", pa.float64(), [2.0**53])),
        (
            ("decimal(5,2)", pa.decimal128(5, 2), [Decimal("1.50")]),
            ("decimal(30,4)", pa.decimal128(30, 4), [Decimal("1.5000")]),
        ),
        (
            (Array("integer"), pa.list_(pa.int32()), [[1, 2]]),
            (Array("long"), pa.list_(pa.int64()), [[1, 2]]),
        ),
        (
            (
                Array(struct_of(a="string")),
                pa.list_(pa.struct([("a", pa.string())])),
                [[{"a": "x"}]],
            ),
            (
                Array(struct_of(a="string", b="date")),
                pa.list_(pa.struct([("a", pa.string()), ("b", pa.date32())])),
                [[{"a": "x", "b": None}]],
            ),
        ),
    ],
    ids=[
        "integers",
        "floats",
        "no double has it",
        "decimals",
        "in arrays",
        "new members in arrays",
    ],
)
def test_wider_types_compare_by_value(narrow: Any, wide: Any, exports: Exports) -> None:
    assert diff(one_column(exports, *narrow), one_column(exports, *wide)).equal


def test_a_leaf_that_only_one_export_has(exports: Exports) -> None:
    a = one_column(exports, "timestamp", pa.timestamp("us", "UTC"), [None, 5])
    found = diff(exports.one([person("0"), person("1")]), a)
    assert changes(found) == [("changed", "crmid:1", ("v",))]


def test_a_member_of_a_struct_that_only_one_export_has(exports: Exports) -> None:
    columns = struct_of(name=struct_of(first="string"), identityMap=IDENTITY_MAP_TYPE)
    arrow = {"name": pa.struct([("first", pa.string())]), "identityMap": ID_MAP}
    rows = [person(key, name={"first": "Ann"}) for key in "12"]
    b = exports.one(rows, columns=columns, arrow=arrow)
    then = [person("1", name={"first": "Ann", "last": "Oak"}), person("2", name={"first": "Ann"})]
    assert changes(diff(exports.one(then), b)) == [("changed", "crmid:1", ("name.last",))]


def test_types_with_nothing_in_common_are_told_and_not_compared(exports: Exports) -> None:
    a = one_column(exports, "long", pa.int64(), [1])
    b = one_column(exports, "string", pa.string(), ["1"])
    found = diff(a, b)
    assert found.not_compared == ("v",)
    assert not found.equal
    assert changes(found) == []


def test_events_are_a_leaf(tmp_path: Path) -> None:
    wanted = EventList(
        columns=struct_of(_id="string"), ingested_after=None, ingested_before=None,
        max_per_profile=9,
    )  # fmt: skip
    arrow = {"identityMap": ID_MAP, "timeSeriesEvents": pa.list_(pa.struct([("_id", pa.string())]))}
    papers = []
    for job_id, events in ((1, []), (2, [{"_id": "e"}])):
        plan = plan_for(
            tmp_path / "x", job_id=job_id, batches=1, events=wanted,
            output=struct_of(identityMap=IDENTITY_MAP_TYPE),
        )  # fmt: skip
        rows = [person("1", timeSeriesEvents=events)]
        papers.append(str(export_by_hand(plan, [[table(rows, arrow)]])))
    assert changes(diff(*papers)) == [("changed", "crmid:1", ("timeSeriesEvents",))]


# --- papers and the file


@pytest.mark.parametrize("paper", ["job.json", "manifest.json"])
def test_papers_of_two_jobs(paper: str, exports: Exports) -> None:
    """Two batches of another job would be compared, or be read with another job's columns."""
    a, b = exports.one([person("1")]), exports.one([person("1"), person("2")])
    assert not diff(a, b).equal
    shutil.copy(Path(a, paper), Path(b, paper))
    with pytest.raises(Refused) as caught:
        diff(a, b)
    assert [problem.code for problem in caught.value.problems] == ["other-job"]


def test_a_manifest_that_names_files_of_others(exports: Exports) -> None:
    a, b = exports.one([person("1")]), exports.one([person("1")])
    (theirs,) = Path(a).parents[1].glob("*/*.parquet")
    content = json.loads(Path(b, "manifest.json").read_text())
    content["batches"][0]["files"][0]["path"] = f"../{theirs.relative_to(Path(a).parents[2])}"
    Path(b, "manifest.json").write_text(json.dumps(content))
    with pytest.raises(NotFound, match="is missing"):
        diff(a, b)


def test_namespaces_are_written_as_the_first_job_has_them(exports: Exports) -> None:
    papers = [exports.one([person("1")]), exports.one([person("2")])]
    for place, names in zip(papers, ({"crmid": "crmId"}, {"crmid": "CRM", "x": "X"}), strict=True):
        content = json.loads(Path(place, "job.json").read_text())
        content["plan"]["namespaces"] = names
        Path(place, "job.json").write_text(json.dumps(content))
    found = diff(*papers)
    assert [change[:2] for change in changes(found)] == [
        ("added", "crmId:2"),
        ("removed", "crmId:1"),
    ]
    assert found.identity("x\0y") == ("X", "y")


def test_the_leaf_in_which_most_have_changed_is_told_first(exports: Exports) -> None:
    then = [person(key, age=1, name={"first": "A", "last": "B"}) for key in "123"]
    now = [{**row, "name": {"first": "A", "last": "C"}} for row in then]
    now[0] = {**now[0], "age": 2}
    (pair,) = exports.diff(then, now).pairs
    assert list(pair.leaves().items()) == [("name.last", 3), ("age", 1)]


def test_papers_whose_batches_stand_in_another_order(exports: Exports) -> None:
    a, b = (exports.one([person("1")], [person("2")]) for _ in range(2))
    manifest = Path(b, "manifest.json")
    content = json.loads(manifest.read_text())
    content["batches"].reverse()
    manifest.write_text(json.dumps(content))
    with pytest.raises(Refused, match="other-job"):
        diff(a, b)


def test_a_file_that_is_gone(exports: Exports) -> None:
    a, b = exports.one(PEOPLE), exports.one(PEOPLE)
    next((Path(b).parents[1]).glob("*/*.parquet")).unlink()
    with pytest.raises(NotFound, match="is missing"):
        diff(a, b)


def test_namespaces_are_lower_cased_as_the_engines_do(exports: Exports) -> None:
    """Arrow's own way makes one person of the first two, and another of the third."""
    people = [{"identityMap": ids(key)} for key in ("ID:1", "İD:1", "ΑΣ:1")]
    found = exports.diff(people, people[1:])
    assert changes(found) == [("removed", "id:1", ())]
    assert sum(pair.persons.shared for pair in found.pairs) == 0


def test_conflicts_inside_an_array_leave_the_rest_to_be_compared(exports: Exports) -> None:
    exported = []
    for kind, arrow, x, y in (("long", pa.int64(), 1, 1), ("string", pa.string(), "1", 2)):
        element = pa.struct([("x", arrow), ("y", pa.int64())])
        types = {"arr": pa.list_(element), "identityMap": ID_MAP}
        columns = struct_of(arr=Array(struct_of(x=kind, y="long")), identityMap=IDENTITY_MAP_TYPE)
        rows = [person("1", arr=[{"x": x, "y": y}]), person("2", arr=[{"x": x, "y": 7}])]
        exported.append(exports.one(rows, columns=columns, arrow=types))
    found = diff(*exported)
    assert found.not_compared == ("arr.x",)
    assert changes(found) == [("changed", "crmid:1", ("arr",))]


@pytest.mark.parametrize("content", [b"", b"PAR1PAR1", b"PAR1" + b"\xff" * 400 + b"PAR1"])
def test_a_file_that_is_damaged(content: bytes, exports: Exports) -> None:
    a, b = exports.one(PEOPLE), exports.one(PEOPLE)
    file = next((Path(b).parents[1]).glob("*/*.parquet"))
    file.write_bytes(content)
    with pytest.raises(Refused, match=f"{file.name} cannot be read") as caught:
        diff(a, b)
    assert caught.value.problems[0].code == "file-unreadable"


@pytest.mark.parametrize("what", ["*/*.parquet", "_ACP_BATCHID=*"])
def test_a_file_that_may_not_be_read(
    what: str, exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = exports.one(PEOPLE), exports.one(PEOPLE)
    Closed(monkeypatch)(next((Path(b).parents[1]).glob(what)))
    with pytest.raises(Refused, match=r"cannot be read: Permission denied\. Look at its") as caught:
        diff(a, b)
    assert caught.value.problems[0].code == "file-unreadable"


def test_maps_that_only_an_engine_can_hash(exports: Exports) -> None:
    key = pa.struct([("k", pa.int64())])
    types = {"m": pa.map_(key, pa.int64()), "identityMap": ID_MAP}
    columns = struct_of(m=Map(struct_of(k="long"), "long"), identityMap=IDENTITY_MAP_TYPE)
    rows = [person("1", m=[({"k": 1}, 2)])]
    a, b = (exports.one([], columns=columns, arrow=types) for _ in range(2))
    for papers in (a, b):
        batch = json.loads((Path(papers) / "manifest.json").read_text())["batches"][0]
        (file,) = batch["files"]
        pq.write_table(table(rows, types), Path(papers).parents[1] / file["path"])
    with pytest.raises(Refused, match="maps with keys of type struct") as caught:
        diff(a, b)
    assert caught.value.problems[0].code == "rows-unhashed"


@pytest.mark.parametrize("at_once", [1, 3, 4])
def test_the_details_as_a_file(
    at_once: int, exports: Exports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("profile_export.diff.file._ROWS_AT_ONCE", at_once)
    a = exports.one([PEOPLE[0]], [PEOPLE[1]], segments=["x", "y"])
    b = exports.one([{**PEOPLE[0], "age": 31}], [PEOPLE[2]], segments=["x", "y"])
    found, out = diff(a, b), tmp_path / "out.parquet"
    assert write_details(found, str(out)) == 3
    rows = pq.read_table(out).to_pylist()
    assert [(r["change"], r["segmentId"], r["namespace"], r["id"], r["leaves"]) for r in rows] == [
        ("changed", "x", "crmid", "1", ["age"]),
        ("added", "y", "crmid", "3", []),
        ("removed", "y", "crmid", "2", []),
    ]
    assert pq.read_schema(out).equals(SCHEMA)
    assert [f.name for f in tmp_path.glob("out.parquet*")] == ["out.parquet"]


def test_a_file_that_cannot_be_written(exports: Exports, tmp_path: Path) -> None:
    found = exports.diff(PEOPLE, [])
    with pytest.raises(Refused, match="cannot be written: No such file"):
        write_details(found, str(tmp_path / "no" / "out.parquet"))
    (tmp_path / "out").mkdir()
    with pytest.raises(Refused, match="cannot be written: Is a directory"):
        write_details(found, str(tmp_path / "out"))
    assert [f.name for f in tmp_path.glob("out*")] == ["out"]
