"""Say what is not known where the answer to a call that changes something does not come."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from profile_export.commands import _say
from profile_export.commands._answers import Unreachable

JOB_MADE = (
    "Whether the job was made is not known: profile-export jobs list shows it. With"
    " --idempotency-key a call can be repeated, and makes no second one."
)


@contextmanager
def unsure(what: str) -> Iterator[None]:
    """For a call that changes something. Ctrl-C ends the waiting only.

    Args:
        what: What is not known meanwhile, and how to find out.

    Raises:
        Unreachable: the answer did not come; what was sent may have arrived.
        Exit: Ctrl-C, with 130.
    """
    try:
        yield
    except Unreachable as error:
        if not error.may_have_arrived:
            raise
        raise Unreachable(f"{error} {what}", code=error.code) from error
    except KeyboardInterrupt:
        _say.note(f"Interrupted. {what}")
        raise typer.Exit(130) from None
