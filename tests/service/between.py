"""A proxy before a running service, with a path of its own; it can break what goes through it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import urlsplit

HOP = {"connection", "transfer-encoding", "content-length", "host", "keep-alive"}


class Between:
    """A running proxy.

    Attributes:
        url: Of the service through it.
        faults: How answers to paths that end so are broken: ``cut`` in the midst of the body,
            ``silent``: a stream of which nothing comes, or ``html``: a page of the proxy's own.
    """

    def __init__(self, to: str, prefix: str) -> None:
        self.to, self.prefix = urlsplit(to), prefix
        self.faults: dict[str, str] = {}
        self.over = Event()
        between = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline()
                if self.raw_requestline and self.parse_request():
                    with suppress(ConnectionError):  # the browser has gone
                        between._pass_on(self)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}{prefix}"

    def _pass_on(self, asked: BaseHTTPRequestHandler) -> None:
        fault = self._fault(asked.path)
        if not asked.path.startswith(f"{self.prefix}/"):
            return self._answer(asked, 404, [], b"")
        if fault == "html":
            return self._answer(asked, 200, [("Content-Type", "text/html")], b"<p>Hello")
        if fault == "silent":
            self._answer(asked, 200, [("Content-Type", "text/event-stream")], b": here\n\n")
            self.over.wait(60)
            return None
        connection = HTTPConnection(self.to.hostname or "", self.to.port, timeout=60)
        length = int(asked.headers.get("Content-Length", 0))
        headers = {k: v for k, v in asked.headers.items() if k.lower() not in HOP}
        path = asked.path.removeprefix(self.prefix)
        connection.request(asked.command, path, asked.rfile.read(length) or None, headers)
        answer = connection.getresponse()
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in HOP]
        body = answer.read()
        kept.append(("Content-Length", str(len(body))))
        self._answer(asked, answer.status, kept, body[: len(body) // 2] if fault == "cut" else body)
        connection.close()
        return None

    def _fault(self, path: str) -> str | None:
        path = path.partition("?")[0]
        return next((how for end, how in self.faults.items() if path.endswith(end)), None)

    @staticmethod
    def _answer(
        asked: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes
    ) -> None:
        asked.send_response_only(status)
        for name, value in [*headers, ("Connection", "close")]:
            asked.send_header(name, value)
        asked.end_headers()
        asked.wfile.write(body)
        asked.wfile.flush()


@contextmanager
def between(to: str, prefix: str = "") -> Iterator[Between]:
    """Answer at another port for the service at ``to``, below ``prefix``."""
    proxy = Between(to, prefix)
    Thread(target=proxy.server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.over.set()
        proxy.server.shutdown()
        proxy.server.server_close()
