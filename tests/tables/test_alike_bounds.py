"""Columns of whose least and greatest value a file's statistics say that they are one (S28, S29).

Sail takes such a column for that value. But bounds leave NaN out, and those of decimals in a Delta
log are rounded by writers that keep them as doubles.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from profile_export.children.counting import counts
from profile_export.engines import Engine
from profile_export.engines.sail import SailEngine
from profile_export.planning import make_plan
from profile_export.sandbox import load_sandbox
from profile_export.tables import inspect_table
from small_sandbox import AS_OF, TARGET, export

BODY = {"schema": {"name": "_xdm.context.profile"}, "destination": {"datasetId": TARGET}}
SANDBOX = f"""
imsOrgId: acme@AcmeOrg
name: prod
datasets:
  - {{id: crm, name: CRM, class: profile, table: {{format: FORMAT, path: crm}}, ingestTime: at,
     PRIMARY}}
  - {{id: {TARGET}, name: Profile Data Export, class: export, table: {{path: out}},
     schemaRef: {{id: "https://ns.adobe.com/xdm/context/profile__union"}}}}
"""
DECLARED = "primaryIdentity: {namespace: crmId, field: id}"
NAN = float("nan")
LONG = [Decimal("1234567890123456.78"), Decimal("1234567890123456.79")]
COLUMNS = {
    "score": pa.array([1.0, NAN, 1.0], pa.float64()),
    "rate": pa.array([NAN, 0.5, 0.5], pa.float32()),
    "none": pa.array([None, 1.0, 1.0], pa.float64()),
    "spent": pa.array([*LONG, None], pa.decimal128(18, 2)),
    "share": pa.array([Decimal("0.1234567890123456789")] * 3, pa.decimal128(19, 19)),
    "part": ["a/b", "c d", "a/b"],
}


IDENTITY = pa.struct({"id": pa.string(), "primary": pa.bool_()})


def people() -> pa.Table:
    when = pa.array([datetime(2024, 1, 1, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC"))
    ids = ["c0", "c1", "c2"]
    maps = [[("crmId", [{"id": one, "primary": True}])] for one in ids]
    known = pa.array(maps, pa.map_(pa.string(), pa.list_(IDENTITY)))
    return pa.table({"id": ids, "at": when, "identityMap": known, **COLUMNS})


def delta(folder: Path) -> None:
    write_deltalake(str(folder), people())


def partitioned(folder: Path) -> None:
    write_deltalake(str(folder), people(), partition_by=["part"])


def changed(folder: Path) -> None:
    """Of several versions and a checkpoint, without statistics of the first."""
    later = people().slice(0, 0)
    write_deltalake(str(folder), later, configuration={"delta.dataSkippingNumIndexedCols": "0"})
    DeltaTable(str(folder)).alter.set_table_properties({"delta.dataSkippingNumIndexedCols": "-1"})
    write_deltalake(str(folder), people(), mode="append")
    DeltaTable(str(folder)).create_checkpoint()


def parquet(folder: Path) -> None:
    folder.mkdir()
    pq.write_table(people(), folder / "a.parquet")


def one_file(folder: Path) -> None:
    pq.write_table(people(), folder)


@pytest.mark.parametrize("primary", [DECLARED, ""], ids=["declared", "in the map"])
@pytest.mark.parametrize("made", [delta, partitioned, changed, parquet, one_file])
def test_values_are_those_of_the_rows(
    made: Callable[[Path], None], primary: str, engine: Engine, tmp_path: Path
) -> None:
    made(tmp_path / "crm")
    format_ = "parquet" if made in (parquet, one_file) else "delta"
    file = tmp_path / "sandbox.yml"
    file.write_text(sandbox(format_, primary), encoding="utf-8")
    export(file, engine, BODY)
    assert rows(tmp_path / "out") == rows_of(people())


@pytest.mark.sail_only("only Sail is told to leave statistics alone")
def test_the_next_count_looks_at_statistics_again(engine: Engine, tmp_path: Path) -> None:
    """A service's engine of counts planned without them, and more slowly, ever after."""
    assert isinstance(engine, SailEngine)
    looks = []
    for name, columns in (("alike", [*COLUMNS]), ("others", ["part"])):
        (tmp_path / name / "crm").mkdir(parents=True)
        table = people().select(["id", "at", *columns])
        pq.write_table(table, tmp_path / name / "crm" / "a.parquet")
        file = tmp_path / name / "sandbox.yml"
        file.write_text(sandbox("parquet", DECLARED), encoding="utf-8")
        plan = make_plan(
            json.dumps(BODY), load_sandbox(file), table_info=inspect_table, as_of=AS_OF
        )
        assert counts(plan, engine)["candidates"] == 3
        looks.append(not engine._without_statistics)
    assert looks == [False, True]


def sandbox(format_: str, primary: str) -> str:
    return SANDBOX.replace("FORMAT", format_).replace("PRIMARY", primary)


def rows(target: Path) -> list[dict[str, Any]]:
    return rows_of(DeltaTable(str(target)).to_pyarrow_table())


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """As texts, since NaN is not equal to itself."""
    found = table.select(["id", *COLUMNS]).to_pylist()
    return sorted(({k: str(v) for k, v in row.items()} for row in found), key=lambda r: r["id"])
