"""What ``storage`` does by Python's own means where a folder is on this machine's file system."""

import os
from collections.abc import Iterator
from pathlib import Path


def write_whole(file: Path, data: bytes) -> None:
    """Write a file whole or not at all, durably; makes the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        with draft.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def walk(base: str, below: str, *, recursive: bool) -> Iterator[tuple[str, int]]:
    """Path from ``base`` and size in bytes of each file; bytes that are no UTF-8 as ``\\xff``.

    Raises:
        OSError: a folder may not be listed.
    """
    root = os.fsencode(base)
    start = os.path.join(root, os.fsencode(below))
    for above, folders, names in os.walk(start, onerror=_raised, followlinks=True):
        if not recursive:
            folders.clear()
        for path in (os.path.join(above, name) for name in names):
            if os.path.isfile(path):
                name = os.path.relpath(path, root).decode(errors="backslashreplace")
                yield name, os.path.getsize(path)


def prune(folder: Path) -> bool:
    """Remove a folder, and folders in it, that hold no file; says whether it is gone."""
    try:
        for inner in folder.iterdir():
            if inner.is_dir() and not inner.is_symlink():
                prune(inner)
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _raised(error: OSError) -> None:
    raise error
