"""The export as DuckDB SQL, in pieces: what differs between the scripts is how they are joined."""

from bench.comparators._case import BATCH, Asked, groups

WANTED = "('realized', 'existing')"


def scan(asked: Asked, table: str) -> str:
    files = ", ".join(f"'{file}'" for file in asked.files(table))
    return f"read_parquet([{files}])"


def record_columns(asked: Asked, dataset: str) -> str:
    """Key, rank and leaves of a record, all that the merge needs.

    The rank is one number: the time in microseconds above, the dataset below, or the other way.
    """
    rank = asked.rank(dataset)
    time = 'coalesce(epoch_us(audit."lastUpdated"), epoch_us("_ingestedAt"))'
    number = f"{rank}::BIGINT << 52 | {time}" if asked.precedence else f"{time} << 2 | {rank}"
    leaves = "".join(f", {quoted(path)} AS c{n}" for n, path in enumerate(asked.fields))
    return f'_acme."crmId" AS pk, {number} AS rank{leaves}'


def newest(asked: Asked) -> str:
    """Only the newest record of a primary identity counts (S4), where one may have several."""
    if not asked.replaced:
        return ""
    order = '"_ingestedAt" DESC NULLS LAST, _id DESC NULLS LAST'
    return f'QUALIFY row_number() OVER (PARTITION BY _acme."crmId" ORDER BY {order}) = 1'


def audience(asked: Asked) -> str:
    """``pk`` and ``batch``: by the merged entry of each asked segment (S13, S17, S18)."""
    if not asked.segments:
        scans = (f'SELECT _acme."crmId" AS pk FROM {scan(asked, d)}' for d in asked.datasets)
        return f"SELECT DISTINCT pk, 0 AS batch FROM ({' UNION ALL '.join(scans)})"
    names = ", ".join(f"'{name}'" for name in asked.segments)
    entries = " UNION ALL ".join(
        f"""SELECT pk, list_position([{names}], e.key) - 1 AS batch, e.value.status AS status,
            epoch_us(e.value."lastQualificationTime") << 4
                | (CASE e.value.status WHEN 'exited' THEN 3 WHEN 'existing' THEN 2 ELSE 1 END) << 2
                | {1 + sorted(asked.datasets).index(d)} AS rank
        FROM (SELECT _acme."crmId" AS pk, unnest(map_entries("segmentMembership"['ups'])) AS e
            FROM {scan(asked, d)} {newest(asked)})
        WHERE e.key IN ({names})"""
        for d in asked.datasets
    )
    return f"""SELECT pk, batch FROM ({entries}) GROUP BY pk, batch
        HAVING arg_max(status, rank) IN {WANTED}"""


def merged(asked: Asked, members: str) -> str:
    """One row per person: each leaf's value of the greatest rank that has one (S11)."""
    only = f' WHERE _acme."crmId" IN (SELECT pk FROM {members})' if members else ""
    records = " UNION ALL ".join(
        f"SELECT {record_columns(asked, d)} FROM {scan(asked, d)}{only} {newest(asked)}"
        for d in asked.datasets
    )
    leaves = "".join(f", arg_max(c{n}, rank) AS c{n}" for n in range(len(asked.fields)))
    return f"SELECT pk{leaves} FROM ({records}) GROUP BY pk"


def events(asked: Asked, members: str) -> str:
    """``pk`` and the person's events, each once, in order (S23)."""
    only = f' WHERE _acme."crmId" IN (SELECT pk FROM {members})' if members else ""
    once = ""
    if asked.repeated:
        once = 'QUALIFY row_number() OVER (PARTITION BY _id ORDER BY "_ingestedAt" DESC) = 1'
    rows = f'SELECT *, _acme."crmId" AS pk FROM {scan(asked, "events")}{only} {once}'
    event = struct(["_id", "timestamp", *(asked.events or [])])
    return f"SELECT pk, list({event} ORDER BY timestamp, _id) AS events FROM ({rows}) GROUP BY pk"


def rows(asked: Asked, *, members: str, merged: str, events: str) -> str:
    """The output: one row per person and batch."""
    place = {path: f"c{n}" for n, path in enumerate(asked.fields)}
    columns = [
        f"{_struct(top, inner, place)} AS {quoted(top)}"
        for top, inner in groups(asked.fields).items()
    ]
    joined = f"{members} JOIN {merged} USING (pk)"
    if asked.events is not None:
        columns.append('coalesce(events, []) AS "timeSeriesEvents"')
        joined += f" LEFT JOIN {events} USING (pk)"
    return f"SELECT {', '.join(columns)}, format('{{:032x}}', batch) AS {BATCH} FROM {joined}"


def copy(select: str, target: str) -> str:
    return f"""COPY ({select}) TO '{target}'
        (FORMAT parquet, COMPRESSION zstd, PARTITION_BY ({BATCH}), OVERWRITE_OR_IGNORE)"""


def struct(paths: list[str]) -> str:
    """A struct of leaves of the row at hand; an inner struct of nulls is null (S11)."""
    place = {path: quoted(path) for path in paths}
    members = (f"'{top}': {_struct(top, m, place)}" for top, m in groups(paths).items())
    return f"{{{', '.join(members)}}}"


def quoted(path: str) -> str:
    return ".".join(f'"{name}"' for name in path.split("."))


def _struct(top: str, members: list[str], place: dict[str, str]) -> str:
    if not members:
        return place[top]
    values = {m: place[f"{top}.{m}"] for m in members}
    known = " OR ".join(f"{value} IS NOT NULL" for value in values.values())
    inner = ", ".join(f"'{m}': {value}" for m, value in values.items())
    return f"CASE WHEN {known} THEN {{{inner}}} END"
