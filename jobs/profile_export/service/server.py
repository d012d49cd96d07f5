"""The HTTP server: an address taken before anything else is done, then the app on it until told."""

import contextlib
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI

from profile_export.errors import ExportError
from profile_export.service.patience import PatientProtocol

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


_MOST_CONNECTIONS = 2000
_FILES_OF_OURS = 200
"""Files, pipes and connections to the store, beside those of clients."""


class AddressTaken(ExportError):
    """Nobody can listen there."""

    code, title, exit_code = "address", "Address not available", 1


def bound(host: str, port: int) -> socket.socket:
    """A socket on an address; port 0 is any free one.

    Raises:
        AddressTaken: another program has it, or the machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(256)
    except (OSError, OverflowError) as error:
        made.close()
        why = getattr(error, "strerror", None) or str(error)
        raise AddressTaken(
            f"The service cannot listen on {host} port {port}: {why}. Is another one running?"
            " Choose another with --port (0 is any free one)."
        ) from error
    return made


def url_of(listening: socket.socket) -> str:
    """The address as it can be typed."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class Server(uvicorn.Server):
    """Uvicorn's, which says when it is ready, and ends by a signal without raising it again.

    Args:
        config: Uvicorn's.
        ready: Called when connections are answered.
        ending: Called at the first signal, in a signal handler.
    """

    def __init__(
        self, config: uvicorn.Config, *, ready: Callable[[], None], ending: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready, self._ending = ready, ending
        self.heard: int | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, which would send them again at the end."""
        before = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """The first signal ends the server in good order, the second at once."""
        if self.heard is not None:
            self.force_exit = True
            return
        self.heard, self.should_exit = sig, True
        self._ending()


def serve(
    app: FastAPI,
    listening: socket.socket,
    *,
    ready: Callable[[], None],
    ending: Callable[[], None],
) -> int:
    """Serve an app until a signal; gives its number."""
    most = min(_MOST_CONNECTIONS, _open_files() - _FILES_OF_OURS)
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=5,
        h11_max_incomplete_event_size=64 << 10,
        limit_concurrency=max(most, 16),
        backlog=256,
        lifespan="on",
    )
    server = Server(config, ready=ready, ending=ending)
    server.run(sockets=[listening])
    return server.heard or signal.SIGTERM


def _open_files() -> int:
    """How many files this process may have open, after asking for as many as it can get."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_CONNECTIONS + _FILES_OF_OURS
    more = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and more > soft:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    return wanted if soft == resource.RLIM_INFINITY else soft
