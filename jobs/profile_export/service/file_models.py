"""Answers about the files of a batch."""

from typing import Annotated, Any

from pydantic import Field

from profile_export.service.models import Out


class HrefOut(Out):
    """A link that resolves on this host."""

    href: str


class LinksOut(Out):
    """Links of an item."""

    self: HrefOut


class NextOut(Out):
    """Where a list goes on; not there at its end."""

    next: HrefOut


class BatchFileOut(Out):
    """One Parquet file of a batch; numbers and times are texts."""

    data_set_file_id: str
    data_set_view_id: str
    version: str
    created: str
    updated: str
    records: str
    size: str
    is_valid: bool
    links: Annotated[LinksOut, Field(alias="_links")]


class PagedOut(Out):
    """The size of a page, and how many are on it."""

    limit: int
    count: int


class BatchFilesOut(Out):
    """The files of a batch."""

    data: list[BatchFileOut]
    page: Annotated[PagedOut, Field(alias="_page")]
    links: Annotated[NextOut | None, Field(alias="_links")] = None


class FileOut(Out):
    """A file and where its bytes are."""

    name: str
    length: str
    links: Annotated[LinksOut, Field(alias="_links")]


class FilesOut(Out):
    """What a `dataSetFileId` consists of."""

    data: list[FileOut]
    page: Annotated[PagedOut, Field(alias="_page")]


class ManifestOut(Out):
    """What a job wrote: batches with their files, sizes, SHA-256 and row-set hashes."""

    manifest_version: int
    job_id: int
    dataset_id: str
    delta_version: int
    batches: list[dict[str, Any]]
