"""Values of every type and what they hash to, as Spark 4.2 on a JVM says; test support.

The one truth that the offline hash and both engines are held against (docs/row-set-hash.md).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal as D

import numpy as np
import pyarrow as pa

from profile_export.schema import Array, DataType, Map, struct_of

PAIR = struct_of(a="integer", b="string")
NAN = float("nan")
_PAIR = pa.struct([("a", pa.int32()), ("b", pa.string())])
_UTC = pa.timestamp("us", "UTC")
_BEFORE_1970 = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_YEAR_1 = datetime(1, 1, 1, tzinfo=UTC)
_LATER = datetime(2024, 5, 1, 1, 2, 3, 4, tzinfo=UTC)
_TIMES = [_BEFORE_1970, _YEAR_1, None, _LATER]
_LOCAL = [time and time.replace(tzinfo=None) for time in _TIMES]
_NANS = [0x7FF8000000000000, 0xFFF8000000000001, 0x7FF0000000000001, 0]
"""The usual NaN, one with sign and payload, a signalling one; and 0.0."""
_FLOAT_NANS = [0x7FC00000, 0xFFC00001, 0x7F800001, 0]


@dataclass(frozen=True)
class Case:
    """One column of four values, and the hash of the row that it alone makes."""

    name: str
    type: DataType
    values: pa.Array
    hashes: tuple[int, ...]


CASES = (
    Case(
        "boolean",
        "boolean",
        pa.array([True, False, None, True], pa.bool_()),
        (-8665836826751506900, -6811683978196823386, -4248612865510463554, -8665836826751506900),
    ),
    Case(
        "byte",
        "byte",
        pa.array([-1, 127, None, 0], pa.int8()),
        (-3782856910028723088, -1839376824333256410, -4248612865510463554, -6811683978196823386),
    ),
    Case(
        "short",
        "short",
        pa.array([-1, 32767, None, 0], pa.int16()),
        (-3782856910028723088, 479349152272989207, -4248612865510463554, -6811683978196823386),
    ),
    Case(
        "integer",
        "integer",
        pa.array([-1, 2**31 - 1, None, -(2**31)], pa.int32()),
        (-3782856910028723088, 4760996372065112235, -4248612865510463554, 3613536943301096877),
    ),
    Case(
        "long",
        "long",
        pa.array([-1, 2**63 - 1, None, -(2**63)], pa.int64()),
        (4805739311506632989, -7350030108976155949, -4248612865510463554, -6820619566247279112),
    ),
    Case(
        "float",
        "float",
        pa.array([0.0, -0.0, None, -1.5], pa.float32()),
        (-6811683978196823386, -6811683978196823386, -4248612865510463554, 5221394105495890143),
    ),
    Case(
        "double",
        "double",
        pa.array([0.0, -0.0, None, float("-inf")], pa.float64()),
        (3051974982986703901, 3051974982986703901, -4248612865510463554, -5300092356079937137),
    ),
    Case(
        "string",
        "string",
        pa.array(["", "é", None, "x" * 100], pa.string()),
        (3195700502358768843, -8720941132278142745, -4248612865510463554, 7230186931156335427),
    ),
    Case(
        "binary",
        "binary",
        pa.array([b"", b"\x00\xff", None, b"y" * 33], pa.binary()),
        (3195700502358768843, 6838430611337120911, -4248612865510463554, 5286400995069528565),
    ),
    Case(
        "date",
        "date",
        pa.array([date(1969, 12, 31), date(1, 1, 1), None, date(9999, 12, 31)], pa.date32()),
        (-3782856910028723088, 6183012643492258459, -4248612865510463554, -5543838989561590092),
    ),
    Case(
        "timestamp",
        "timestamp",
        pa.array(_TIMES, _UTC),
        (4805739311506632989, 881644258062544533, -4248612865510463554, 4249846818800723501),
    ),
    Case(
        "timestamp_ntz",
        "timestamp_ntz",
        pa.array(_LOCAL, pa.timestamp("us")),
        (4805739311506632989, 881644258062544533, -4248612865510463554, 4249846818800723501),
    ),
    Case(
        "decimal of 10 digits",
        "decimal(10,2)",
        pa.array([D("-1.23"), D("12345678.90"), None, D("0.00")], pa.decimal128(10, 2)),
        (-3254270328988647545, 7378685348621019036, -4248612865510463554, 3051974982986703901),
    ),
    Case(
        "decimal of 18 digits",
        "decimal(18,6)",
        pa.array([D("-0.000001"), D("999999999999.999999"), None, D(0)], pa.decimal128(18, 6)),
        (4805739311506632989, 6127823342558225683, -4248612865510463554, 3051974982986703901),
    ),
    Case(
        "decimal of 19 digits",
        "decimal(19,0)",
        pa.array([D(-1), D(10**19 - 1), None, D(128)], pa.decimal128(19, 0)),
        (9005100260754244904, 4824637503910459942, -4248612865510463554, -4497685171677834702),
    ),
    Case(
        "decimal of 38 digits",
        "decimal(38,0)",
        pa.array([D(-(10**38) + 1), D(255), None, D(-128)], pa.decimal128(38, 0)),
        (-6109138471785727855, 3476389975628633672, -4248612865510463554, 4605772013376906401),
    ),
    Case(
        "decimal with a small zero",
        "decimal(38,10)",
        pa.array([D(-1), D(0), None, D("-32768.0000000001")], pa.decimal128(38, 10)),
        (-8786273978017160062, -6999355963793290126, -4248612865510463554, 6849140878024151285),
    ),
    Case(
        "every NaN of float",
        "float",
        pa.array(np.array(_FLOAT_NANS, "u4").view("f4")),
        (1241878329515149348, 1241878329515149348, 1241878329515149348, -6811683978196823386),
    ),
    Case(
        "every NaN of double",
        "double",
        pa.array(np.array(_NANS, "u8").view("f8")),
        (-628666338479971994, -628666338479971994, -628666338479971994, 3051974982986703901),
    ),
    Case(
        "struct",
        PAIR,
        pa.array([{"a": 1, "b": None}, {"a": None, "b": None}, None, {"a": 2, "b": "z"}], _PAIR),
        (2570529843148469500, -8127804555976117309, 3929062469901808164, 2426913985864404312),
    ),
    Case(
        "array",
        Array("long"),
        pa.array([[1, None], [], None, [3]], pa.list_(pa.int64())),
        (8788724520134728504, -6811683978196823386, -4248612865510463554, -163452142245234401),
    ),
    Case(
        "array of structs",
        Array(PAIR),
        pa.array([[{"a": 1, "b": "q"}, None], [], None, [{"a": None, "b": None}]], pa.list_(_PAIR)),
        (5604508740874528256, -6811683978196823386, -4248612865510463554, -4462688144012143482),
    ),
    Case(
        "array of arrays",
        Array(Array("integer")),
        pa.array([[[1], None, []], [], None, [[2, 3]]], pa.list_(pa.list_(pa.int32()))),
        (3495122486618875967, -6811683978196823386, -4248612865510463554, -5892837245225173941),
    ),
    Case(
        "map",
        Map("string", "long"),
        pa.array(
            [[("b", 1), ("a", None)], [], None, [("é", 2), ("z", 1)]],
            pa.map_(pa.string(), pa.int64()),
        ),
        (-47039185892917389, -6811683978196823386, -4248612865510463554, -2386457696232215016),
    ),
    Case(
        "map of doubles",
        Map("string", "double"),
        pa.array(
            [[("b", -0.0), ("a", 0.0)], [], None, [("é", NAN), ("z", 1.0)]],
            pa.map_(pa.string(), pa.float64()),
        ),
        (992446419293991942, -6811683978196823386, -4248612865510463554, 6771794321382081517),
    ),
    Case(
        "map by integer",
        Map("integer", "long"),
        pa.array([[(10, 1), (-9, 2)], [], None, [(2, None)]], pa.map_(pa.int32(), pa.int64())),
        (-740667419588699471, -6811683978196823386, -4248612865510463554, -447706985108052549),
    ),
    Case(
        "map by wide decimal",
        Map("decimal(20,1)", "long"),
        pa.array(
            [[(D("-1.5"), 1), (D("0.5"), 2)], [], None, [(D(2), None)]],
            pa.map_(pa.decimal128(20, 1), pa.int64()),
        ),
        (-7693240069698941573, -6811683978196823386, -4248612865510463554, -2988407648980306069),
    ),
    Case(
        "map of maps",
        Map("string", Map("string", PAIR)),
        pa.array(
            [[("b", [("y", {"a": 1, "b": "k"}), ("x", None)]), ("a", None)], [], None, [("é", [])]],
            pa.map_(pa.string(), pa.map_(pa.string(), _PAIR)),
        ),
        (-8365180552662439241, -6811683978196823386, -4248612865510463554, 5324175354713217397),
    ),
    Case(
        "array of maps",
        Array(Map("string", "integer")),
        pa.array(
            [[[("b", 1), ("a", 2)], None], [], None, [[]]],
            pa.list_(pa.map_(pa.string(), pa.int32())),
        ),
        (-8700458343534790461, -6811683978196823386, -4248612865510463554, 2570529843148469500),
    ),
    Case(
        "map in a struct",
        struct_of(m=Map("string", "double"), d="double"),
        pa.array(
            [{"m": [("b", -0.0), ("a", 1.0)], "d": -0.0}, {}, None, {"m": [], "d": NAN}],
            pa.struct([("m", pa.map_(pa.string(), pa.float64())), ("d", pa.float64())]),
        ),
        (-6541480761118077114, -8127804555976117309, 3929062469901808164, 1106988831430172865),
    ),
    Case(
        "map of timestamps",
        Map("string", "timestamp"),
        pa.array(
            [[("a", datetime(1960, 1, 1, tzinfo=UTC))], [], None, [("b", None)]],
            pa.map_(pa.string(), _UTC),
        ),
        (-3708721260132345999, -6811683978196823386, -4248612865510463554, -744533967284164849),
    ),
)
