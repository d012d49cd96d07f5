"""The files of a Delta table's log, as they lie on this machine."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from profile_export.storage import Folder

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.(?:\d{10}\.(\d{10})\.)?")
"""Its version; and of one in several files their number."""


def empty_commit(location: str, version: int) -> str | None:
    """A commit of a Delta table up to ``version`` whose file is empty, as a crash leaves it.

    delta-rs takes it for one that changes nothing: what it added would be left out in silence.
    Those before its last whole checkpoint do not matter. One listing, on this machine only: object
    stores put a file whole or not at all.
    """
    if "://" in location:
        return None
    found = {file.path: file.bytes for file in Folder(location).at("_delta_log").files()}
    last = max((number for number in _checkpoints(found) if number <= version), default=-1)
    for name, size in found.items():
        commit = _COMMIT.fullmatch(name)
        if commit and size == 0 and last < int(commit[1]) <= version:
            return name
    return None


def _checkpoints(sizes: Mapping[str, int]) -> Iterator[int]:
    """The versions of a log's whole checkpoints. Readers pass over one that is empty, or of which
    parts are missing, as a crash leaves it, and read the commits."""
    matches = [match for name, size in sizes.items() if size and (match := _CHECKPOINT.match(name))]
    found = Counter((int(match[1]), int(match[2] or 1)) for match in matches)
    yield from (version for (version, parts), there in found.items() if there >= parts)
