"""HTTP/1.1 for clients that take their time, or send what is no HTTP.

Slow ones are cut, so that they hold nothing up; the others are told in the form of all errors.
"""

import asyncio
import json
from asyncio import TimerHandle
from secrets import token_hex

import h11
from fastapi import Request
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from profile_export.children.process import Busy
from profile_export.errors import PROBLEM, Problem, Refused, problem_json
from profile_export.service.answers import problem
from profile_export.service.middleware import EveryCall

HEAD_SECONDS = 20.0
"""From the connection, or the first byte of a further request, to the end of its headers."""
BODY_SECONDS = 90.0
"""From there to its last byte. The app answers a slow body earlier (``ServiceConfig``)."""
STALL_SECONDS = 60.0
"""How long a client may read nothing of an answer that waits for it."""


async def _crowded(scope: Scope, receive: Receive, send: Send) -> None:
    told = Busy("Too many connections are open. Try again in a while.")
    await problem(Request(scope), told, Connection="close")(scope, receive, send)


_CROWDED = EveryCall(_crowded)
"""Answers in place of the app where too many clients are connected; uvicorn's is plain text."""


class PatientProtocol(H11Protocol):
    """Uvicorn's protocol, which waits for ever for the rest of a request, with an end to that."""

    head_seconds = HEAD_SECONDS
    body_seconds = BODY_SECONDS
    stall_seconds = STALL_SECONDS
    _request_timer: TimerHandle | None = None
    _stall_timer: TimerHandle | None = None

    _waits_for: object = None
    _most: int | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._wait(self.conn.their_state)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        _cancel(self._stall_timer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        is_crowded = self._most is not None and len(self.connections) >= self._most
        self.app = _CROWDED if is_crowded else self.config.loaded_app
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self._watch_reading()  # it is only closed once all has been read

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_reading()

    def _watch_reading(self) -> None:
        """Cut, unless by then some of what waits has been read."""
        _cancel(self._stall_timer)
        waiting = self.transport.get_write_buffer_size()

        def look() -> None:
            if self.transport.get_write_buffer_size() < waiting:
                self._watch_reading()
            else:
                self._cut()

        self._stall_timer = self.loop.call_later(self.stall_seconds, look)

    def resume_writing(self) -> None:
        if not self.transport.is_closing():
            _cancel(self._stall_timer)
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """As uvicorn's, which is plain text."""
        request_id, refused = token_hex(16), Refused([Problem("no-http", msg)])
        body = json.dumps(problem_json(refused, request_id=request_id)).encode()
        headers = {"content-type": PROBLEM, "content-length": str(len(body))}
        headers |= {"x-request-id": request_id, "connection": "close"}
        told = h11.Response(status_code=400, headers=list(headers.items()), reason=b"Bad Request")
        for event in (told, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _look(self) -> None:
        """Have one timer for what the client owes us now: headers that it began, or a body."""
        owes, state = None, self.conn.their_state
        if state is h11.SEND_BODY or (state is h11.IDLE and self.conn.trailing_data[0]):
            owes = state
        if owes is not self._waits_for:
            self._wait(owes)

    def _wait(self, owes: object) -> None:
        self._waits_for = owes
        _cancel(self._request_timer)
        self._request_timer = None
        if owes is not None:
            seconds = self.body_seconds if owes is h11.SEND_BODY else self.head_seconds
            self._request_timer = self.loop.call_later(seconds, self._cut)

    def _cut(self) -> None:
        self.transport.abort()


def _cancel(timer: TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
