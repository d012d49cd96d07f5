"""What spark-submit runs: the command line of profile-export, on the session that it gave us."""

import os
import sys

from profile_export.cli import main


def _own_stderr() -> None:
    """Take the terminal's stderr back: spark-submit has joined ours to stdout."""
    try:
        handle = os.open(os.environ["PROFILE_EXPORT_STDERR"], os.O_WRONLY | os.O_APPEND)
    except (KeyError, OSError):
        return
    sys.stderr = os.fdopen(handle, "w", buffering=1, encoding="utf-8", errors="backslashreplace")


if __name__ == "__main__":
    _own_stderr()
    sys.exit(main([*sys.argv[1:], "--engine", "spark"]))
