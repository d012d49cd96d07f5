"""S26: what a target may become, and what it may not."""

import pytest

from profile_export.errors import JobFailed
from profile_export.growth import grown_schema
from profile_export.schema import Array, DataType, Map, Struct, struct_of

AB = struct_of(a="long", b="string")


def nested(type_: Struct) -> Struct:
    """The struct beneath a struct, an array and a map's value at once."""
    return struct_of(s=type_, l=Array(type_), m=Map("string", type_), d=Map("string", Array(type_)))


@pytest.mark.parametrize(
    ("existing", "wanted", "grown"),
    [
        pytest.param(Struct(), AB, AB, id="a new table is what is wanted"),
        pytest.param(AB, AB, AB, id="nothing new"),
        pytest.param(AB, struct_of(b="string"), AB, id="fewer columns change nothing"),
        pytest.param(AB, struct_of(b="string", a="long"), AB, id="another order changes nothing"),
        pytest.param(
            AB, struct_of(c="date", a="long"), struct_of(a="long", b="string", c="date"), id="added"
        ),
        pytest.param(
            nested(AB),
            nested(struct_of(c="date", b="string")),
            nested(struct_of(a="long", b="string", c="date")),
            id="inside structs, arrays and map values",
        ),
    ],
)
def test_growth(existing: Struct, wanted: Struct, grown: Struct) -> None:
    assert grown_schema(existing, wanted) == grown


@pytest.mark.parametrize(
    ("existing", "wanted"),
    [
        pytest.param("integer", "long", id="one that could widen"),
        pytest.param("long", "integer", id="one that would fit"),
        pytest.param("decimal(10,2)", "decimal(12,2)", id="a wider decimal"),
        pytest.param("timestamp", "timestamp_ntz", id="with and without zone"),
        pytest.param("string", struct_of(a="string"), id="a leaf and a struct"),
        pytest.param(Array("string"), "string", id="an array and its element"),
        pytest.param(Map("string", "long"), Map("integer", "long"), id="map keys"),
    ],
)
@pytest.mark.parametrize(
    "path", ["x", "s.x", "l[].x", "m{}.x"], ids=["top", "struct", "array", "map value"]
)
def test_a_difference_is_named_with_its_path(
    existing: DataType, wanted: DataType, path: str
) -> None:
    def under(type_: DataType) -> Struct:
        leaf = struct_of(x=type_)
        return {
            "x": leaf,
            "s.x": struct_of(s=leaf),
            "l[].x": struct_of(l=Array(leaf)),
            "m{}.x": struct_of(m=Map("string", leaf)),
        }[path]

    with pytest.raises(JobFailed) as caught:
        grown_schema(under(existing), under(wanted))
    assert caught.value.code == "target-schema"
    assert f" {path}" in str(caught.value)


def test_all_differences_are_told_at_once() -> None:
    with pytest.raises(JobFailed) as caught:
        grown_schema(struct_of(a="long", b="long"), struct_of(a="string", b="date"))
    assert "a is bigint in the target and string" in str(caught.value)
    assert "b is bigint in the target and date" in str(caught.value)


def test_names_that_delta_tells_apart() -> None:
    """Delta compares in lower case; ß is then not ss."""
    grown = grown_schema(struct_of(strasse="long"), struct_of(**{"straße": "long"}))
    assert grown.names() == ["strasse", "straße"]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(struct_of(A="long"), id="another case"),
        pytest.param(struct_of(s=struct_of(x="long", X="long")), id="another case, nested"),
        pytest.param(
            struct_of(m=Map("string", struct_of(x="long", X="long"))), id="another case, in a map"
        ),
        pytest.param(struct_of(**{"first name": "string"}), id="a blank"),
        pytest.param(struct_of(l=Array(struct_of(**{"a;b": "long"}))), id="a semicolon, nested"),
    ],
)
def test_names_that_plain_delta_cannot_hold(wanted: Struct) -> None:
    with pytest.raises(JobFailed) as caught:
        grown_schema(struct_of(a="long"), wanted)
    assert caught.value.code == "target-schema"
