"""One page: the order of the stages, and nothing else. (Being written.)"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Counts:
    """Who was considered, and what became of them (S14-S19, S25).

    ``batches`` has the exported persons of each batch of the plan, in order. ``exclusions`` names
    every reason, zeros too. ``namespaces``: exported persons by identity namespace (as written).
    """

    candidates: int
    exclusions: dict[str, int]
    batches: tuple[int, ...]
    exported: int
    namespaces: dict[str, int]
    rows_without_identity: dict[str, int]
    events_truncated: dict[str, int] = field(default_factory=lambda: {"profiles": 0, "events": 0})
