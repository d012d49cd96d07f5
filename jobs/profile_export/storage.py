"""Files and folders at a path or URI (``s3://``, ``hdfs://``), beneath ``engines`` and ``commit``.

A :class:`Folder` is a place and what can be done below it; paths are relative, with forward
slashes. On a local file system writes are atomic and durable: temporary file, fsync, rename.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

import pyarrow.parquet as pq
from pyarrow import fs

from profile_export import local_files, without_links

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Stored:
    """A file as it lies: path relative to the folder, and size in bytes."""

    path: str
    bytes: int


def reason(error: OSError) -> str | None:
    """What the system says of a file or folder that it does not give; None where it gives it, and
    what is in it is damaged. Without the path, which Arrow's own words have."""
    return os.strerror(error.errno) if error.errno else None


def filesystem_of(location: str) -> tuple[fs.FileSystem, str]:
    """The file system of a path or URI, and the path in it."""
    if "://" not in location:
        return fs.LocalFileSystem(), location
    filesystem, path = fs.FileSystem.from_uri(re.sub("^s3[an]://", "s3://", location))
    return filesystem, str(path)


class Folder:
    """A folder on any file system that pyarrow knows. It need not exist.

    Attributes:
        location: As it was given, an absolute path or a URI.
        local: The folder as a local path, or None where it is not on this machine's file system.
    """

    def __init__(self, location: str) -> None:
        self.location = location.rstrip("/") or "/"
        url = urlsplit(location)
        if url.scheme in ("", "file"):
            self.local: Path | None = Path(unquote(url.path) if url.scheme else self.location)
            self._fs: fs.FileSystem = fs.LocalFileSystem()
            self._base = str(self.local)
        else:
            self.local = None
            self._fs, self._base = filesystem_of(self.location)

    def at(self, path: str) -> "Folder":
        """A folder below this one."""
        return Folder(f"{self.location}/{path}")

    def exists(self, path: str = "") -> bool:
        info = self._fs.get_file_info(self._full(path))
        return bool(info.type != fs.FileType.NotFound)

    def read(self, path: str) -> bytes:
        """The whole file.

        Raises:
            FileNotFoundError: it is not there.
        """
        with self._fs.open_input_stream(self._full(path), compression=None) as stream:
            return bytes(stream.read())

    def open(self, path: str) -> BinaryIO:
        """The file, to be read from any place in it; whoever opens it closes it.

        Raises:
            FileNotFoundError: it is not there.
        """
        return cast(BinaryIO, self._fs.open_input_file(self._full(path)))

    def open_own(self, path: str) -> BinaryIO:
        """As :meth:`open`, of a file that lies here itself: what is behind a link is not there.

        For files that are given to others, who could have put the link there.
        """
        return self.open(path) if self.local is None else without_links.opened(self.local, path)

    def write(self, path: str, data: bytes) -> None:
        """Write the file whole or not at all, replacing it; makes the folders above it."""
        if self.local is not None:
            local_files.write_whole(self.local / path, data)
            return
        with self._fs.open_output_stream(self._full(path), compression=None) as stream:
            stream.write(data)

    def files(self, below: str = "", *, recursive: bool = True) -> Iterator[Stored]:
        """Every file below, in order of path; nothing where there is no folder.

        Args:
            below: The folder, within this one.
            recursive: Also those of the folders in it, at any depth.
        """
        chosen = fs.FileSelector(self._full(below), allow_not_found=True, recursive=recursive)
        found = (i for i in self._fs.get_file_info(chosen) if i.type == fs.FileType.File)
        start = len(self._base.rstrip("/")) + 1
        try:
            files = [Stored(i.path[start:], i.size) for i in found]
        except UnicodeDecodeError:  # Arrow tells no name that is not in UTF-8
            walked = local_files.walk(self._base, below, recursive=recursive)
            files = [Stored(path, size) for path, size in walked]
        yield from sorted(files, key=lambda file: file.path)

    def closed(self, below: str = "") -> str | None:
        """Why the files below may not be listed; None where they may, or there is no folder."""
        try:
            next(self.files(below), None)
        except OSError as error:
            return reason(error) or "it cannot be listed"
        return None

    def has_folder(self, path: str = "") -> bool:
        return bool(self._fs.get_file_info(self._full(path)).type == fs.FileType.Directory)

    def delete(self, path: str) -> None:
        """Delete one file; no error where it is gone already. What is behind a link stays."""
        try:
            if self.local is not None:
                without_links.delete(self.local, path)
            else:
                self._fs.delete_file(self._full(path))
        except FileNotFoundError:
            return

    def delete_tree(self, path: str) -> None:
        """Delete a folder with all below it; no error where it is gone already."""
        if self.local is not None:
            shutil.rmtree(self.local / path, ignore_errors=True)
        elif self.has_folder(path):
            self._fs.delete_dir(self._full(path))

    def delete_if_empty(self, path: str = "") -> bool:
        """Remove a folder, and folders in it, that hold no file; says whether it is gone.

        Object stores have no folders of their own: there only a marker can be left, and goes.
        """
        if self.local is None:
            if self.has_folder(path) and not any(self.files(path)):
                self._fs.delete_dir(self._full(path))
            return not self.exists(path)
        return local_files.prune(self.local / path)

    def sha256(self, path: str) -> str:
        """Hex digest of the file's bytes; one streaming read, 1 MiB in memory."""
        digest = hashlib.sha256()
        with self._fs.open_input_stream(self._full(path), compression=None) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    def parquet_rows(self, path: str) -> int:
        """The row count of a Parquet file, from its footer."""
        return int(self.parquet_footer(path).num_rows)

    def parquet_footer(self, path: str) -> pq.FileMetaData:
        """The footer of a Parquet file."""
        with self.open(path) as file:
            return pq.read_metadata(file)

    def decode_parquet(self, path: str) -> int:
        """Read a Parquet file through, batch by batch, to see that it can be; gives its size.

        Raises:
            OSError, ValueError: it is damaged, or has texts that are no UTF-8 (Arrow's errors).
        """
        with self._fs.open_input_file(self._full(path)) as file:
            for rows in pq.ParquetFile(file).iter_batches():
                rows.validate(full=True)
            return int(file.size())

    def _full(self, path: str) -> str:
        return f"{self._base}/{path}".rstrip("/") if path else self._base
