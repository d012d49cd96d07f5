"""DuckDB, an expert's two steps: the audience first, then only what is of it.

python -m bench.comparators.duckdb_two CASE.json TARGET
"""

import sys
from pathlib import Path

import duckdb

from bench.comparators import _sql as sql
from bench.comparators._case import Asked, commit, fresh


def statements(asked: Asked, target: Path) -> list[str]:
    # Nothing is filtered where everybody is exported: a semi-join would only cost.
    members = "members" if asked.segments else ""
    parts = [f"merged AS ({sql.merged(asked, members)})"]
    if asked.events is not None:
        parts.append(f"gathered AS ({sql.events(asked, members)})")
    out = sql.rows(asked, members="members", merged="merged", events="gathered")
    return [
        f"CREATE TEMP TABLE members AS {sql.audience(asked)}",
        sql.copy(f"WITH {', '.join(parts)} {out}", str(target)),
    ]


def main(case: str, target: str) -> None:
    asked, place = Asked.read(case), fresh(Path(target))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET preserve_insertion_order = false")
        for statement in statements(asked, place):
            connection.execute(statement)
    commit(place)


if __name__ == "__main__":
    main(*sys.argv[1:])
