"""What the generated tables look like: sizes, leaves, and each leaf's value as SQL."""

from dataclasses import asdict, dataclass
from typing import Any

RECORDS = (("crm", 1.0), ("loyalty", 0.8), ("web", 0.6))
"""Profile datasets and the share of persons with a record there: 2.4 records a person."""
BROAD = 10
"""Segments of a tenth of the people each, independent of each other."""
PARTS = 50
"""Segments that divide the people of the segment ``cover`` among them."""
OTHERS = 100
"""Segments that nobody asks for: what else stands in a membership map, five a person."""


@dataclass(frozen=True)
class Shape:
    """The dials of the generator. Two equal shapes give equal tables."""

    persons: int
    leaves: int = 33
    events: int = 5
    """Events per person."""
    hot_events: int = 0
    """Events on top, all of one person."""
    even_events: int = 0
    """The same number on top, spread evenly: what the skewed tables are compared with."""
    shared: int = 0
    """CRM records that all have one e-mail address."""
    replaced: float = 0.0
    """Share of CRM records that have an older one of the same primary identity (S4)."""
    repeated: float = 0.0
    """Share of events that came twice (S23)."""
    seed: int = 1

    @property
    def name(self) -> str:
        """A folder's name: every dial that is not as by default."""
        default = asdict(Shape(self.persons))
        told = [f"{k}{v}" for k, v in asdict(self).items() if k != "persons" and v != default[k]]
        return "-".join([f"{self.persons}", *told])

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Leaf:
    """One attribute: its dotted path, its SQL type, its value of a hash ``$h``."""

    path: str
    sql: str


_KINDS = (
    "'v' || ($h % 50)",
    "format('{:016x}', $h)",
    "($h % 100000)::INTEGER",
    "($h % 1000000000)::BIGINT",
    "($h % 100000)::DOUBLE / 100",
    "DATE '2000-01-01' + ($h % 9000)::INTEGER",
    "make_timestamptz((1600000000 + $h % 100000000)::BIGINT * 1000000)",
    "($h >> 8) % 2 = 0",
    "(($h % 1000000) / 100)::DECIMAL(12, 2)",
    "'name ' || ($h % 5000)",
)
"""Types in turn, so that every tenth leaf is alike: four of ten are text."""

OWN = ("_acme.crmId", "personalEmail.address", "audit.lastUpdated")
"""Leaves with a meaning; the others are told apart by their number only."""


def generic(shape: Shape) -> list[Leaf]:
    """The leaves without a meaning, ten to a struct: ``g0.f0 ... g0.f9, g1.f0, ...``."""
    numbers = range(shape.leaves - len(OWN))
    return [Leaf(f"g{n // 10}.f{n % 10}", _KINDS[n % 10]) for n in numbers]


def attributes(shape: Shape) -> list[str]:
    """The dotted paths of all leaves, in the order of the tables."""
    return [*OWN, *(leaf.path for leaf in generic(shape))]


def segment(kind: str, number: int = 0) -> str:
    """A segment's id: as long as real ones are."""
    return f"{kind}-{number:04d}-4f6d-b4c6-9075c68d2df4"
