"""A bar on the terminal while a job runs; nothing where nobody looks."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from profile_export.commands import _say
from profile_export.plain_text import plain

Show = Callable[[str, float], None]

_WORDS = {
    "start": "Starting the engine",
    "identities": "Reading identities",
    "persons": "Joining identities to persons",
    "audience": "Deciding who is exported",
    "merge": "Merging their records",
    "write": "Writing the batches",
}


@contextmanager
def progress_bar() -> Iterator[Show]:
    """A function to call with stage and fraction, from any thread; it draws on stderr."""
    if not _is_terminal():
        yield lambda _stage, _fraction: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.description}", markup=False)
    columns = words, BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    console = _say.console_on(stderr=True)
    bar = Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    )
    with bar:
        task = bar.add_task(_WORDS["start"], total=1.0)

        def show(stage: str, fraction: float) -> None:
            bar.update(task, description=_WORDS.get(stage, plain(stage)), completed=fraction)

        yield show


def _is_terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except ValueError:
        return False
