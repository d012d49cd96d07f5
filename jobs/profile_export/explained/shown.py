"""How an account shows lists and values: cut where they are long."""

import json
from collections.abc import Iterator, Sequence

SHOWN = 20
"""How many items of a list are told; JSON has more."""
_LONGEST = 60


def some(lines: Sequence[str], total: int) -> Iterator[str]:
    """The first lines, and how many more there are of ``total``."""
    shown = lines[:SHOWN]
    yield from shown
    if total > len(shown):
        yield f"  ... and {total - len(shown)} more"


def quoted(value: object) -> str:
    """A value as JSON, cut."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"
