"""Writes the demo sandbox into a folder: tables, ``sandbox.yml``, requests."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import WriterProperties, write_deltalake

from profile_export.demo import keys, profiles, purchases
from profile_export.demo.folder import claim
from profile_export.demo.segments import Bought, evaluate
from profile_export.demo.sources import read_people, read_purchases

REQUESTS = ("seed", "demo", "everyone")
PARQUET_TABLE = "web_sign_ups"  # one dataset is plain Parquet, so that both formats are shown


@dataclass(frozen=True)
class DemoSandbox:
    """What was built.

    Attributes:
        folder: The demo's folder; tables lie beside the sandbox file.
        sandbox: The sandbox file.
        requests: Request file by name: ``seed``, ``demo``, ``everyone``.
        rows: Number of rows by table.
    """

    folder: Path
    sandbox: Path
    requests: Mapping[str, Path]
    rows: Mapping[str, int]


def build(to: Path) -> DemoSandbox:
    """Build the demo sandbox in ``to``, which is made if need be.

    A demo folder is built anew in place: its input tables get a new version with the same rows, a
    sandbox or request file that was edited is kept as ``NAME.bak``, and everything else, earlier
    exports above all, stays.

    Raises:
        Conflict: ``to`` is unfit, as :func:`claim` says; nothing is written.
    """
    claim(to)
    tables = make_tables()
    for name, table in tables.items():
        _write(to / name, table, delta=name != PARQUET_TABLE)
    requests = {name: _copy(f"requests/{name}.json", to) for name in REQUESTS}
    rows = {name: table.num_rows for name, table in tables.items()}
    return DemoSandbox(to, _copy("sandbox.yml", to), requests, rows)


def make_tables() -> dict[str, pa.Table]:
    """The demo's input tables by name; the same at every call."""
    people, bought = read_people(), read_purchases()
    known = _of_persons(bought)
    spent: dict[int, float] = {}
    for customer, _, dollars in known:
        spent[customer] = spent.get(customer, 0.0) + dollars
    segments = evaluate(known)
    return {
        "crm": profiles.crm(people, segments),
        "loyalty": profiles.loyalty(people, segments, spent),
        PARQUET_TABLE: profiles.web_sign_ups(people),
        "purchases": purchases.events(bought, {p.number for p in people if p.copy == 0}),
    }


def _of_persons(bought: pa.Table) -> Bought:
    """The purchases of those customers who have a CRM record."""
    customers = pa.array(map(keys.customer_of, range(keys.PERSONS)), pa.int32())
    rows = bought.filter(pc.is_in(bought["customer"], customers))
    columns = (rows[name].to_pylist() for name in ("customer", "time", "dollars"))
    return list(zip(*columns, strict=True))


def _write(to: Path, table: pa.Table, *, delta: bool) -> None:
    if delta:
        # Overwriting makes a new version: an earlier export can still be rerun from the old one.
        write_deltalake(
            to,
            table,
            mode="overwrite",
            schema_mode="overwrite",
            writer_properties=WriterProperties(compression="ZSTD"),
        )
        return
    to.mkdir(exist_ok=True)
    with _draft_of(to / "part-0.parquet") as draft:
        pq.write_table(table, draft, compression="zstd")


def _copy(name: str, to: Path) -> Path:
    """Copy a file of the package into the demo folder, keeping one that the user edited."""
    text = files(__package__).joinpath("files", name).read_text(encoding="utf-8")
    target = to / name
    target.parent.mkdir(exist_ok=True)
    if target.exists() and target.read_text(encoding="utf-8") != text:
        target.replace(target.with_name(f"{target.name}.bak"))
    with _draft_of(target) as draft:
        draft.write_text(text, encoding="utf-8")
    return target


@contextmanager
def _draft_of(target: Path) -> Iterator[Path]:
    """A file that replaces ``target`` once it is written: a build that is cut short leaves no half,
    and of two at once into one folder each has its own."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield draft
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
