"""Stages one at a time, on literal frames, compared with chispa."""

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from frames.frames import WHO_DDL
from profile_export import columns
from profile_export.columns import canonical
from profile_export.schema import Array, Map, Struct, ddl, struct_of
from profile_export.stages import (
    audience,
    current,
    events,
    identities,
    membership_map,
    persons,
    settling,
)

EXACT = {"ignore_row_order": True, "ignore_column_order": False, "ignore_nullable": True}


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        pytest.param([("p", 1, "a", 0, "x"), ("p", 2, "a", 0, "y")], "y", id="the newest wins"),
        pytest.param([("p", 2, "a", 0, "x"), ("p", 2, "b", 0, "y")], "y", id="then the record id"),
        pytest.param([("p", 2, "a", 0, "x"), ("p", 2, "", 9, "y")], "x", id="no id loses"),
        pytest.param([("p", 2, "a", 1, "x"), ("p", 2, "a", 0, "y")], "x", id="then the content"),
        pytest.param([("p", -(2**63), "a", 0, "x")], "x", id="no time, but alone"),
    ],
)
def test_current_record(
    spark: SparkSession, rows: list[tuple[str, int, str, int, str]], kept: str
) -> None:
    """S4: per primary identity the newest record, and how many there were."""
    frame = spark.createDataFrame(rows, "pk string, r0 bigint, r1 string, r2 bigint, value string")
    found = current.newest(frame, keep=["value"], rank=["r0", "r1", "r2"])
    wanted = spark.createDataFrame([("p", kept, len(rows))], "pk string, value string, rows bigint")
    assert_df_equality(found, wanted, **EXACT)


def test_rows_without_a_primary_identity_are_counted_not_kept(spark: SparkSession) -> None:
    """S3: they are counted by dataset, and no person comes of them."""
    rows = [
        (0, True, True, None, [], None, [], 3),
        (0, True, True, "crm\0 1", [("crm\0 1", 0)], 5, [], 2),
        (1, False, False, None, [], None, [], 4),
    ]
    who = spark.createDataFrame(rows, WHO_DDL)
    found = identities.rows_by_source(who).collect()
    assert {r["source"]: (r["without_identity"], r["widest"]) for r in found} == {
        0: (3, 1),
        1: (4, 0),
    }
    assert [r["person"] for r in persons.by_primary(who).collect()] == ["crm\0 1"]


def test_an_identity_without_an_edge_is_a_person_by_itself(spark: SparkSession) -> None:
    """S6, S7: the others take the person of their component."""
    who = spark.createDataFrame([("b",), ("z",), (None,)], "pk string")
    found = spark.createDataFrame(
        [("a", "a", 2), ("b", "a", 2)], "key string, person string, identities bigint"
    )
    wanted = spark.createDataFrame(
        [("b", "a", 2), ("z", "z", 1)], "pk string, person string, identities bigint"
    )
    assert_df_equality(persons.by_component(who, persons=found), wanted, **EXACT)


def test_rows_of_a_graph_take_the_person_of_their_component(spark: SparkSession) -> None:
    """S6, S7: and the members' keys are all identities of their components, or they themselves."""
    persons_ddl = "key string, person string, identities bigint"
    found = spark.createDataFrame([("a", "a", 2), ("b", "a", 2), ("c", "c", 1)], persons_ddl)
    rows = spark.createDataFrame([("b", 1), ("z", 2), (None, 3)], "person string, n int")
    stitched = persons.stitched(rows, persons=found).select("pk", "person", "identities", "n")
    wanted = [("b", "a", 2, 1), ("z", "z", 1, 2), (None, None, 1, 3)]
    wanted_ddl = "pk string, person string, identities bigint, n int"
    assert_df_equality(stitched, spark.createDataFrame(wanted, wanted_ddl), **EXACT)
    members = spark.createDataFrame([("a", 7), ("z", 8)], "key string, person bigint")
    keys = persons.keys_of(members, persons=found)
    of_members = [("a", 7), ("b", 7), ("z", 8)]
    of_members_frame = spark.createDataFrame(of_members, "pk string, person bigint")
    assert_df_equality(keys, of_members_frame, **EXACT)


def test_the_strongest_state_of_an_identity(spark: SparkSession) -> None:
    """S10: authenticated before loggedOut before ambiguous; primary of any row."""
    rows = [("p", "k1", True, [("k1", 0), ("k2", 2)]), ("p", "k3", True, [("k2", 1), ("k3", 1)])]
    people = spark.createDataFrame(
        rows,
        "person string, pk string, participates boolean, ids array<struct<key:string,auth:int>>",
    )
    wanted = spark.createDataFrame(
        [("p", "k1", 0, True), ("p", "k2", 2, False), ("p", "k3", 1, True)],
        "person string, key string, auth int, primary boolean",
    )
    assert_df_equality(identities.listed(people), wanted, **EXACT)


@pytest.mark.parametrize(
    ("left", "right", "wins"),
    [
        pytest.param((5, 1, 0, "k", 0), (6, 1, 0, "k", 0), "right", id="later"),
        pytest.param((5, 3, 0, "k", 0), (5, 1, 1, "l", 9), "left", id="exited first"),
        pytest.param((5, 1, 0, "l", 9), (5, 1, 1, "k", 0), "right", id="greater dataset"),
        pytest.param((5, 1, 0, "k", 9), (5, 1, 0, "l", 0), "right", id="greater identity"),
        pytest.param((5, 1, 0, "k", 9), (5, 1, 0, "k", 8), "left", id="greater validUntil"),
    ],
)
def test_which_membership_entry_wins(
    spark: SparkSession,
    left: tuple[int, int, int, str, int],
    right: tuple[int, int, int, str, int],
    wins: str,
) -> None:
    """S13, in every order of the rows."""
    rows = [
        ("p", pk, place, [("ups", "s", qualified, rank, until, 0, (name,))])
        for name, (qualified, rank, place, pk, until) in (("left", left), ("right", right))
    ]
    type_ = (
        "person string, pk string, place int, all_entries array<struct<namespace:string,"
        "segment:string,qualified:bigint,status_rank:int,valid_until:bigint,content:bigint,"
        "entry:struct<status:string>>>"
    )
    for order in (rows, rows[::-1]):
        (row,) = (
            membership_map.merged(spark.createDataFrame(order, type_))
            .select(F.col("segmentMembership")["ups"]["s"]["status"].alias("status"))
            .collect()
        )
        assert row["status"] == wins


def test_reasons_apply_in_their_order() -> None:
    """S14-S19: the order is part of the contract."""
    assert audience.REASONS == (
        "tooManyIdentities",
        "noProfileRecord",
        "notUpdatedSince",
        "notInSegment",
        "otherStatus",
        "outsideQualificationTime",
    )


def test_only_exported_persons_of_several_records_are_crowded(spark: SparkSession) -> None:
    verdicts = spark.createDataFrame(
        [
            ("exported", None, True),
            ("of one record each", None, False),
            ("excluded", "notInSegment", True),
            (None, None, True),  # rows of nobody
        ],
        "person string, reason string, several boolean",
    )
    assert [row["person"] for row in settling.crowded(verdicts).collect()] == ["exported"]


def test_only_repeated_event_ids_are_suspects(spark: SparkSession) -> None:
    """S23: an event without ``_id`` is never a duplicate."""
    rows = spark.createDataFrame([("a",), ("a",), ("b",), (None,), (None,)], "_id string")
    suspects = rows.transform(events.id_hashes).transform(events.repeated_ids)
    found = events.with_suspect_id(rows, suspects=suspects).collect()
    assert [row["_id"] for row in found] == ["a", "a"]


@pytest.mark.parametrize(
    ("namespace", "value", "key"),
    [
        pytest.param("crm", " a b ", "crm\0a b", id="blanks around are trimmed"),
        pytest.param("crm", "\ta", "crm\0\ta", id="a tab is no blank"),
        pytest.param("crm", "  ", None, id="blank is no identity"),
        pytest.param("crm", None, None, id="null is no identity"),
        pytest.param("crm", "a\0b", "crm\0a\0b", id="the first separator counts"),
    ],
)
def test_identity_keys(
    spark: SparkSession, namespace: str, value: str | None, key: str | None
) -> None:
    """S2: what is an identity, and the way back from its key."""
    frame = spark.createDataFrame([(namespace, value)], "namespace string, value string")
    made = columns.identity_key(F.col("namespace"), F.col("value")).alias("key")
    found = frame.select(made).select(
        "key",
        columns.key_namespace(F.col("key")).alias("namespace"),
        columns.key_value(F.col("key")).alias("value"),
    )
    parts = (None, None) if key is None else tuple(key.split("\0", 1))
    wanted = spark.createDataFrame([(key, *parts)], "key string, namespace string, value string")
    assert_df_equality(found, wanted, **EXACT)


NARROW = struct_of(a="integer", b=Array(struct_of(x="string", y="integer")), c="string")
WIDE = struct_of(
    a="long", b=Array(struct_of(y="long", z="string")), d=Map("string", struct_of(q="string"))
)


def test_conform_prunes_adds_and_widens(spark: SparkSession) -> None:
    """S12, S21: members by name, missing ones null, nulls stay null."""
    rows = [((1, [("x", 2), None], "c"),), ((None, None, None),), (None,)]
    frame = spark.createDataFrame(rows, f"s {ddl(NARROW)}")
    found = frame.select(columns.conform(F.col("s"), NARROW, WIDE).alias("s"))
    assert [row.asDict(recursive=True)["s"] for row in found.collect()] == [
        {"a": 1, "b": [{"y": 2, "z": None}, None], "d": None},
        {"a": None, "b": None, "d": None},
        None,
    ]


def test_maps_come_back_from_their_sorted_entries(spark: SparkSession) -> None:
    type_ = Struct((*struct_of(m=Map("string", Map("string", "long"))).fields,))
    rows = [(({"b": {"z": 1, "a": 2}, "a": None},),), ((None,),), (None,)]
    frame = spark.createDataFrame(rows, f"s {ddl(type_)}")
    there = canonical.without_maps(F.col("s"), type_)
    back = frame.select(canonical.with_maps(there, type_).alias("s")).collect()
    assert [row.asDict(recursive=True) for row in back] == [
        row.asDict(recursive=True) for row in frame.collect()
    ]


def test_a_condition_of_hundreds_stays_shallow(spark: SparkSession) -> None:
    """Connect bounds the depth of a message: a chain of 300 conditions would pass it."""
    frame = spark.createDataFrame([(1,)], "a int")
    conditions = [F.col("a") == i for i in range(300)]
    assert frame.where(columns.any_of(conditions)).count() == 1


@pytest.mark.parametrize("keys", [1, 2, 3, 8, 9, 128, 129, 200], ids=lambda n: f"{n} keys")
def test_the_number_of_a_key(spark: SparkSession, keys: int) -> None:
    """Of texts and of whole numbers, however many there are."""
    names = {f"s{n}": n for n in range(keys)}
    frame = spark.createDataFrame(
        [(f"s{n}", n * 7, n) for n in range(keys)], "k string, c int, n int"
    )
    found = frame.select(
        "n",
        columns.number_of(F.col("k"), names).alias("by_name"),
        columns.number_of(F.col("c"), {n * 7: n for n in range(keys)}).alias("by_number"),
    )
    assert {tuple(row) for row in found.collect()} == {(n, n, n) for n in range(keys)}


@pytest.mark.parametrize("keys", [1, 9, 200], ids=lambda n: f"{n} keys")
def test_a_key_that_has_no_number(spark: SparkSession, keys: int) -> None:
    """Is 0, whichever way numbers are found."""
    frame = spark.createDataFrame([("other",), ("s0",)], "k string")
    numbers = {f"s{n}": n + 1 for n in range(keys)}
    found = frame.select("k", columns.number_of(F.col("k"), numbers).alias("n"))
    assert {tuple(row) for row in found.collect()} == {("other", 0), ("s0", 1)}
