"""From a user's SQL to a text that an engine may run: one SELECT over the export datasets, no more.

1. The SQL is parsed (sqlglot), and what was parsed is looked at, node by node: only kinds of node
   that a SELECT consists of may be there, with known parts (:mod:`~profile_export.sql.nodes`).
2. Every table must be a CTE in scope or an export dataset. Both are given names that nobody can
   guess, so a reference that we misread finds nothing, instead of somebody's table
   (:mod:`~profile_export.sql.tree`).
3. A text is made of the nodes, never of the user's text, and held against an allow-list of words
   and functions (:mod:`~profile_export.sql.words`). Texts with anything unusual in them go as hex:
   Spark puts the environment into ``${env:HOME}``, even inside quotes.
"""

import logging
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlglot
from sqlglot import ErrorLevel, exp
from sqlglot.dialects.spark import Spark
from sqlglot.parsers.spark import SparkParser

from profile_export.errors import Problem, Refused
from profile_export.sql.tree import rewrite
from profile_export.sql.words import Unsafe, check_text

LONGEST = 20_000
MOST_NODES = 5_000
DEEPEST = 100
"""Engines read nested text by recursion: much deeper, one of them would end its whole process."""
LONGEST_READING = 1.0
"""Seconds of this thread. The parser tries one meaning after the other: ``struct(struct(...`` takes
it twice as long with each level, while the longest plain statement takes a fifth of a second."""


_WITH_PATTERNS = {
    "DATE_FORMAT", "FROM_UNIXTIME", "TO_DATE", "TO_TIMESTAMP", "TO_UNIX_TIMESTAMP",
    "UNIX_TIMESTAMP",
}  # fmt: skip


class _Read(Spark):
    """Spark's SQL, where a doubled quote in a text is one (Sail reads it otherwise), and patterns
    of times stay as they are written (sqlglot would put another language's in between)."""

    class Parser(SparkParser):
        FUNCTIONS: ClassVar[dict[str, Any]] = {
            name: make for name, make in SparkParser.FUNCTIONS.items() if name not in _WITH_PATTERNS
        }

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._until = time.thread_time() + LONGEST_READING

        def _advance(self, times: int = 1) -> None:
            """Every way that is tried, and every way back, goes through here."""
            if time.thread_time() > self._until:
                detail = "It takes too long to be read: nest fewer functions in each other."
                raise _refused("too-complex", detail)
            super()._advance(times)

    class Tokenizer(Spark.Tokenizer):
        STRING_ESCAPES: ClassVar[list[str]] = ["\\", "'", '"']


@dataclass(frozen=True)
class Guarded:
    """A statement that may be run.

    Attributes:
        sql: What the engine gets.
        views: Name of a view that must exist while it runs -> SQL name of the export dataset.
    """

    sql: str
    views: dict[str, str]


def guard(sql: str, tables: Collection[str]) -> Guarded:
    """Make a text that may be run of a user's SQL.

    Args:
        sql: As the user wrote it.
        tables: The SQL names of the sandbox's export datasets.

    Raises:
        Refused: ``sql-syntax``, ``not-a-select``, ``unknown-table``, ``not-allowed`` or
            ``too-complex``, at ``/sql``.
    """
    try:
        tree = _parsed(sql)
        prefix = f"pe_{secrets.token_hex(8)}_"
        views = rewrite(tree, prefix, tables)
        text = tree.sql("spark", identify=True, comments=False, unsupported_level=ErrorLevel.RAISE)
        check_text(text, own_prefix=prefix)
    except Unsafe as error:
        raise _refused("not-allowed", str(error)) from None
    except RecursionError:
        raise _refused("too-complex", f"It is nested deeper than {DEEPEST}.") from None
    except Refused:
        raise
    except Exception as error:  # the parser fails on some input by IndexError and the like
        raise _refused("sql-syntax", _first_fault(error)) from None
    return Guarded(text, views)


def _parsed(sql: str) -> exp.Expr:
    if len(sql) > LONGEST:
        raise _refused("too-complex", f"A statement has at most {LONGEST:,} characters.")
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what is refused here anyway
    found = [tree for tree in sqlglot.parse(sql, dialect=_Read) if tree is not None]
    if len(found) != 1:
        raise _refused("not-a-select", f"It must be one SELECT, not {len(found)} statements.")
    if not isinstance(found[0], exp.Select | exp.SetOperation | exp.Subquery):
        is_statement = not isinstance(found[0], exp.Condition | exp.Alias)
        is_command = isinstance(found[0], exp.Command)  # one that sqlglot has no class for
        word = found[0].name if is_command else found[0].key
        what = f", not {word.upper()}" if is_statement else "; this is no statement"
        raise _refused("not-a-select", f"It must be a SELECT (WITH is allowed){what}.")
    _see_size(found[0])
    return found[0]


def _see_size(tree: exp.Expr) -> None:
    waiting, count = [(tree, 1)], 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if depth > DEEPEST or count > MOST_NODES:
            detail = f"It is nested deeper than {DEEPEST}, or has more than {MOST_NODES:,} parts."
            raise _refused("too-complex", f"{detail} A list (IN) nests less than a chain of OR.")
        waiting += [(child, depth + 1) for child in node.iter_expressions()]


def _first_fault(error: Exception) -> str:
    for fault in getattr(error, "errors", []):
        # Not the parser's own classes: "missing for <class ...Where'>", "but got <Token ...>".
        told = re.sub(r"<class '[\w.]*?(\w+)'>", lambda kind: kind[1].upper(), fault["description"])
        told = told.partition(" but got <")[0].rstrip(".")
        return f"Line {fault['line']}, column {fault['col']}: {told}."
    return "This is no SQL that can be read."


def _refused(code: str, detail: str) -> Refused:
    return Refused([Problem(code, " ".join(detail.split()), "/sql")])
