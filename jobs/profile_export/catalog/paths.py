"""Where the tables of a sandbox file lie."""

import os
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from profile_export.catalog.file import TablePart
from profile_export.catalog.rules import Parts
from profile_export.errors import Problem
from profile_export.path_patterns import URI, pattern_in
from profile_export.plan import TableRef
from profile_export.shape import pointer


def table_ref(part: TablePart, folder: str) -> TableRef:
    """Where a table lies: a path is relative to ``folder``; URIs and absolute paths stay."""
    written = part.path
    if written is None:
        return TableRef(format=part.format, name=part.name)
    return TableRef(format=part.format, location=_location(written, folder), written=written)


def _location(written: str, folder: str) -> str:
    if written.startswith("file:"):
        url = urlsplit(written, allow_fragments=False)  # a ? or # belongs to a file's name
        path = f"{url.path}?{url.query}" if url.query else url.path
        return os.path.normpath(os.path.join(folder, unquote(path)))
    if URI.match(written):
        return written.rstrip("/")
    return os.path.normpath(os.path.join(folder, written))


def patterns(parts: Parts, folder: str) -> Iterator[Problem]:
    """Paths that :func:`pattern_in` objects to."""
    for index, part in parts.datasets.items():
        if part.table is None or part.table.path is None:
            continue
        if detail := pattern_in(_location(part.table.path, folder)):
            yield Problem("path-pattern", detail, pointer("datasets", index, "table", "path"))


def shared(parts: Parts, folder: str) -> Iterator[Problem]:
    """Export datasets that lie where a dataset lies that is read: no export could go there."""
    places = {
        index: (_location(part.table.path, folder), part.class_)
        for index, part in parts.datasets.items()
        if part.table is not None and part.table.path is not None
    }
    read = {place: index for index, (place, kind) in places.items() if kind != "export"}
    for index, (place, kind) in places.items():
        if kind == "export" and place in read:
            other = pointer("datasets", read[place], "table", "path")
            detail = f"The path is that of {other} too, which is read; an export needs its own."
            yield Problem("path-in-use", detail, pointer("datasets", index, "table", "path"))
