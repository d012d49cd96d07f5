"""Conditional requests and ranges of bytes (RFC 9110), for content that never changes."""

import re
from collections.abc import Mapping

from starlette.datastructures import Headers

_RANGE = re.compile(r"bytes=[ \t]*(\d{0,999})-(\d{0,999})[ \t]*", re.ASCII | re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?"[^"]*"')


class Unsatisfiable(Exception):
    """A range of which there is nothing."""


def is_known(headers: Headers, tag: str) -> bool:
    """Whether the client has it already (``If-None-Match``)."""
    sent = _sent(headers, "if-none-match")
    return sent == "*" or tag in [found.removeprefix("W/") for found in _TAG.findall(sent)]


def is_wanted(headers: Headers, tag: str) -> bool:
    """Whether it is what the client asks for (``If-Match``), if it says so."""
    sent = _sent(headers, "if-match")
    return "if-match" not in headers or sent == "*" or tag in _TAG.findall(sent)


def _sent(headers: Headers, name: str) -> str:
    """A header that is a list: its lines are one list."""
    return ", ".join(headers.getlist(name)).strip()


def asked_range(headers: Mapping[str, str], tag: str, size: int) -> tuple[int, int] | None:
    """First byte and number of bytes that are asked for; None for all of them.

    All are given too where there are several ranges, where the range cannot be read, and where
    ``If-Range`` names another content: a client must be ready for that.

    Raises:
        Unsatisfiable: it begins behind the end, or asks for the last zero bytes.
    """
    found = _RANGE.fullmatch(headers.get("range", ""))
    if found is None or headers.get("if-range", tag).strip() != tag:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        length = min(int(last), size)
        if length == 0:
            raise Unsatisfiable
        return size - length, length
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    end = min(int(last), size - 1) if last else size - 1
    return start, end - start + 1
