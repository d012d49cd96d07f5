"""Work of an engine that a signal can break off, whatever the engine is at."""

from collections.abc import Callable
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from profile_export.engines import Engine

Outcome = TypeVar("Outcome")
_PATIENCE = 3.0


def apart(work: Callable[[], Outcome], engine: "Engine") -> Outcome:
    """Run ``work`` in another thread; what it gives, or raises.

    The main thread only waits: in a call of the embedded engine it would not hear of signals.

    Raises:
        KeyboardInterrupt: a signal came. The engine was told to stop, and had some time for it.
    """
    given: list[Outcome] = []
    raised: list[BaseException] = []
    over = Event()

    def body() -> None:
        try:
            given.append(work())
        except BaseException as error:
            raised.append(error)
        finally:
            over.set()

    Thread(target=body, name="profile-export-work", daemon=True).start()
    try:
        while not over.wait(0.1):  # a join would take the thread for ended once it is interrupted
            pass
    except KeyboardInterrupt:
        # An engine that is too busy does not answer to this either.
        Thread(target=engine.interrupt, daemon=True).start()
        over.wait(_PATIENCE)
        raise
    if raised:
        raise raised[0]
    return given[0]
