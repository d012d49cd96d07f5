"""The floor: the same columns of the same people read and written, with no logic at all.

Who the people are lies ready in a file, which costs nothing here; nothing is merged or grouped.

python -m bench.comparators.floor CASE.json TARGET
"""

import sys
from pathlib import Path

import duckdb

from bench.comparators import _sql as sql
from bench.comparators._case import BATCH, Asked, commit, fresh


def statements(asked: Asked, target: Path) -> list[str]:
    batch = f"'{asked.batches[0]}' AS {BATCH}"
    mine = f"WHERE _acme.\"crmId\" IN (SELECT pk FROM read_parquet('{asked.keys}'))"
    leaves = ", ".join(f'{sql.quoted(path)} AS "{path}"' for path in asked.fields)
    tables = (f"SELECT {leaves} FROM {sql.scan(asked, d)} {mine}" for d in asked.datasets)
    records = f"SELECT *, {batch} FROM ({' UNION ALL '.join(tables)})"
    copies = [sql.copy(records, str(target / "records"))]
    if asked.events is not None:
        paths = ["_id", "timestamp", *asked.events]
        columns = ", ".join(f'{sql.quoted(path)} AS "{path}"' for path in paths)
        events = f"SELECT {columns}, {batch} FROM {sql.scan(asked, 'events')} {mine}"
        copies.append(sql.copy(events, str(target / "events")))
    return copies


def main(case: str, target: str) -> None:
    asked, place = Asked.read(case), fresh(Path(target))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET preserve_insertion_order = false")
        for statement in statements(asked, place):
            connection.execute(statement)
    for folder in sorted(place.iterdir()):
        commit(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
