"""What spark-submit runs: the command line of profile-export, on the session that it gave us."""

import os


def own_stderr() -> None:
    """Take the terminal's stderr back: spark-submit has joined ours to stdout."""
    try:
        handle = os.open(os.environ["PROFILE_EXPORT_STDERR"], os.O_WRONLY | os.O_APPEND)
    except (KeyError, OSError):
        return
    os.dup2(handle, 2)
    os.close(handle)


if __name__ == "__main__":
    own_stderr()
    from profile_export.entry import entry

    entry()
