"""Folders that a job had to make for its target, which go again if the job did not happen."""

import errno
from pathlib import Path


class MadeFolders:
    """The folders from :attr:`topmost` down to the target; none where it has no local path.

    Attributes:
        topmost: The first that was not there; None where all of them were.
    """

    def __init__(self, target: Path | None) -> None:
        self.topmost: str | None = None
        self._target = target

    def make(self, folder: Path) -> None:
        """Make a folder of the target's, with those above it; all of them or none.

        Raises:
            OSError: one of them cannot be made.
        """
        self.topmost = self.topmost or _topmost_missing(self._target)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            self.remove()
            raise

    def remove(self) -> None:
        """Remove those that were made, from the target upward, as far as they are empty."""
        folder, topmost = self._target, self.topmost
        while topmost is not None and folder is not None and len(str(folder)) >= len(topmost):
            try:
                folder.rmdir()
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENAMETOOLONG):
                    return
            folder = folder.parent


def _topmost_missing(folder: Path | None) -> str | None:
    missing = None
    while folder is not None and not folder.exists():
        missing, folder = str(folder), folder.parent
    return missing
