"""What a client still sends while its answer is ready."""

import asyncio
import time
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

_MOST_BYTES = 16 << 20


class RestOfBody:
    """The body of one call, read on before an answer that ends the connection.

    Many clients listen only when they have sent all. Where the connection is closed on one that is
    still sending, it finds that broken, and never hears why it was refused. On a connection that
    stays the server itself passes over what is left.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        self._scope, self._receive, self._began = scope, receive, time.monotonic()
        stated = headers.get("content-length", "")
        length = int(stated[:15]) if stated.isdecimal() else 0
        closes = "close" in headers.get("connection", "").lower()
        ends = closes or scope.get("http_version") == "1.0"
        # One that asks before it sends hears the answer in place of a yes.
        sends = (length > 0 or "transfer-encoding" in headers) and "expect" not in headers
        self._is_due = ends and sends and length <= _MOST_BYTES

    async def receive(self) -> Message:
        """As the server's: what the app reads is no rest."""
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._is_due = False
        return message

    def leave(self) -> None:
        """Read nothing on: who answers has no time for it."""
        self._is_due = False

    async def read_on(self) -> None:
        """Read what is left: at most 16 MiB, and within the time that a body has."""
        if not self._is_due:
            return
        end = self._began + self._scope["app"].state.config.body_seconds
        size = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(end - time.monotonic()):
                while self._is_due and size < _MOST_BYTES:
                    size += len((await self.receive()).get("body", b""))
        self._is_due = False
