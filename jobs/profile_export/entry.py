"""What the script ``profile-export`` calls: signals first, then the imports, which take a while."""

import os
from typing import NoReturn

from profile_export.commands import _process


def entry() -> NoReturn:
    """The command line as a process; Ctrl-C ends it without a trace from the start."""
    _process.signals_quit()
    # Else pydantic looks for some among the entry points of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from profile_export.cli import entry as run

    run()
