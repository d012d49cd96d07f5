"""Plain tables of texts, and times for people."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from profile_export.plain_text import plain

if TYPE_CHECKING:
    from rich.table import Table


def plain_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> "Table":
    """A table without lines; a cell that is too long goes on below."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*map(plain, row))
    return table


def time_of(epoch_ms: int) -> str:
    """A time in UTC, to the second."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
