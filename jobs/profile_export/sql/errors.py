"""What an engine says of a statement, in words for the one who wrote it: no path, no trace."""

import re
from collections.abc import Mapping

from profile_export.catalog import Dataset
from profile_export.engine_words import said
from profile_export.engines import sail_memory
from profile_export.errors import ExportError, JobFailed, Problem, Refused
from profile_export.sql.guard import Guarded
from profile_export.tables import unreadable

_USERS_FAULT = re.compile(
    r"Analysis|Parse|IllegalArgument|Arithmetic|NumberFormat|UnsupportedOperation|DateTime"
    r"|ArrayIndexOutOfBounds|SparkRuntime|QueryExecution|PySparkType|ArrowInvalid|ValueError"
)
"""Classes of exceptions, of both engines, that a statement brings about."""
_GAVE_UP = "Stream removed (RST_STREAM"
"""What Sail's client hears when its planner panics (at ``max_by(1)`` for one), or its reader."""
_BEYOND_A_MESSAGE = "message larger than max"
"""Sail sends some thousand rows in one message, of at most 128 MiB."""
_CONDITION = re.compile(r"^\[[A-Z0-9_.]+\] ?")
_NO_COLUMN = re.compile(r"ObjectName\(\[(.*?)\]\).*cannot resolve attribute")
"""How Sail says it."""
_NOT_GROUPED = re.compile(r"^No field named \S*\"#\d+\"")
"""How Sail says it: with a number of its own in place of the column's name."""
_REST = re.compile(r" ?(SQLSTATE: ?\w+|at \d+:\d+ |== SQL|\(line \d+, pos).*", re.DOTALL)
_LONGEST = 300


class QueryFailed(JobFailed):
    """An engine could not run a statement that may be run."""

    code, title = "query-failed", "Query failed"


def translated(
    error: BaseException, guarded: Guarded, tables: Mapping[str, Dataset]
) -> ExportError:
    """An error of ours, whatever the engine raised.

    Args:
        error: As raised.
        guarded: The statement, to put the user's names in place of ours.
        tables: To take locations out of messages.
    """
    if isinstance(error, ExportError):
        return error
    words = said(error)
    whole = words.text
    if (beyond := sail_memory.exceeded(whole)) is not None:
        return beyond
    if _BEYOND_A_MESSAGE in whole:
        return too_large()
    if not _USERS_FAULT.search(type(error).__name__):
        return _failed()
    text = " ".join(_REST.sub("", _CONDITION.sub("", words.root_cause)).split())
    if column := _NO_COLUMN.search(text):
        name = ".".join(re.findall(r'Identifier\("([^"]*)"\)', column[1]))
        text = f"There is no column {name}. Capitals matter in names of columns."
    if _NOT_GROUPED.match(text):
        text = (
            "A column stands beside an aggregate (count, max, ...) and is not in GROUP BY: group by"
            " it, or aggregate it too."
        )
    for view, name in guarded.views.items():
        text = text.replace(view, name)
    for dataset in tables.values():
        if dataset.table.location:
            text = text.replace(dataset.table.location, dataset.name)
    if "/" in text and re.search(r"(file:|s3a?:|hdfs:|abfss?:|gs:)|/\w+/", text):
        text = "A file of the dataset could not be read."
    return _refused("sql-invalid", text[:_LONGEST])


def unopened(error: Exception, dataset: Dataset) -> ExportError:
    """An error of ours for a table that an engine does not open: of a feature that it does not
    know, say."""
    if isinstance(error, ExportError):
        return error
    if not _USERS_FAULT.search(type(error).__name__):
        return _failed()
    return unreadable(dataset.table, said(error).root_cause)


def _failed() -> QueryFailed:
    return QueryFailed("The engine could not run the query. Try again.")


def gave_up(error: BaseException) -> bool:
    """Whether the engine broke off without a reason."""
    return _GAVE_UP in said(error).text


def too_large() -> Refused:
    """The error of an answer that is more than can be given."""
    detail = "The answer is too large: ask for fewer rows, or for less of them."
    return _refused("too-large", detail)


def no_plan() -> Refused:
    """The error of a statement that breaks the engine's planner."""
    detail = "The engine cannot plan it: look at its functions, how many arguments they take."
    return _refused("sql-invalid", detail)


def _refused(code: str, detail: str) -> Refused:
    return Refused([Problem(code, detail, "/sql")])
