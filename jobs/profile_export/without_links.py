"""Files below a local folder that lie there themselves: no link on the way to them is followed.

Whoever may write below a dataset could else have the service read, or delete, what only the service
may: with ``_ACP_BATCHID=.../x`` a link to another place. A path is gone along folder by folder,
each opened in the one above it, so that nothing can be put in between.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_NO_LINK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a named pipe would keep us waiting
_IS_LINK = (errno.ELOOP, errno.ENOTDIR)


def opened(base: Path, path: str) -> BinaryIO:
    """A file, to be read from any place in it.

    Raises:
        FileNotFoundError: it is not there, or is no file, or lies behind a link.
        OSError: it may not be read.
    """
    with _place(base, path) as (folder, name, is_link):
        try:
            handle = -1 if is_link else os.open(name, _NO_LINK, dir_fd=folder)
        except OSError as error:
            if error.errno not in _IS_LINK:
                raise
            handle = -1
    if handle >= 0 and stat.S_ISREG(os.fstat(handle).st_mode):
        return os.fdopen(handle, "rb")
    if handle >= 0:
        os.close(handle)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def delete(base: Path, path: str) -> None:
    """Delete a file; where it lies behind a link, the link goes, and the file stays.

    Raises:
        FileNotFoundError: it is not there.
    """
    with _place(base, path) as (folder, name, _):
        os.unlink(name, dir_fd=folder)


@contextmanager
def _place(base: Path, path: str) -> Iterator[tuple[int, str, bool]]:
    """The folder in which a path ends, or its first link does; the name there; and which it is."""
    *above, name = path.split("/")
    folder, is_link = os.open(base, os.O_RDONLY | os.O_DIRECTORY), False
    try:
        for part in above:
            try:
                below = os.open(part, _NO_LINK | os.O_DIRECTORY, dir_fd=folder)
            except OSError as error:
                if error.errno not in _IS_LINK:
                    raise
                name, is_link = part, True
                break
            os.close(folder)
            folder = below
        yield folder, name, is_link
    finally:
        os.close(folder)
