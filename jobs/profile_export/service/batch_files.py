"""The files of a batch, as its job's manifest lists them: nothing else is ever opened, and no link
below the dataset is followed.

A ``dataSetFileId`` is ``{batch id}-{n}``: the n-th Parquet file of the batch in its manifest, which
never changes (docs/decisions/0010).
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool

from profile_export.engines.batch_folders import batch_folder
from profile_export.errors import Conflict, ExportError, NotFound
from profile_export.manifest import MANIFEST, ROOT, papers_folder
from profile_export.papers import Manifest, ManifestFile, Papers
from profile_export.service.engines import Engines
from profile_export.service.store import Store, batch_files
from profile_export.service.store.batch_files import BatchAndTarget
from profile_export.storage import Folder

_BATCH = re.compile(r"[0-9a-f]{32}")
_FILE = re.compile(r"([0-9a-f]{32})-(\d{1,9})")
_CHUNK = 1 << 20
_KNOWN_MANIFESTS = 32


class StorageAway(ExportError):
    """A file is there, as far as anybody knows, and cannot be read now."""

    code, title, status = "storage-away", "Storage not reachable", 503


@dataclass(frozen=True)
class BatchFile:
    """One Parquet file of a batch.

    Attributes:
        id: Its ``dataSetFileId``.
        name: In its folder, without any path.
        batch: Whose.
        described: By the manifest.
    """

    id: str
    name: str
    batch: BatchAndTarget
    described: ManifestFile


class Files:
    """The files that a sandbox's callers may read."""

    def __init__(self, store: Store, engines: Engines, sandbox_id: int) -> None:
        self._store, self._engines, self._sandbox_id = store, engines, sandbox_id

    def of_batch(self, batch_id: str) -> list[BatchFile]:
        """The files of a batch; none of one that is not successful, or empty.

        Raises:
            NotFound: the sandbox has no such batch, or its manifest is gone.
        """
        batch = self._batch(batch_id)
        if batch.status != "success":
            return []
        found = next((b for b in self._manifest(batch).batches if b.batch_id == batch.id), None)
        folder = batch_folder(batch.id)
        return [
            BatchFile(f"{batch.id}-{n}", file.path.rpartition("/")[2], batch, file)
            for n, file in enumerate(found.files if found else ())
            if file.is_right_in(folder)
        ]

    def one(self, file_id: str) -> BatchFile:
        """A file by its ``dataSetFileId``.

        Raises:
            NotFound: there is none.
        """
        named = _FILE.fullmatch(file_id)
        try:
            for file in self.of_batch(named[1]) if named is not None else ():
                if file.id == file_id:
                    return file
        except NotFound as error:
            if error.code != NotFound.code:
                raise
        raise NotFound("There is no such file in this sandbox.")

    def manifest_text(self, batch_id: str) -> bytes:
        """The manifest of a successful batch's job, as it lies.

        Raises:
            NotFound: there is none.
        """
        batch = self._batch(batch_id)
        if batch.status != "success":
            raise NotFound(f"Batch {batch.id} is {batch.status}: it has no manifest.")
        try:
            folder = Folder(self._location(batch))
            with folder.open_own(f"{ROOT}/{batch.job_id}/{MANIFEST}") as opened:
                return opened.read()
        except (FileNotFoundError, NotADirectoryError):
            raise _gone() from None
        except OSError as error:
            raise StorageAway("The manifest cannot be read now. Try again.") from error

    def open(self, file: BatchFile) -> BinaryIO:
        """A file's bytes.

        Raises:
            NotFound: ``file-gone``: somebody has deleted it since.
            Conflict: ``file-changed``: it is not what was written.
        """
        folder = Folder(self._location(file.batch))
        try:
            opened = folder.open_own(file.described.path)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(
                f"{file.name} is listed, but is not there any more.", code="file-gone"
            ) from None
        except OSError as error:
            raise StorageAway(f"{file.name} cannot be opened now. Try again.") from error
        if opened.seek(0, 2) != file.described.bytes:
            opened.close()
            raise Conflict(f"{file.name} is not the file that was written.", code="file-changed")
        return opened

    def _batch(self, batch_id: str) -> BatchAndTarget:
        if _BATCH.fullmatch(batch_id) is None:
            raise NotFound("There is no such batch in this sandbox.")
        with self._store.read() as connection:
            return batch_files.find(connection, self._sandbox_id, batch_id)

    def _location(self, batch: BatchAndTarget) -> str:
        return self._engines.locate(batch.target)

    def _papers(self, batch: BatchAndTarget) -> Folder:
        return papers_folder(self._location(batch), batch.job_id)

    def _manifest(self, batch: BatchAndTarget) -> Manifest:
        try:
            return _read_manifest(self._papers(batch).location)
        except ExportError:  # its words show where it was looked for
            raise _gone() from None


@lru_cache(maxsize=_KNOWN_MANIFESTS)
def _read_manifest(place: str) -> Manifest:
    """A manifest never changes once its batches are successful."""
    return Papers(place, usual=MANIFEST).manifest()


def _gone() -> NotFound:
    return NotFound("The manifest of this batch cannot be read any more.", code="manifest-missing")


async def chunks(opened: BinaryIO, start: int, length: int) -> AsyncIterator[bytes]:
    """A part of a file, piece by piece; closes it at the end, or when nobody reads on."""
    try:
        await run_in_threadpool(opened.seek, start)
        while length > 0:
            chunk = await run_in_threadpool(opened.read, min(_CHUNK, length))
            if not chunk:
                raise EOFError("the file ended early")
            length -= len(chunk)
            yield chunk
    finally:
        opened.close()
