"""What an engine is: it opens a session, reads pinned tables, keeps intermediates, writes once.

The stages never see an engine; ``run.py`` sees a :class:`Workspace`, which is one engine at work on
one job. ``sail.py`` and ``spark.py`` implement :class:`Engine`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from profile_export.errors import JobFailed
from profile_export.plan import ExportPlan, Input, TableRef
from profile_export.schema import Struct
from profile_export.tables import TableInfo

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from profile_export.delta_log import OwnCommit


@dataclass(frozen=True)
class WrittenFile:
    """One Parquet file of a batch; ``path`` relative to the dataset, with forward slashes."""

    batch_id: str
    path: str
    bytes: int
    rows: int
    sha256: str


@dataclass(frozen=True)
class BatchRows:
    """What is in a batch's files: rows, events, and the row-set hash (docs/row-set-hash.md)."""

    batch_id: str
    records: int
    events: int
    most_events: int
    row_set_hash: str


@dataclass(frozen=True)
class Writing:
    """What is to be committed to a target as one version of it.

    Attributes:
        location: Where the target lies or will lie.
        shown: The target, as messages name it.
        table: Its name, where a catalog has it.
        columns: Of the rows, in their order, ``_ACP_BATCHID`` last.
        batch_ids: Of all batches, those without rows too.
        app_id: The job's application transaction.
        note: Text for ``userMetadata``.
        persons: How many are in each batch, where that is known.
    """

    location: str
    shown: str
    table: str | None
    columns: Struct
    batch_ids: tuple[str, ...]
    app_id: str
    note: str
    persons: Sequence[int] | None


@dataclass(frozen=True)
class Written:
    """One committed export."""

    delta_version: int
    files: tuple[WrittenFile, ...]
    batches: tuple[BatchRows, ...]


class Workspace(Protocol):
    """An engine at work on one job: the only door from ``run.py`` to storage."""

    driver_edges: int
    """How many identity edges the driver may hold; above it components are found by the engine."""
    vectorised: bool
    """As :attr:`Engine.vectorised`."""

    def read(self, source: Input) -> "DataFrame":
        """The whole table at its pinned version, lazily; callers select what they need."""
        ...

    def materialise(self, frame: "DataFrame", name: str) -> "DataFrame":
        """Compute ``frame`` once into a scratch Parquet folder and give a frame that reads it."""
        ...

    def numbered(self, frame: "DataFrame", column: str, name: str) -> "DataFrame":
        """As :meth:`materialise`, with one more column: for each row a whole number of its own.

        Any numbers, which hold for this frame only.
        """
        ...

    def moved(self, frame: "DataFrame", *by: str, shrinks: bool = False) -> "DataFrame":
        """Rows of equal ``by`` in one task, for aggregates and joins by them that follow.

        One shuffle, in place of theirs, into as many parts as :meth:`Engine.parts` says.

        Args:
            frame: Rows.
            by: Their columns.
            shrinks: Whether an aggregate by ``by`` would make far fewer rows of those of one task,
                if only of a value that many share, null for one. Spark is then left to do so before
                it moves any; on Sail that costs more than it saves (docs/decisions/0021).
        """
        ...

    def local_frame(self, columns: Mapping[str, Sequence[object]], ddl: str) -> "DataFrame":
        """A small or middling driver-side table as a frame (Arrow underneath)."""
        ...

    def report(self, stage: str, fraction: float) -> None:
        """Say where the job is; raises Cancelled if it is to stop."""
        ...


class Engine(Protocol):
    """A place where DataFrame stages run."""

    name: str
    """``sail`` or ``spark``, as the manifest shows it."""
    version: str
    spark: "SparkSession"
    pid: int | None
    """The process that computes, where it is another on this machine and could outlive this one."""
    vectorised: bool
    """Whether a lambda is computed for a column at once, and pays; Spark interprets it for each
    element, which takes four times as long as exploding them (docs/decisions/0025)."""
    reads_plain_files: bool
    """Whether the files of a plain table are read as Parquet: its log would cost Spark jobs."""
    obeys_within: float
    """Seconds in which it stops its work when told to; else it is ended with its process."""

    def locate(self, table: TableRef) -> str:
        """Where a NAMED table lies, or would lie if it were made now."""
        ...

    def table_info(self, table: TableRef) -> TableInfo:
        """Columns and version of a NAMED table; those with a location need no engine."""
        ...

    def delta_path(self, location: str) -> str:
        """What this engine takes for the path of the Delta table at ``location``."""
        ...

    def read_parquet(
        self, location: str, groups: Sequence[Sequence[str]], columns: Struct
    ) -> "DataFrame":
        """Parquet files, with the columns that their ``key=value`` folders say. Lazy.

        Args:
            location: A folder.
            groups: Files below it, at least one; together those of the same ``key=value`` folders.
            columns: Of the files and of the folders.
        """
        ...

    def parts(self, plan: ExportPlan | None) -> int | None:
        """Into how many parts rows are best moved by key; None where the engine sees to it itself.

        Args:
            plan: Of the job, if there is one: its inputs tell how much there is to divide.
        """
        ...

    def write_and_commit(
        self, frame: "DataFrame", writing: Writing, *, check: Callable[[], None]
    ) -> "OwnCommit":
        """Write rows into their batches' folders, and commit them once, whoever did it (S27).

        Args:
            frame: Rows.
            writing: What they are, and where to.
            check: Raises where the job is to stop; called last before the commit, or before the
                one call that writes and commits.

        Raises:
            JobFailed: ``target-schema``, ``target-busy``; others of the engine's own.
        """
        ...

    def between_jobs(self) -> None:
        """Forget what an earlier job has left in the session."""
        ...

    def writing(self, persons: int, /) -> AbstractContextManager[None]:
        """For the time in which the rows of so many persons are joined and written."""
        ...

    def interrupt(self) -> None:
        """Stop whatever the engine is computing for this process, within seconds.

        Raises nothing: an engine that is gone computes nothing.
        """
        ...

    def abandon(self) -> None:
        """Remove its folders, in place of :meth:`stop`, where the process ends at once."""
        ...

    def stop(self) -> None:
        """End the session, and the embedded server where there is one."""
        ...


def open_engine(
    name: str,
    *,
    verbose: bool = False,
    settings: Mapping[str, str] | None = None,
    small: bool = False,
) -> Engine:
    """Open the engine called ``name``: ``sail``, ``spark``, or ``sc://host:port``.

    One process opens one kind: a Connect engine (``sail``, ``sc://``) or the classic ``spark``.

    Args:
        name: As ``--engine`` takes it.
        verbose: Let the engine's own output through to the terminal.
        settings: Spark settings on top of ``conf/`` (an own ``spark`` session only).
        small: For one job with small inputs (``input_size.is_small``): an own ``spark`` session is
            then set up to start fast and not to run long.

    Raises:
        JobFailed: ``engine`` or ``delta-jars``, with what to do.
    """
    if name == "sail":
        from profile_export.engines.sail import open_sail

        return open_sail(verbose=verbose)
    from profile_export.engines.spark_session import open_remote, open_spark

    if name.startswith("sc://"):
        return open_remote(name)
    if name == "spark":
        return open_spark(verbose=verbose, settings=dict(settings or {}), small=small)
    raise JobFailed(f"No engine is called {name!r}: sail, spark or sc://host:port.", code="engine")


__all__ = [
    "BatchRows",
    "Engine",
    "ExportPlan",
    "TableInfo",
    "Workspace",
    "Writing",
    "Written",
    "WrittenFile",
    "open_engine",
]
