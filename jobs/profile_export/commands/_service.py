"""Where a service is and who asks: the options of the commands that call one, and its client."""

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
        Refused: a name that no header can carry, a token file that others may read, no token.
    """
    from profile_export.commands._client import Client, Place
    from profile_export.commands._given_token import token_from

    return Client(Place(url, in_header(org), in_header(sandbox)), token_from(token_file))


def in_header(text: str) -> str:
    """The text, where a header can carry it.

    Raises:
        Refused: ``bad-name``.
    """
    from profile_export.errors import Problem, Refused

    if can_be_in_header(text):
        return text
    raise Refused([Problem("bad-name", f"{text!r} cannot be sent in a header.")])


def can_be_in_header(text: str) -> bool:
    """Whether every program that calls the service can send it."""
    return text.isascii() and text.isprintable()


def name_fault(name: str) -> str | None:
    """Why no organisation or sandbox that callers name in a header may be called so, if so."""
    if name and name == name.strip() and can_be_in_header(name):
        return None
    return (
        "must not be empty, or begin or end with a blank, and have letters, digits and signs of"
        " ASCII only: callers send it in a header."
    )
