"""From a user's SQL to a text that an engine may run: one SELECT over the export datasets, no more.

1. The SQL is parsed (sqlglot), and what was parsed is looked at, node by node: only the kinds of
   node that a SELECT consists of may be there (:data:`NODES`), with none but known parts.
2. Every table must be a CTE in scope or an export dataset. Both are given names that nobody can
   guess, so a reference that we misread finds nothing, instead of somebody's table.
3. A text is made of the nodes, never of the user's text, and held against an allow-list of words and
   functions (:mod:`~profile_export.sql_words`). Strings with anything unusual in them go as hex:
   Spark puts variables of the environment into ``${env:HOME}``, even inside quotes.
"""

import logging
import secrets
from collections.abc import Collection
from dataclasses import dataclass

import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError

from profile_export.errors import Problem, Refused
from profile_export.sql_words import Unsafe, check_text

LONGEST = 20_000
MOST_NODES = 5_000
DEEPEST = 100
"""Engines read nested text by recursion: deeper, one of them could end its whole process."""
MOST_WILDCARDS = 8

_SPECIAL = frozenset(
    [
        "user",
        "session_user",
        "current_user",
        "current_catalog",
        "current_database",
        "current_schema",
        "current_path",
        "current_timezone",
    ]
)
"""Names that Spark reads as functions where no column has them, in quotes too."""


@dataclass(frozen=True)
class Guarded:
    """A statement that may be run.

    Attributes:
        sql: What the engine gets.
        views: Name of a view that must exist while it runs -> SQL name of the export dataset.
        prefix: What the names of views and CTEs begin with.
    """

    sql: str
    views: dict[str, str]
    prefix: str


def guard(sql: str, tables: Collection[str]) -> Guarded:
    """Make a text that can be run of a user's SQL.

    Args:
        sql: As the user wrote it.
        tables: The SQL names of the sandbox's export datasets.

    Raises:
        Refused: ``sql-syntax``, ``not-a-select``, ``unknown-table``, ``not-allowed`` or
            ``too-complex``, at ``/sql``.
    """
    if len(sql) > LONGEST:
        raise _refused("too-complex", f"A statement has at most {LONGEST:,} characters.")
    try:
        tree = _parsed(sql)
        _see_size(tree)
        prefix = f"pe_{secrets.token_hex(8)}_"
        views = _Rewriter(prefix, tables).rewrite(tree)
        text = tree.sql("spark", identify=True, comments=False, unsupported_level=ErrorLevel.RAISE)
        check_text(text, own_prefix=prefix)
    except Unsafe as error:
        raise _refused("not-allowed", str(error)) from None
    except RecursionError:
        raise _refused("too-complex", f"It is nested deeper than {DEEPEST}.") from None
    except SqlglotError as error:
        raise _refused("sql-syntax", _first_fault(error)) from None
    return Guarded(text, views, prefix)


def _refused(code: str, detail: str) -> Refused:
    return Refused([Problem(code, " ".join(detail.split()), "/sql")])


def _first_fault(error: SqlglotError) -> str:
    found = getattr(error, "errors", None)
    if not found:
        return "This is no SQL that can be read."
    first = found[0]
    return f"Line {first.get('line')}, column {first.get('col')}: {first.get('description')}"


def _parsed(sql: str) -> exp.Expression:
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    if "\x00" in sql:
        raise _refused("sql-syntax", "A statement has no U+0000.")
    found = [tree for tree in sqlglot.parse(sql, dialect="spark") if tree is not None]
    if len(found) != 1:
        raise _refused("not-a-select", f"It must be one SELECT, not {len(found)} statements.")
    if not isinstance(found[0], exp.Select | exp.SetOperation | exp.Subquery):
        kind = found[0].key.upper()
        raise _refused("not-a-select", f"It must be a SELECT (WITH is allowed), not {kind}.")
    return found[0]


def _see_size(tree: exp.Expression) -> None:
    """Bounded before anything recursive sees it: this walk is not."""
    waiting, count = [(tree, 1)], 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if depth > DEEPEST or count > MOST_NODES:
            detail = f"It is nested deeper than {DEEPEST}, or has more than {MOST_NODES:,} parts."
            raise _refused("too-complex", f"{detail} Lists (IN) nest less than chains of OR.")
        waiting += [(child, depth + 1) for child in node.iter_expressions()]
