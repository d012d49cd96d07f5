"""Engines: each opens a session, reads pinned tables, keeps intermediates, writes once.

The stages never see an engine; ``run.py`` sees a :class:`Workspace`, which is one engine at work on
one job. ``sail.py`` and ``spark.py`` implement :class:`Engine`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from profile_export.engines.engine import Engine
from profile_export.engines.writing import BatchRows, Writing, Written, WrittenFile
from profile_export.errors import JobFailed
from profile_export.plan import Input

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


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
        from profile_export.engines.sail_session import open_sail

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
    "Workspace",
    "Writing",
    "Written",
    "WrittenFile",
    "open_engine",
]
