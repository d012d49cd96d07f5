"""What a command says: results on stdout, everything else on stderr, and never a trace of a pipe.

A reader that went away (``| head``) or a closed stdout ends the talking, not the job: its exit code
still says how the work went.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from profile_export.plain_text import plain_json, plain_lines

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_ANY_WIDTH = 100_000


class Unwritable(OSError):
    """What was to be said could not be: a full disk, say."""


def result(text: str) -> None:
    """Write the result, or a line of it, to stdout."""
    _write(sys.stdout, plain_lines(text) + "\n")


def result_json(content: object) -> None:
    """Write the result as JSON, readable, in UTF-8 or else in ASCII."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    ascii_only = not encoding.startswith("utf")
    text = json.dumps(content, indent=2, ensure_ascii=ascii_only)
    _write(sys.stdout, plain_json(text) + "\n")


def rendered(*parts: "RenderableType") -> None:
    """Write tables and styled text to stdout: as wide as the terminal, or as $COLUMNS; into a pipe
    or a file a row is one line, however wide."""
    console = console_on(stderr=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _ANY_WIDTH
    with console.capture() as caught:
        for part in parts:
            console.print(part)
    _write(sys.stdout, "\n".join(line.rstrip(" ") for line in caught.get().split("\n")))


@contextmanager
def of_work_done() -> Iterator[None]:
    """For what is said of work that is done: a full disk below stdout is told, and does not make it
    look undone."""
    try:
        yield
    except OSError as error:
        _silence(sys.stdout)
        note(f"The output could not be written: {error.strerror}. The job is done all the same.")


def is_terminal() -> bool:
    """Whether the result goes to a terminal: a pipe or a file gets all of it."""
    try:
        return sys.stdout is not None and sys.stdout.isatty()
    except ValueError:  # it is closed
        return False


def note(text: str) -> None:
    """Tell a person something that is no result, on stderr."""
    _write(sys.stderr, plain_lines(text) + "\n")


def console_on(*, stderr: bool) -> "Console":
    """A rich console: no colours where NO_COLOR is set or nobody looks, no guessing at markup."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except (BrokenPipeError, ValueError):  # ValueError: it is closed
        _silence(stream)
    except OSError as error:
        raise Unwritable(error.errno, error.strerror) from error


def _silence(stream: TextIO) -> None:
    """Let what is still buffered, and all that follows, go nowhere."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return


def flush() -> None:
    """At the end of the process: what cannot be written any more is dropped in silence."""
    for stream in (sys.stdout, sys.stderr):
        try:
            _write(stream, "")
        except OSError:  # told already, where it was written
            if stream is not None:
                _silence(stream)
