"""The demo's folder: whose it is. Nothing heavy is imported, as the engine starts after this."""

from pathlib import Path

from profile_export.errors import Conflict

MARKER = ".profile-export-demo"


def claim(to: Path) -> None:
    """Mark ``to`` as a demo folder before anything else, so that a build cut short can go on.

    Raises:
        Conflict: ``to`` is a file, or holds something and is no demo folder; nothing is written.
    """
    if to.exists() and not to.is_dir():
        raise Conflict(f"{to} is a file; name a folder for the demo.", code="not-a-demo-folder")
    marker = to / MARKER
    if to.exists() and not marker.is_file() and any(to.iterdir()):
        raise Conflict(
            f"{to} is not empty and was not made by the demo, so it is left alone; "
            "name a new or empty folder.",
            code="not-a-demo-folder",
        )
    to.mkdir(parents=True, exist_ok=True)
    marker.write_text("Made by profile-export demo; building it again replaces the input tables.\n")
