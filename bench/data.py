"""Seeded tables: DuckDB computes every value from the numbers of person, dataset and leaf.

No random state and no join, so any size streams through, and equal shapes give equal tables.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
from deltalake import write_deltalake

from bench import shape as shapes
from bench.shape import Shape

_PRIME = 2654435761
"""Persons stand in another order in every table, as they do in life; a bijection as long as the
number of persons is no multiple of it."""


def build(shape: Shape, folder: Path) -> None:
    """Write the tables below ``folder``, unless they are there; a file says that all are whole."""
    done = folder / "shape.json"
    wanted = json.dumps(shape.as_json(), sort_keys=True)
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET arrow_large_buffer_size = false")
        for name, statement in statements(shape):
            rows = connection.sql(statement).to_arrow_reader(100_000)
            # Plain tables: what any writer of Delta leaves behind, in files of a common size.
            write_deltalake(
                str(folder / name), rows, mode="overwrite", target_file_size=128 * 1024 * 1024
            )
    done.write_text(wanted, encoding="utf-8")


def statements(shape: Shape) -> Iterator[tuple[str, str]]:
    """Each table's name and the SELECT that makes it."""
    for number, (name, share) in enumerate(shapes.RECORDS):
        yield name, _records(shape, number, share)
    yield "events", _events(shape)


def _records(shape: Shape, dataset: int, share: float) -> str:
    n, seed = shape.persons, shape.seed
    person = f"(j * {_PRIME} + {dataset * 7919}) % {n}"
    has_one = f"hash(p, {dataset}, {seed}, 'has') % 1000 < {int(share * 1000)}"
    rows = f"SELECT {person} AS p, 0 AS age FROM range({n}) t(j) WHERE {_on('p', person, has_one)}"
    if shape.replaced and dataset == 0:
        older = f"hash(p, {seed}, 'old') % 10000 < {int(shape.replaced * 10000)}"
        rows += (
            f" UNION ALL SELECT {person}, 1 FROM range({n}) t(j) WHERE {_on('p', person, older)}"
        )
    return f"""
        SELECT format('{{:016x}}', hash(p, {dataset}, age, 'id')) AS _id,
            {{'crmId': {_crm_id("p")}}} AS _acme,
            {{'address': {_email(shape, dataset)}}} AS "personalEmail",
            {{'lastUpdated': CASE WHEN hash(p, {dataset}, age, {seed}, 'none') % 20 > 0 THEN
                {_time(f"hash(p, {dataset}, age, {seed}, 'updated')", 300)} END}} AS audit,
            {_groups(shape, dataset)}
            {_membership(shape, dataset)} AS "segmentMembership",
            {_time(f"hash(p, {dataset}, {seed}, 'ingest')", 300)} - INTERVAL 30 DAY * age
                + INTERVAL 60 DAY AS "_ingestedAt"
        FROM ({rows}) persons
    """


def _on(name: str, value: str, condition: str) -> str:
    return condition.replace(f"({name},", f"({value},")


def _crm_id(person: str) -> str:
    return f"format('{{:016x}}', hash({person}, 'crm'))"


def _email(shape: Shape, dataset: int) -> str:
    own = "CASE WHEN hash(p, 'mail') % 5 > 0 THEN 'p' || p || '@example.org' END"
    if not shape.shared or dataset:
        return own
    return f"CASE WHEN p < {shape.shared} THEN 'shared@example.org' ELSE {own} END"


def _time(hashed: str, days: int) -> str:
    """A time of whole seconds in the ``days`` after 2023-06-01."""
    return f"make_timestamptz((1685577600 + {hashed} % {days * 86400})::BIGINT * 1000000)"


def _groups(shape: Shape, dataset: int) -> str:
    """The structs of generic leaves; three values of ten are null."""
    groups: dict[str, list[str]] = {}
    for number, leaf in enumerate(shapes.generic(shape)):
        group, member = leaf.path.split(".")
        hashed = f"hash(p, {number}, {dataset}, age, {shape.seed})"
        # The rightmost bits decide about null, the others about the value.
        value = leaf.sql.replace("$h", f"({hashed} >> 4)")
        groups.setdefault(group, []).append(
            f"'{member}': CASE WHEN {hashed} & 15 > 4 THEN {value} END"
        )
    return "".join(f"{{{', '.join(members)}}} AS {g},\n" for g, members in groups.items())


def _membership(shape: Shape, dataset: int) -> str:
    """Namespace -> segment -> entry. A person's segments are its own; each record knows seven of
    ten of them, with a time and a status of its own, so that S13 has to choose."""
    seed = shape.seed
    broad = f"""list_transform(list_filter(range({shapes.BROAD}),
        lambda s: hash(p, s, {seed}, 'broad') % 10 = 0), lambda s: {_id("broad", "s")})"""
    cover = f"""CASE WHEN hash(p, {seed}, 'cover') % 4 = 0 THEN [{_id("cover", "0")},
        {_id("parts", f"hash(p, {seed}, 'part') % {shapes.PARTS}")}] ELSE [] END"""
    others = f"""list_distinct(list_transform(range(5),
        lambda k: {_id("other", f"hash(p, k, {seed}, 'other') % {shapes.OTHERS}")}))"""
    known = f"""list_filter(list_concat({broad}, {cover}, {others}),
        lambda s: hash(p, s, {dataset}, age, {seed}, 'known') % 10 < 7)"""
    status = f"""CASE hash(p, s, {dataset}, {seed}, 'status') % 7
        WHEN 0 THEN 'exited' WHEN 1 THEN 'existing' ELSE 'realized' END"""
    at = _time(f"hash(p, s, {dataset}, {seed}, 'since')", 330)
    entry = f"{{'status': {status}, 'lastQualificationTime': {at}}}"
    return f"""map_from_entries([{{'k': 'ups', 'v': map_from_entries(list_transform({known},
        lambda s: {{'k': s, 'v': {entry}}}))}}])"""


def _id(kind: str, number: str) -> str:
    return f"format('{kind}-{{:04d}}-4f6d-b4c6-9075c68d2df4', {number})"


def _events(shape: Shape) -> str:
    n, seed, total = shape.persons, shape.seed, shape.persons * shape.events + shape.even_events
    # Two of a hundred events are of people without any record.
    anybody = f"hash(j, {seed}, 'who') % {n + max(1, n // 50)}"
    rows = f"SELECT j, {anybody} AS p, 0 AS again FROM range({total}) t(j)"
    if shape.repeated:
        often = f"hash(j, {seed}, 'again') % 10000 < {int(shape.repeated * 10000)}"
        rows += f" UNION ALL SELECT j, {anybody}, 1 FROM range({total}) t(j) WHERE {often}"
    if shape.hot_events:
        last = total + shape.hot_events
        rows += f" UNION ALL SELECT j, 7 % {n}, 0 FROM range({total}, {last}) t(j)"
    return f"""
        SELECT format('{{:016x}}{{:010d}}', hash(j, {seed}, 'event'), j) AS _id,
            {_time(f"hash(j, {seed}, 'time')", 330)} AS timestamp,
            {{'crmId': {_crm_id("p")}}} AS _acme,
            ['view', 'click', 'cart', 'order'][1 + (hash(j, 'type') % 4)::INTEGER] AS "eventType",
            {{'page': '/shop/' || (hash(j, 'page') % 2000), 'ms': (hash(j, 'ms') % 90000)::INTEGER,
              'userAgent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/' || (hash(j, 'agent') % 90)
            }} AS web,
            {{'amount': CASE WHEN hash(j, 'type') % 4 = 3 THEN
                ((hash(j, 'amount') % 100000) / 100)::DECIMAL(12, 2) END}} AS commerce,
            {_time(f"hash(j, {seed}, 'time')", 330)} + INTERVAL 1 HOUR * (1 + again)
                AS "_ingestedAt"
        FROM ({rows}) numbers
    """
