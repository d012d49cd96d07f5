"""Have the service make a job, and say what is not known where its answer does not come."""

from typing import Any

import typer

from profile_export.commands import _say
from profile_export.commands._answers import Unreachable
from profile_export.commands._client import JOBS, Client

_UNSURE = (
    "Whether the job was made is not known: profile-export jobs list shows it. With"
    " --idempotency-key a call can be repeated, and makes no second one."
)


def submitted(service: Client, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """The document of the job that a request makes. Ctrl-C ends the waiting only.

    Raises:
        Unreachable: the answer did not come; what was sent may have arrived.
    """
    try:
        return service.job("POST", JOBS, content=body, headers=headers)
    except Unreachable as error:
        if not error.may_have_arrived:
            raise
        raise Unreachable(f"{error} {_UNSURE}", code=error.code) from error
    except KeyboardInterrupt:
        _say.note(f"Interrupted. {_UNSURE}")
        raise typer.Exit(130) from None
