"""One engine for one command: opened when first needed, or beside other work; then stopped."""

import signal
from contextlib import suppress
from threading import Thread, current_thread, main_thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from profile_export.errors import JobFailed, Problem, Refused

if TYPE_CHECKING:
    from profile_export.engines import Engine
    from profile_export.plan import ExportPlan, TableRef
    from profile_export.tables import TableInfo


AUTO = "auto"


class LazyEngine:
    """The engine of a command. As a context it stops what it opened.

    Args:
        name: As ``--engine`` takes it.
        verbose: Let the engine's own output through.
    """

    def __init__(self, name: str, *, verbose: bool) -> None:
        self.name = name
        self._verbose = verbose
        self._opening: Thread | None = None
        self._outcome: Engine | BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._opening is not None:
            self._opening.join()
        if self._outcome is not None and not isinstance(self._outcome, BaseException):
            with suppress(Exception):  # how the work went is known; an engine that is gone, is gone
                self._outcome.stop()

    def abandon(self) -> None:
        """Leave nothing behind, for a process that ends at once."""
        if self._outcome is not None and not isinstance(self._outcome, BaseException):
            self._outcome.abandon()

    def start(self, *, small: bool) -> None:
        """Begin to open it in a thread, so that its imports and its start cost no waiting.

        Args:
            small: As ``open_engine`` takes it.
        """
        self._opening = Thread(target=self._open, args=(small,), name="profile-export-engine")
        self._opening.start()

    def get(self, plan: "ExportPlan | None" = None) -> "Engine":
        """The open engine.

        Args:
            plan: The one job that it is for, where that is known: the size of its inputs decides
                how an engine that is not open yet is set up.

        Raises:
            JobFailed: it could not be opened.
        """
        if self._opening is not None:
            self._opening.join()
        if self._outcome is None:
            self._settle(plan)
            self._open(_is_small(plan) if plan is not None and self.name == "spark" else False)
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        assert self._outcome is not None
        _take_ctrl_c_back()
        return self._outcome

    def locate(self, table: "TableRef") -> str:
        """As :meth:`~profile_export.engines.Engine.locate` says; opens the engine.

        Raises:
            JobFailed: the engine could not be opened, or knows no tables by name.
        """
        return self.get().locate(table)

    def table_info(self, table: "TableRef") -> "TableInfo":
        """Columns and version of any table; the engine is opened only for one known by name.

        Raises:
            Refused: the table is missing or cannot be read.
            JobFailed: the engine could not be opened.
        """
        from profile_export.tables import inspect_table

        if table.location is not None or self.name == "sail":
            return inspect_table(table)
        if self.name == AUTO:
            self.name = "spark"  # the only one that knows tables by name
        engine = self.get()
        try:
            return engine.table_info(table)
        except JobFailed as error:
            raise Refused([Problem("table-missing", str(error))]) from error

    def _settle(self, plan: "ExportPlan | None") -> None:
        """Choose, where the choice was left to us, and say so."""
        if self.name != AUTO:
            return
        if plan is None:
            self.name = "spark"  # asked where a table lies that is known by name only
            return
        from profile_export.commands import _say
        from profile_export.engines.choice import choose

        chosen = choose(plan)
        self.name = chosen.name
        _say.note(f"Engine: {chosen.name} ({chosen.reason})")

    def _open(self, small: bool) -> None:
        try:
            from profile_export.engines import open_engine

            self._outcome = open_engine(self.name, verbose=self._verbose, small=small)
        except BaseException as error:
            self._outcome = error


def _is_small(plan: "ExportPlan") -> bool:
    from profile_export.engines.input_size import is_small

    return is_small(plan)


def _take_ctrl_c_back() -> None:
    """The embedded server listens for SIGINT too, and would go away in the midst of the work."""
    if current_thread() is main_thread() and (handler := signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, handler)
