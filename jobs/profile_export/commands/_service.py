"""Where a service is and who asks: the options of the commands that call one, and its client."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profile_export.commands._client import Client

Url = Annotated[
    str,
    typer.Option(
        "--url", metavar="URL", envvar="PROFILE_EXPORT_URL", help="Where the service listens."
    ),
]
Org = Annotated[
    str,
    typer.Option(
        "--org", metavar="ORG", envvar="PROFILE_EXPORT_ORG", help="The organisation's id."
    ),
]
SandboxName = Annotated[
    str,
    typer.Option(
        "--sandbox", metavar="NAME", envvar="PROFILE_EXPORT_SANDBOX", help="The sandbox's name."
    ),
]
TokenFile = Annotated[
    str | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Holds the token; only you may read it (mode 600). Else PROFILE_EXPORT_TOKEN is it.",
    ),
]
DEFAULT_URL = "http://127.0.0.1:8080"


def client(url: str, org: str, sandbox: str, token_file: str | None) -> "Client":
    """A client of the service; to be used with ``with``.

    Raises:
        Refused: names that no header can carry, a token file that others may read, no token.
    """
    from profile_export.commands._client import Client, Place
    from profile_export.commands._given_token import token_from

    see_names({"--org": [org], "--sandbox": [sandbox]})
    return Client(Place(url, org, sandbox), token_from(token_file))


def see_names(given: Mapping[str, Iterable[str]]) -> None:
    """See that headers can carry what options were given.

    Raises:
        Refused: ``bad-name``, for each that none can.
    """
    from profile_export.errors import Problem, Refused

    problems = [
        Problem("bad-name", f"{name!r} {fault}", parameter=option)
        for option, names in given.items()
        for name in names
        if (fault := name_fault(name))
    ]
    if problems:
        raise Refused(problems)


def name_fault(name: str) -> str | None:
    """Why no organisation or sandbox that callers name in a header may be called so, if so: not
    every program that calls the service could send it."""
    if name and name == name.strip() and name.isascii() and name.isprintable():
        return None
    return (
        "must not be empty, or begin or end with a blank, and have letters, digits and signs of"
        " ASCII only: callers send it in a header."
    )
