"""Types without an engine: parse, print, unite, widen (S11, S12)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profile_export.fields import all_paths, project, without_path
from profile_export.schema import (
    INTEGRAL,
    Array,
    DataType,
    Field,
    Map,
    Struct,
    ddl,
    from_json,
    struct_of,
    table_ddl,
    to_json,
)
from profile_export.widening import unite

ATOMS = ("string", "boolean", "date", "timestamp", "timestamp_ntz", "binary", "float", "double")
NESTED = struct_of(
    a="long",
    s=struct_of(x="string", y=struct_of(z="date")),
    list=Array(struct_of(k="string", v=Array("integer"))),
    map=Map("string", struct_of(q="boolean")),
)

_atoms = st.sampled_from([*ATOMS, *INTEGRAL, "decimal(10,2)", "decimal(38,0)"])
_names = st.sampled_from(["a", "b", "c", "we.ird", "back`tick"])


def _structs(inner: st.SearchStrategy[DataType]) -> st.SearchStrategy[Struct]:
    members = st.dictionaries(_names, inner, max_size=4)
    return members.map(lambda m: Struct(tuple(Field(n, t) for n, t in m.items())))


_types: st.SearchStrategy[DataType] = st.recursive(
    _atoms,
    lambda inner: inner.map(Array) | inner.map(lambda t: Map("string", t)) | _structs(inner),
    max_leaves=8,
)


@given(_types)
def test_json_there_and_back(type_: DataType) -> None:
    assert from_json(to_json(type_)) == type_


def test_json_of_spark_and_delta_is_understood() -> None:
    field = {"name": "a", "type": "decimal(10, 2)", "nullable": False, "metadata": {"x": 1}}
    assert from_json({"type": "struct", "fields": [field]}) == struct_of(a="decimal(10,2)")
    assert from_json("decimal") == "decimal(10,0)"


@pytest.mark.parametrize("node", [None, 5, {"type": "udt"}])
def test_json_that_is_no_type(node: object) -> None:
    with pytest.raises(TypeError):
        from_json(node)


def test_ddl_quotes_names() -> None:
    type_ = Struct((Field("a`b.c", Array("long")), Field("m", Map("string", "integer"))))
    assert ddl(type_) == "struct<`a``b.c`:array<bigint>,`m`:map<string,int>>"
    assert table_ddl(type_) == "`a``b.c` array<bigint>, `m` map<string,int>"


def test_s11_leaves_are_all_that_is_no_struct() -> None:
    assert [path for path, _ in NESTED.leaves()] == ["a", "s.x", "s.y.z", "list", "map"]
    assert NESTED.at("s.y.z") == "date"
    assert NESTED.at("list.k") is None
    assert NESTED.at("") is None


WIDER = [
    ("byte", "short", "short"),
    ("short", "integer", "integer"),
    ("integer", "long", "long"),
    ("byte", "long", "long"),
    ("long", "double", "double"),
    ("byte", "double", "double"),
    ("float", "double", "double"),
    ("float", "long", "double"),
    ("decimal(10,2)", "decimal(12,1)", "decimal(13,2)"),
    ("decimal(38,0)", "decimal(10,0)", "decimal(38,0)"),
    (Array("byte"), Array("long"), Array("long")),
    (Map("string", "float"), Map("string", "double"), Map("string", "double")),
    (Array(struct_of(a="byte")), Array(struct_of(b="date")), Array(struct_of(a="byte", b="date"))),
    (struct_of(a="byte"), struct_of(b="date", a="short"), struct_of(a="short", b="date")),
]


def widen(left: DataType, right: DataType) -> DataType | None:
    """The type that holds both; None where there is none."""
    united, conflicts = unite([("one", struct_of(v=left)), ("two", struct_of(v=right))])
    return None if conflicts else united.get("v")


@pytest.mark.parametrize(("left", "right", "wider"), WIDER)
def test_s12_types_that_widen(left: DataType, right: DataType, wider: DataType) -> None:
    assert widen(left, right) == wider


APART = [
    ("long", "decimal(20,0)"),
    ("date", "timestamp"),
    ("timestamp", "timestamp_ntz"),
    ("string", "long"),
    ("string", "binary"),
    ("boolean", "byte"),
    ("decimal(38,0)", "decimal(38,10)"),
    ("double", "decimal(10,2)"),
    (Array("string"), Array("long")),
    (Array("string"), "string"),
    (Map("string", "long"), Map("long", "long")),
    (Map("string", "long"), struct_of(a="long")),
    (struct_of(a="long"), struct_of(a="string")),
]


@pytest.mark.parametrize(("left", "right"), APART)
def test_s12_types_that_conflict(left: DataType, right: DataType) -> None:
    assert widen(left, right) is None
    assert widen(right, left) is None


@given(_types, _types)
def test_s12_widening_is_the_same_both_ways_but_for_the_order(
    left: DataType, right: DataType
) -> None:
    one, other = widen(left, right), widen(right, left)
    assert (one is None) == (other is None)
    assert widen(left, left) == left
    if isinstance(left, str) and one is not None:
        assert one == other


def test_s12_the_union_keeps_the_order_and_adds_at_the_end() -> None:
    united, conflicts = unite(
        [
            ("one", struct_of(a="byte", s=struct_of(x="string"))),
            ("two", struct_of(b="date", s=struct_of(y="long", x="string"), a="long")),
        ]
    )
    assert united == struct_of(a="long", s=struct_of(x="string", y="long"), b="date")
    assert conflicts == []


def test_s12_every_conflict_names_its_path_and_datasets() -> None:
    united, conflicts = unite(
        [
            ("one", struct_of(a="long", s=struct_of(x="string", z="date"))),
            ("two", struct_of(a="string", s=struct_of(y="long"))),
            ("three", struct_of(s="string", b="date")),
        ]
    )
    assert united.names() == ["b"]
    assert [path for path, _ in conflicts] == ["a", "s"]
    assert conflicts[0][1] == ["one: bigint", "two: string"]


def test_s12_inside_arrays_and_maps_too_every_conflict_is_told_by_its_own_path() -> None:
    one = struct_of(x="long", y="long", z="long")
    two = struct_of(x="string", y="short", z="string", more="date")
    united, conflicts = unite(
        [
            ("one", struct_of(arr=Array(Array(one)), m=Map("string", one), k=Map("long", "long"))),
            ("two", struct_of(arr=Array(Array(two)), m=Map("string", two), k=Map("date", "long"))),
        ]
    )
    kept = struct_of(y="long", more="date")
    assert united == struct_of(arr=Array(Array(kept)), m=Map("string", kept))
    assert [path for path, _ in conflicts] == ["arr.x", "arr.z", "m.x", "m.z", "k"]
    assert conflicts[0][1] == ["one: bigint", "two: string"]


def test_s12_nothing_unites_to_nothing() -> None:
    assert unite([]) == (Struct(), [])


@given(_types)
def test_s21_every_path_of_a_schema_can_be_asked(type_: DataType) -> None:
    schema = Struct((Field("root", type_),))
    for path in all_paths(schema):
        projected, problems = project(schema, [path], at="/fields")
        assert problems == []
        assert projected.names() == ["root"]


@given(_types)
def test_s21_all_paths_together_are_the_whole(type_: DataType) -> None:
    schema = Struct((Field("root", type_),))
    assert project(schema, list(all_paths(schema)), at="/fields") == (schema, [])


def test_without_a_path() -> None:
    assert without_path(NESTED, "s.x").at("s") == struct_of(y=struct_of(z="date"))
    assert without_path(NESTED, "s.y.z").at("s") == struct_of(x="string")
    assert without_path(NESTED, "nothing.here") == NESTED
