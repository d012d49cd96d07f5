"""How a job is asked to stop, from a signal or another thread; ``job.py`` does the stopping."""

import signal
from threading import Event


class Stop:
    """Asked once, by whomever; a job that has committed is closed to it."""

    def __init__(self) -> None:
        self._asked = Event()
        self._closed = Event()
        self._left = Event()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    @property
    def closed(self) -> bool:
        """True once the job has committed: it can only be completed from then on."""
        return self._closed.is_set()

    def ask(self) -> None:
        """Stop the job within seconds. A commit that was already made wins."""
        self._asked.set()

    @property
    def left(self) -> bool:
        """True if the job was asked to stop because somebody else has it now."""
        return self._left.is_set()

    def leave(self) -> None:
        """Stop the job, which somebody else has taken over."""
        self._left.set()
        self._asked.set()

    def close(self) -> None:
        self._closed.set()


def ending_signals() -> list[signal.Signals]:
    """What ends the work at hand: Ctrl-C, SIGTERM, a terminal that is closed. A signal that is
    ignored (``nohup``) stays so."""
    known = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return [number for number in known if signal.getsignal(number) != signal.SIG_IGN]
