"""Whose turn it is where one thing serves many: each owner's calls in order, and owners in turn."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition

from profile_export.errors import ExportError

MOST_WAITING = 14
"""Each waits in a thread of the service, which must keep some for everything else."""
MOST_OF_ONE = 7
"""Of one owner, so that nobody takes all places."""
PATIENCE = 60.0
"""Seconds that a caller waits for its turn."""


class Busy(ExportError):
    """Too much is asked at once; the same call succeeds later."""

    code, title, status = "busy", "Service busy", 503


@dataclass(frozen=True, eq=False)
class _Waiting:
    owner: str


class Turns:
    """Turns, one at a time. Next is who waits longest of the owner who had none for longest: an
    owner's calls, however many, keep another waiting for one of them at most."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: list[_Waiting] = []
        self._taken = False
        self._given = 0
        self._last: dict[str, int] = {}
        """Owner -> the number of the last turn that it had."""

    @contextmanager
    def turn(self, owner: str) -> Iterator[None]:
        """Wait for a turn, and have it.

        Raises:
            Busy: too many wait already, or it did not come in time.
        """
        with self._changed:
            self._wait(owner)
            self._given += 1
            self._taken, self._last[owner] = True, self._given
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()

    def until_free(self, seconds: float) -> None:
        """Wait until nobody has a turn, but no longer than that."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken, seconds)

    def _wait(self, owner: str) -> None:
        of_owner = sum(one.owner == owner for one in self._waiting)
        if len(self._waiting) >= MOST_WAITING or of_owner >= MOST_OF_ONE:
            raise Busy("Too many calls wait for the engine already. Try again in a few seconds.")
        mine = _Waiting(owner)
        self._waiting.append(mine)
        try:
            if not self._changed.wait_for(lambda: self._is_next(mine), PATIENCE):
                raise Busy("The engine is busy with other calls. Try again in a few seconds.")
        finally:
            self._waiting.remove(mine)
            self._changed.notify_all()

    def _is_next(self, mine: _Waiting) -> bool:
        first = min(self._waiting, key=lambda one: self._last.get(one.owner, 0))
        return not self._taken and first is mine
