"""Where the tables of a sandbox file lie, and paths that engines would take for others."""

import os
import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from profile_export.errors import Problem
from profile_export.plan import TableRef
from profile_export.sandbox_file import TablePart
from profile_export.sandbox_rules import Parts
from profile_export.shape import pointer, quote

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PATTERN = re.compile(r"[^/]*?([][{}*?])[^/]*")
"""A whole name, and the first letter in it that makes a pattern."""


def table_ref(part: TablePart, folder: str) -> TableRef:
    """Where a table lies: a path is relative to ``folder``; URIs and absolute paths stay."""
    written = part.path
    if written is None:
        return TableRef(format=part.format, name=part.name)
    return TableRef(format=part.format, location=_location(written, folder), written=written)


def _location(written: str, folder: str) -> str:
    if written.startswith("file:"):
        return os.path.normpath(unquote(urlsplit(written).path))
    if _URI.match(written):
        return written.rstrip("/")
    return os.path.normpath(os.path.join(folder, written))


def patterns(parts: Parts, folder: str) -> Iterator[Problem]:
    """Paths of which engines would make others: Sail takes ``a{1}`` for ``a1``, and writes there.

    Links are followed, since delta-rs does.
    """
    for index, part in parts.datasets.items():
        if part.table is None or part.table.path is None:
            continue
        location = _location(part.table.path, folder)
        real = location if _URI.match(location) else os.path.realpath(location)
        if found := _PATTERN.search(location) or _PATTERN.search(real):
            detail = (
                f"The path has {quote(found[0])}, in which engines take {found[1]} for a pattern:"
                " rows would be read or written elsewhere. Rename that file or folder."
            )
            yield Problem("path-pattern", detail, pointer("datasets", index, "table", "path"))
