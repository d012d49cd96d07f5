"""A folder for the time of a piece of work."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir

__all__ = ["scratch_folder"]


@contextmanager
def scratch_folder(parent: str | None = None) -> Iterator[str]:
    """A new folder that only its owner may enter; gone afterwards, whenever a signal comes.

    ``tempfile.TemporaryDirectory`` names the folder only once it has made it, and an interrupt
    that arrives in between leaves it behind.

    Args:
        parent: Where to make it; the system's folder for temporary files if not given.

    Raises:
        OSError: it cannot be made.
    """
    folder = Path(parent or gettempdir(), f"profile-export-{secrets.token_hex(8)}")
    try:
        folder.mkdir(mode=0o700)
        yield str(folder)
    finally:
        try:
            rmtree(folder, ignore_errors=True)
        except KeyboardInterrupt:
            rmtree(folder, ignore_errors=True)
            raise
