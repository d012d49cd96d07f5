"""DuckDB, one statement: the export as one SELECT, as it is written down first.

python -m bench.comparators.duckdb_one CASE.json TARGET
"""

import sys
from pathlib import Path

import duckdb

from bench.comparators import _sql as sql
from bench.comparators._case import Asked, commit, fresh


def statement(asked: Asked, target: Path) -> str:
    """Everybody is merged, everybody's events are gathered; the audience is joined to them."""
    parts = [f"members AS ({sql.audience(asked)})", f"merged AS ({sql.merged(asked, '')})"]
    if asked.events is not None:
        parts.append(f"gathered AS ({sql.events(asked, '')})")
    out = sql.rows(asked, members="members", merged="merged", events="gathered")
    return sql.copy(f"WITH {', '.join(parts)} {out}", str(target))


def main(case: str, target: str) -> None:
    asked, place = Asked.read(case), fresh(Path(target))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(statement(asked, place))
    commit(place)


if __name__ == "__main__":
    main(*sys.argv[1:])
