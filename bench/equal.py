"""Are the results of two programs the same rows, batch by batch? Asked before anything is timed."""

import json
from pathlib import Path

import duckdb

from bench.comparators._case import BATCH
from bench.programs import Program

Summary = list[tuple[object, ...]]


def summary(program: Program, work: Path) -> Summary:
    """For each batch that has rows: its place, its rows, and a hash of them in any order.

    The columns and their types are part of it. Sum and XOR of the rows' hashes, as in our own
    row-set hash, but by DuckDB: ours takes no part in judging itself.
    """
    batches = _of_ours(work) if program.ours else _of_folders(work / program.target)
    found: Summary = []
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for place, files in enumerate(batches):
            if not files:
                continue
            rows = connection.sql(f"SELECT * FROM read_parquet({files!r}, hive_partitioning=false)")
            # Delta on Spark keeps the batch id in the files too; every program has ids of its own.
            kept = [pair for pair in zip(rows.columns, rows.types, strict=True) if pair[0] != BATCH]
            names = ", ".join(f'"{name}"' for name, _ in kept)
            hashed = connection.execute(
                f"SELECT count(*), sum(h::HUGEINT), bit_xor(h) FROM (SELECT hash({names}) AS h"
                f" FROM read_parquet({files!r}, hive_partitioning=false))"
            ).fetchall()
            if hashed[0][0]:
                types = str([(name, str(type_)) for name, type_ in kept])
                found.append((place, *hashed[0], types))
    return found


def difference(one: Summary, other: Summary) -> str | None:
    """The first difference in words, None where there is none."""
    if one == other:
        return None
    for left, right in zip(one, other, strict=False):
        if left != right:
            return f"{left} is not {right}"
    return f"{len(one)} batches with rows are not {len(other)}"


def _of_ours(work: Path) -> list[list[str]]:
    """The files of each batch, in order, of our newest job."""
    papers = [json.loads(p.read_text()) for p in work.glob("ours/_profile_export/*/manifest.json")]
    newest = max(papers, key=lambda paper: int(paper["deltaVersion"]))
    return [
        [str(work / "ours" / file["path"]) for file in batch["files"]]
        for batch in newest["batches"]
    ]


def _of_folders(target: Path) -> list[list[str]]:
    """The files of each batch of a comparator: batch ids are the places, in hex."""
    folders = {int(f.name.partition("=")[2], 16): f for f in target.glob(f"{BATCH}=*")}
    places = range(max(folders, default=-1) + 1)
    return [
        [str(f) for f in sorted(folders[n].glob("*.parquet"))] if n in folders else []
        for n in places
    ]
