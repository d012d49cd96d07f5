"""What an engine is: all that the project asks of one, whichever it is."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from profile_export.engines.reading import ParquetFiles, Reading
from profile_export.engines.writing import Writing
from profile_export.plan import ExportPlan, Input, TableRef
from profile_export.schema import Struct
from profile_export.tables import TableInfo

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from profile_export.own_commit import OwnCommit


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
    obeys_within: float
    """Seconds in which it stops its work when told to; else it is ended with its process."""
    lasts: int | None
    """How many jobs, or queries, it does before its process makes way for another; None: any."""

    def locate(self, table: TableRef) -> str:
        """Where a NAMED table lies, or would lie if it were made now."""
        ...

    def table_info(self, table: TableRef) -> TableInfo:
        """Columns and version of a NAMED table; those with a location need no engine."""
        ...

    def delta_path(self, location: str) -> str:
        """What this engine takes for the path of the Delta table at ``location``."""
        ...

    def how_to_read(self, source: Input) -> Reading:
        """See to it that what is read of an input with a location are the values of its rows.

        Asked once for each input of a job: its log, or its files, may be looked into.
        """
        ...

    def read_parquet(self, files: ParquetFiles, columns: Struct) -> "DataFrame":
        """Parquet files; ``columns`` are of the files and of their folders. Lazy."""
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

    def set_up_for_writing(self, persons: int, /) -> AbstractContextManager[None]:
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
