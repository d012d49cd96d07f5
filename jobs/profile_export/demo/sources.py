"""The two real files of the demo, as rows. What they say stays as it is; see ``data/README.md``."""

import csv
import gzip
from datetime import timedelta
from importlib.resources import files
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from profile_export.demo import schemas

SHIFT = timedelta(days=7728)
"""1,104 weeks: CDNOW's 1997-01-01..1998-06-30 becomes 2018-02-28..2019-08-27, weekdays kept."""

OPENING = timedelta(hours=8)
OPEN_SECONDS = 14 * 3600


class FebrlPerson(NamedTuple):
    """One FEBRL row. ``copy`` is None for the original, 0..4 for a duplicate with errors."""

    number: int
    copy: int | None
    rec_id: str
    given_name: str | None
    surname: str | None
    street_number: str | None
    address_1: str | None
    address_2: str | None
    suburb: str | None
    postcode: str | None
    state: str | None
    date_of_birth: str | None
    soc_sec_id: str | None


def read_people() -> list[FebrlPerson]:
    """All 5,000 FEBRL rows by (person, original first, copy); blank fields are None."""
    rows = csv.reader(_read("febrl_dataset3.csv.gz").splitlines(), skipinitialspace=True)
    next(rows)
    return sorted(map(_person, rows), key=lambda p: (p.number, -1 if p.copy is None else p.copy))


def _person(row: list[str]) -> FebrlPerson:
    rec_id, *values = row
    _, number, *rest = rec_id.split("-")  # rec-N-org or rec-N-dup-K
    copy = int(rest[1]) if rest[0] == "dup" else None
    return FebrlPerson(int(number), copy, rec_id, *(value.strip() or None for value in values))


def read_purchases() -> pa.Table:
    """All 69,659 CDNOW purchases in the order of the file, which is by customer.

    Returns:
        ``customer`` (int32), ``time`` (UTC: the date shifted by ``SHIFT``, with a time of day that
        the file lacks), ``cds`` (int32), ``dollars`` (double).
    """
    _, _, _, _, *words = _read("CDNOW_master.txt.gz").split()  # four column names, then values
    days = pc.strptime(pa.array(words[1::4]), format="%Y%m%d", unit="s")
    # Any spread over the opening hours will do, if it is the same at every build.
    seconds = [index * 977 % OPEN_SECONDS for index in range(len(days))]
    opened = pc.add(pc.assume_timezone(days, "UTC"), pa.scalar(SHIFT + OPENING))
    return pa.table(
        {
            "customer": pa.array(map(int, words[0::4]), pa.int32()),
            "time": pc.add(opened, pa.array(seconds, pa.duration("s"))).cast(schemas.TIME),
            "cds": pa.array(map(int, words[2::4]), pa.int32()),
            "dollars": pa.array(map(float, words[3::4]), pa.float64()),
        }
    )


def _read(name: str) -> str:
    return gzip.decompress(files(__package__).joinpath("data", name).read_bytes()).decode("ascii")
