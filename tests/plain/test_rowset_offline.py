"""The row-set hash without an engine, against what Spark says of values of every type."""

import random
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hash_cases import CASES, PAIR, Case
from profile_export.rowset.hash_bytes import Unhashable
from profile_export.rowset.offline import ROWS_AT_ONCE, RowSet, of_files, row_hashes
from profile_export.rowset.xxh64 import Pool, xxh64, xxh64_many
from profile_export.schema import Array, DataType, Field, Map, Struct, struct_of
from profile_export.storage import Folder


def hashes(values: pa.Array, type_: DataType) -> list[int]:
    """Signed, as Spark shows them."""
    found = row_hashes(pa.record_batch({"c": values}), Struct((Field("c", type_),)))
    return found.astype(np.int64).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("data", "seed", "digest"),
    [
        (b"", 0, 0xEF46DB3751D8E999),
        (b"a", 0, 0xD24EC4F1A98C6E5B),
        (b"abc", 0, 0x44BC2CF5AD770999),
        (b"Nobody inspects the spammish repetition", 0, 0xFBCEA83C8A378BF1),
    ],
)
def test_xxh64_is_the_published_one(data: bytes, seed: int, digest: int) -> None:
    assert xxh64(data, seed) == digest


def test_many_at_once_are_what_one_is() -> None:
    chance = random.Random(7)
    texts = [chance.randbytes(size) for size in range(200)]
    seeds = [chance.getrandbits(64) for _ in texts]
    sizes = np.array([len(text) for text in texts], np.int64)
    found = xxh64_many(
        Pool(b"".join(texts)), np.cumsum(sizes) - sizes, sizes, np.array(seeds, np.uint64)
    )
    assert found.tolist() == [xxh64(t, seed) for t, seed in zip(texts, seeds, strict=True)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_type_hashes_as_spark_does(case: Case) -> None:
    assert tuple(hashes(case.values, case.type)) == case.hashes


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_slice_hashes_as_its_rows(case: Case) -> None:
    assert tuple(hashes(case.values.slice(1, 2), case.type)) == case.hashes[1:3]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_many_rows_hash_as_few(case: Case) -> None:
    many = pa.concat_arrays([case.values] * 50)
    assert hashes(many, case.type) == [*case.hashes] * 50


DOCUMENT = Path(__file__).parents[2] / "docs" / "row-set-hash.md"


def worked_rows() -> list[list[tuple[bytes, str]]]:
    """The tables of the document's examples: bytes and running hash, row by row."""
    tables = DOCUMENT.read_text(encoding="utf-8").split("| what | bytes | hash |")[1:]
    line = re.compile(r"^\| [^|]+ \| `([0-9a-f ]+)` \| `([0-9a-f]{16})` \|$", re.MULTILINE)
    return [
        [(bytes.fromhex(data), digest) for data, digest in line.findall(table)] for table in tables
    ]


def test_every_step_of_the_documents_examples_is_right() -> None:
    assert [len(row) for row in worked_rows()] == [5, 3, 23]
    for row in worked_rows():
        running = 42
        for data, digest in row:
            running = xxh64(data, running)
            assert f"{running:016x}" == digest


def test_the_documents_examples_hash_as_it_says(tmp_path: Path) -> None:
    first, second, nested = (row[-1][1] for row in worked_rows())
    simple = pa.table({"email": ["ada@example.org", None], "age": pa.array([36, None], pa.int32())})
    columns = struct_of(email="string", age="integer")
    rows = simple.to_batches()[0]
    assert [f"{h:016x}" for h in row_hashes(rows, columns).tolist()] == [first, second]
    pq.write_table(simple, tmp_path / "two.parquet")
    whole = of_files(Folder(str(tmp_path)), ["two.parquet"], columns=columns)
    assert f"`{whole.digest}`" in DOCUMENT.read_text(encoding="utf-8")
    (hashed,) = row_hashes(nested_example(), NESTED).tolist()
    assert f"{hashed:016x}" == nested


NESTED = struct_of(
    name=struct_of(first="string", last="string"),
    scores=Map("string", "double"),
    tags=Array("string"),
    paid="decimal(10,2)",
    seen="timestamp",
)


def nested_example() -> pa.RecordBatch:
    name = pa.struct([("first", pa.string()), ("last", pa.string())])
    seen = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    return pa.record_batch(
        {
            "name": pa.array([{"first": "Ada", "last": None}], name),
            "scores": pa.array([[("b", -0.0), ("a", 1.5)]], pa.map_(pa.string(), pa.float64())),
            "tags": pa.array([[]], pa.list_(pa.string())),
            "paid": pa.array([Decimal("-1.23")], pa.decimal128(10, 2)),
            "seen": pa.array([seen], pa.timestamp("us", "UTC")),
        }
    )


@pytest.mark.parametrize(
    ("one", "other", "type_"),
    [
        (["a", None], [None, "a"], Array("string")),
        ([["a"], []], [["a", None], None], Array(Array("string"))),
        ({"a": None, "b": "1"}, {"a": 1, "b": None}, PAIR),
        ({"a": None, "b": None}, None, PAIR),
        ([], None, Array("long")),
        ([("k", None)], [], Map("string", "string")),
        (["ab", "c"], ["a", "bc"], Array("string")),
    ],
    ids=str,
)
def test_neighbours_differ(one: object, other: object, type_: DataType) -> None:
    arrow = {
        Array("string"): pa.list_(pa.string()),
        Array("long"): pa.list_(pa.int64()),
        Array(Array("string")): pa.list_(pa.list_(pa.string())),
        PAIR: pa.struct([("a", pa.int32()), ("b", pa.string())]),
        Map("string", "string"): pa.map_(pa.string(), pa.string()),
    }[type_]
    left, right = hashes(pa.array([one, other], arrow), type_)
    assert left != right


def test_members_are_found_by_name_and_missing_ones_are_null() -> None:
    swapped = pa.array([{"b": "x", "a": 1}], pa.struct([("b", pa.string()), ("a", pa.int32())]))
    straight = pa.array([{"a": 1, "b": "x"}], pa.struct([("a", pa.int32()), ("b", pa.string())]))
    assert hashes(swapped, PAIR) == hashes(straight, PAIR)
    wider = struct_of(a="integer", b="string", c=Array(PAIR), d=PAIR, e=Map("string", "long"))
    empty = pa.array([None, None], pa.struct([("a", pa.int32())]))
    assert hashes(empty, wider) == hashes(pa.nulls(2), wider)


def test_one_very_long_row_among_short_ones() -> None:
    lists = [[1], list(range(5000)), []] * 3
    together = hashes(pa.array(lists, pa.list_(pa.int64())), Array("long"))
    alone = [hashes(pa.array([one], pa.list_(pa.int64())), Array("long"))[0] for one in lists]
    assert together == alone


def test_maps_by_structs_need_an_engine() -> None:
    keyed = pa.array([[({"a": 1}, 1)]], pa.map_(pa.struct([("a", pa.int32())]), pa.int32()))
    with pytest.raises(Unhashable, match="keys of type struct"):
        hashes(keyed, Map(struct_of(a="integer"), "integer"))


@pytest.mark.parametrize(
    ("keys", "type_"), [(["a", "b", "a"], "string"), ([0.0, 1.0, -0.0], "double")]
)
def test_maps_that_have_a_key_twice_have_no_hash_to_rely_on(keys: list[Any], type_: str) -> None:
    """``verify --deep`` called such rows others than those that were exported."""
    of_keys = pa.string() if type_ == "string" else pa.float64()
    values = pa.array([[(key, 1) for key in keys]], pa.map_(of_keys, pa.int32()))
    with pytest.raises(Unhashable, match="a key twice"):
        hashes(values, Map(type_, "integer"))
    values = pa.array([[(keys[0], 1)], [(keys[2], 1)]], pa.map_(of_keys, pa.int32()))
    hashes(values, Map(type_, "integer"))


COLUMNS = Struct(
    (Field("name", "string"), Field("timeSeriesEvents", Array(struct_of(_id="string"))))
)


def people(numbers: range) -> pa.Table:
    events = [[{"_id": f"e{i}"} for i in range(n % 3)] for n in numbers]
    return pa.table(
        {
            "name": pa.array([f"n{n}" for n in numbers]),
            "timeSeriesEvents": pa.array(events, pa.list_(pa.struct([("_id", pa.string())]))),
            "_ACP_BATCHID": pa.array(["b"] * len(numbers)),
        }
    )


def test_row_order_files_and_row_groups_do_not_matter(tmp_path: Path) -> None:
    rows = people(range(ROWS_AT_ONCE + 10))
    pq.write_table(rows, tmp_path / "all.parquet", row_group_size=700)
    shuffled = rows.take(pa.array(random.Random(1).sample(range(len(rows)), len(rows))))
    pq.write_table(shuffled[:100], tmp_path / "one.parquet")
    pq.write_table(shuffled[100:], tmp_path / "two.parquet")
    whole = of_files(Folder(str(tmp_path)), ["all.parquet"], columns=COLUMNS)
    parts = of_files(Folder(str(tmp_path)), ["two.parquet", "one.parquet"], columns=COLUMNS)
    assert whole == parts
    assert (whole.records, whole.events) == (len(rows), sum(n % 3 for n in range(len(rows))))


def test_text_that_the_embedded_engine_writes_as_views(tmp_path: Path) -> None:
    entries = [[("b", "1"), ("a", None)], None]
    for type_ in (pa.string(), pa.string_view()):
        column = pa.array(entries, pa.map_(type_, type_))
        pq.write_table(pa.table({"m": column}), tmp_path / f"{type_}.parquet")
    columns = Struct((Field("m", Map("string", "string")),))
    plain, views = (
        of_files(Folder(str(tmp_path)), [f"{type_}.parquet"], columns=columns)
        for type_ in ("string", "string_view")
    )
    assert plain == views


def test_a_doubled_row_is_seen(tmp_path: Path) -> None:
    rows = people(range(5))
    pq.write_table(rows, tmp_path / "once.parquet")
    pq.write_table(pa.concat_tables([rows, rows[:1], rows[:1]]), tmp_path / "thrice.parquet")
    once, thrice = (
        of_files(Folder(str(tmp_path)), [name], columns=COLUMNS)
        for name in ("once.parquet", "thrice.parquet")
    )
    assert once.mixed == thrice.mixed
    assert once.digest != thrice.digest


def test_no_rows_hash_to_nothing() -> None:
    assert of_files(Folder("/"), [], columns=COLUMNS) == RowSet()
    assert RowSet().digest == "0" * 32
