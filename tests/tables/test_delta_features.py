"""Inputs with features of Delta's newer protocols give the rows that the protocol says (S28)."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, Field, write_deltalake
from deltalake import Schema as DeltaSchema
from deltalake.schema import ArrayType, MapType, PrimitiveType, StructType
from deltalake.transaction import AddAction

from profile_export.engines import Engine
from profile_export.errors import JobFailed
from profile_export.pins import pin_problems
from profile_export.planning import make_plan
from profile_export.sandbox import load_sandbox
from profile_export.schema import Array, Map, Struct, struct_of
from profile_export.schema import Field as OwnField
from profile_export.tables import inspect_table
from small_sandbox import TARGET, export
from tables.delta_by_hand import table

SANDBOX = f"""
imsOrgId: acme@AcmeOrg
name: prod
datasets:
  - {{id: crm, name: CRM, class: profile, table: {{path: crm}}, ingestTime: at,
     primaryIdentity: {{namespace: crmId, field: id}}}}
  - {{id: {TARGET}, name: Profile Data Export, class: export, table: {{path: out}},
     schemaRef: {{id: "https://ns.adobe.com/xdm/context/profile__union"}}}}
mergePolicies:
  - {{id: none, name: None, version: 1, default: true, schema: {{name: _xdm.context.profile}},
     identityGraph: {{type: none}}, attributeMerge: {{type: timestampOrdered}}}}
"""
BODY = {"schema": {"name": "_xdm.context.profile"}, "destination": {"datasetId": TARGET}}
COLUMNS = struct_of(id="string", age="long", at="timestamp")


def people(numbers: range, names: Struct = COLUMNS, age: pa.DataType | None = None) -> pa.Table:
    """One record each; columns in the order of ``COLUMNS``."""
    when = datetime(2024, 1, 1, tzinfo=UTC)
    id_, age_, at = names.names()
    return pa.table(
        {
            id_: [f"c{n}" for n in numbers],
            age_: pa.array(numbers, age or pa.int64()),
            at: pa.array([when] * len(numbers), pa.timestamp("us", "UTC")),
        }
    )


def deletion_vectors(folder: Path) -> None:
    """Two files, of which one has lost rows."""
    table(
        folder,
        {"a.parquet": people(range(6)), "b.parquet": people(range(6, 8))},
        columns=COLUMNS,
        features=["deletionVectors"],
        configuration={"delta.enableDeletionVectors": "true"},
        deleted={"a.parquet": [0, 3, 4]},
    )


def column_mapping(folder: Path) -> None:
    """The names of two columns are swapped in the files, as renaming them leaves them."""
    inside = {"id": "col-1", "age": "id", "at": "age"}
    names = struct_of(**dict.fromkeys(inside.values(), "string"))
    table(
        folder,
        {"a.parquet": people(range(3), names)},
        columns=COLUMNS,
        features=["columnMapping"],
        configuration={"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "3"},
        physical=inside,
    )


def type_widening(folder: Path) -> None:
    """An old file has 32-bit numbers of what is a long by now."""
    table(
        folder,
        {
            "a.parquet": people(range(2), age=pa.int32()),
            "b.parquet": people(range(2**40, 2**40 + 1)),
        },
        columns=COLUMNS,
        features=["typeWidening"],
        configuration={"delta.enableTypeWidening": "true"},
        widened={"age": ("integer", "long")},
    )


@pytest.mark.parametrize(
    ("made", "ages"),
    [
        pytest.param(deletion_vectors, [1, 2, 5, 6, 7], id="deletion-vectors"),
        pytest.param(column_mapping, [0, 1, 2], id="column-mapping"),
        pytest.param(type_widening, [0, 1, 2**40], id="type-widening"),
    ],
)
def test_s28_rows_are_those_of_the_protocol(
    made: Callable[[Path], None], ages: list[int], engine: Engine, tmp_path: Path
) -> None:
    made(tmp_path / "crm")
    file = tmp_path / "sandbox.yml"
    file.write_text(SANDBOX, encoding="utf-8")
    export(file, engine, BODY)
    rows = DeltaTable(str(tmp_path / "out")).to_pyarrow_table().to_pylist()
    assert sorted((row["age"], row["id"]) for row in rows) == [(n, f"c{n}") for n in ages]


def test_s28_mapped_columns_with_members_in_lists(engine: Engine, tmp_path: Path) -> None:
    """As every Delta table with an ``identityMap`` that renames a column, or is read as Iceberg."""
    identity = struct_of(id="string", primary="boolean")
    columns = Struct((*COLUMNS.fields, OwnField("identityMap", Map("string", Array(identity)))))
    rows = people(range(2))
    told = pa.struct({"id": pa.string(), "primary": pa.bool_()})
    maps = [[("crmId", [{"id": f"c{n}", "primary": True}])] for n in range(2)]
    known = pa.array(maps, pa.map_(pa.string(), pa.list_(told)))
    table(
        tmp_path / "crm",
        {"a.parquet": rows.append_column("identityMap", known)},
        columns=columns,
        features=["columnMapping"],
        configuration={"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "9"},
        physical={name: name for name in columns.names()},
    )
    file = tmp_path / "sandbox.yml"
    by_map = SANDBOX.replace(
        """ingestTime: at,
     primaryIdentity: {namespace: crmId, field: id}}""",
        "ingestTime: at}",
    )
    assert by_map != SANDBOX
    file.write_text(by_map, encoding="utf-8")
    export(file, engine, BODY)
    exported = DeltaTable(str(tmp_path / "out")).to_pyarrow_table().to_pylist()
    assert sorted((row["id"], row["age"]) for row in exported) == [("c0", 0), ("c1", 1)]


def never_null(folder: Path) -> None:
    """Members, elements and values that are never null to the log, and may be so in the file."""
    number = PrimitiveType("integer")
    inner = StructType([Field("x", number, nullable=False)])
    fields = [
        Field("id", PrimitiveType("string"), nullable=False),
        Field("at", PrimitiveType("timestamp"), nullable=False),
        Field("s", inner, nullable=False),
        Field("l", ArrayType(inner, contains_null=False)),
        Field("m", MapType("string", number, value_contains_null=False)),
        Field("land", PrimitiveType("string")),
    ]
    # Partitioned, so that Spark reads it by Delta's reader.
    made = DeltaTable.create(str(folder), DeltaSchema(fields), partition_by=["land"])
    rows = people(range(1)).drop_columns("age")
    struct = pa.struct({"x": pa.int32()})
    rows = rows.append_column("s", pa.array([{"x": 1}], struct))
    rows = rows.append_column("l", pa.array([[{"x": 2}]], pa.list_(struct)))
    rows = rows.append_column("m", pa.array([[("k", 3)]], pa.map_(pa.string(), pa.int32())))
    pq.write_table(rows, folder / "a.parquet")
    size = (folder / "a.parquet").stat().st_size
    added = AddAction("a.parquet", size, {"land": "de"}, 0, True, "{}")
    made.create_write_transaction([added], "append", made.schema(), ["land"])


def test_s28_what_the_log_says_is_never_null_may_be_so_in_the_files(
    engine: Engine, tmp_path: Path
) -> None:
    never_null(tmp_path / "crm")
    file = tmp_path / "sandbox.yml"
    file.write_text(SANDBOX, encoding="utf-8")
    export(file, engine, {**BODY, "fields": "s,l,m,land"})
    (row,) = DeltaTable(str(tmp_path / "out")).to_pyarrow_table().to_pylist()
    found = {name: row[name] for name in ("s", "l", "m", "land")}
    assert found == {"s": {"x": 1}, "l": [{"x": 2}], "m": [("k", 3)], "land": "de"}


def shallow_clone(folder: Path) -> None:
    """A log that names files of another table, as Spark writes it."""
    source = folder.with_name("source")
    write_deltalake(str(source), people(range(2)))
    log = (source / "_delta_log" / f"{0:020}.json").read_text(encoding="utf-8")
    (folder / "_delta_log").mkdir(parents=True)
    cloned = log.replace('"path":"', f'"path":"file:{source}/')
    (folder / "_delta_log" / f"{0:020}.json").write_text(cloned, encoding="utf-8")


def test_files_of_another_place_are_read_by_spark_and_told_by_sail(
    engine: Engine, tmp_path: Path
) -> None:
    shallow_clone(tmp_path / "crm")
    file = tmp_path / "sandbox.yml"
    file.write_text(SANDBOX, encoding="utf-8")
    if engine.name == "spark":
        export(file, engine, BODY)
        assert DeltaTable(str(tmp_path / "out")).to_pyarrow_table().num_rows == 2
        return
    with pytest.raises(JobFailed, match=r"Dataset CRM \(crm\) .* shallow clone") as caught:
        export(file, engine, BODY)
    assert caught.value.code == "input-unreadable"
    assert not (tmp_path / "out" / "_delta_log").exists()


def test_files_of_another_place_are_no_reason_against_a_rerun(tmp_path: Path) -> None:
    shallow_clone(tmp_path / "crm")
    file = tmp_path / "sandbox.yml"
    file.write_text(SANDBOX, encoding="utf-8")
    plan = make_plan(BODY, load_sandbox(file), table_info=inspect_table)
    assert list(pin_problems(plan.inputs[0], locate=lambda table: str(table.location))) == []


def bounded(number: int, name: str, type_: str) -> Field:
    """A text as Spark declares one of a bounded length, with the value that new rows get."""
    length = f"{type_}({number})"
    metadata = {"__CHAR_VARCHAR_TYPE_STRING": length, "CURRENT_DEFAULT": "'x'", "comment": "a"}
    return Field(name, PrimitiveType("string"), metadata=metadata)


def test_s26_what_inputs_say_of_their_columns_is_no_rule_of_the_target(
    engine: Engine, tmp_path: Path
) -> None:
    """A second export has to fit into the table that the first has made; and no text is padded."""
    inner = StructType([bounded(5, "code", "char")])
    fields = [
        Field("id", PrimitiveType("string")),
        Field("at", PrimitiveType("timestamp")),
        bounded(6, "short", "char"),
        bounded(9, "name", "varchar"),
        Field("codes", ArrayType(inner)),
        Field("land", PrimitiveType("string")),
    ]
    path = str(tmp_path / "crm")
    # Partitioned, so that Spark reads it by Delta's reader.
    DeltaTable.create(path, DeltaSchema(fields), partition_by=["land"])
    when = pa.array([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    row = {"short": ["ab"], "name": ["Ada"], "codes": [[{"code": "q"}]], "land": ["a b"]}
    write_deltalake(path, pa.table({"id": ["c0"], "at": when, **row}), mode="append")
    file = tmp_path / "sandbox.yml"
    file.write_text(SANDBOX, encoding="utf-8")
    export(file, engine, BODY)
    export(file, engine, BODY)
    target = DeltaTable(str(tmp_path / "out"))
    found = target.to_pyarrow_table().select(list(row)).to_pylist()
    assert found == 2 * [{name: value for name, (value,) in row.items()}]
    assert [field.name for field in target.schema().fields if field.metadata] == []
