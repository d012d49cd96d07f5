"""What spark-submit runs: the command line of profile-export, on the session that it gave us."""

import os


def own_streams() -> None:
    """Take the streams of ``spark-submit.sh`` back: spark-submit gives us a stdin on which nothing
    comes, has joined our stderr to our stdout, and reads that no more once it was interrupted."""
    take("PROFILE_EXPORT_STDIN", 0, os.O_RDONLY)
    take("PROFILE_EXPORT_STDOUT", 1, os.O_WRONLY)
    take("PROFILE_EXPORT_STDERR", 2, os.O_WRONLY | os.O_APPEND)


def take(variable: str, descriptor: int, how: int) -> None:
    """Make a descriptor what ``spark-submit.sh`` had for it, where that can be opened again."""
    try:
        handle = os.open(os.environ[variable], how)
    except (KeyError, OSError):
        return
    os.dup2(handle, descriptor)
    os.close(handle)


if __name__ == "__main__":
    own_streams()
    from profile_export.entry import entry

    entry()
