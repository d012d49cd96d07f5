"""Where the files of a batch lie: ``_ACP_BATCHID={batch id}/`` below the dataset."""

from collections.abc import Sequence

from profile_export.outputs import BATCH_COLUMN
from profile_export.storage import Folder, Stored


def batch_folder(batch_id: str) -> str:
    return f"{BATCH_COLUMN}={batch_id}"


def batch_of(path: str) -> str:
    """The batch id of a data file's path."""
    return path.split("/")[0].partition("=")[2]


def batch_files(folder: Folder, batch_ids: Sequence[str]) -> list[Stored]:
    """All files below the batches' folders, committed or not."""
    return [file for id_ in batch_ids for file in folder.files(batch_folder(id_))]
