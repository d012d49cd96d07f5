"""The demo's folder: whose it is. Nothing heavy is imported, as the engine starts after this."""

import os
from pathlib import Path

from profile_export.errors import Conflict
from profile_export.path_patterns import pattern_in

MARKER = ".profile-export-demo"


def claim(to: Path) -> None:
    """Mark ``to`` as a demo folder before anything else, so that a build cut short can go on.

    Raises:
        Conflict: ``to`` is a file, cannot be written, has a name that engines take for another, or
            holds something and is no demo folder; nothing is written.
    """
    if detail := pattern_in(os.path.abspath(to)):
        raise Conflict(f"The demo cannot be built in {to}. {detail}", code="path-pattern")
    try:
        _mark(to)
    except OSError as error:
        raise _unfit(f"{to} cannot be written: {error.strerror}; name another folder.") from error


def _mark(to: Path) -> None:
    if to.exists() and not to.is_dir():
        raise _unfit(f"{to} is a file; name a folder for the demo.")
    marker = to / MARKER
    if to.exists() and not marker.is_file() and any(to.iterdir()):
        raise _unfit(
            f"{to} is not empty and was not made by the demo, so it is left alone; "
            "name a new or empty folder."
        )
    to.mkdir(parents=True, exist_ok=True)
    marker.write_text("Made by profile-export demo; building it again replaces the input tables.\n")


def _unfit(why: str) -> Conflict:
    return Conflict(why, code="not-a-demo-folder")
