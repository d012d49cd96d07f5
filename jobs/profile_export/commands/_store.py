"""The job store as commands name it."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from profile_export.service.store import Store

VARIABLE = "PROFILE_EXPORT_STORE"
DEFAULT = "sqlite:///profile-export.db"
"""As in service/store/database.py, which is too slow to import for ``--help``."""

StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="URL",
        envvar=VARIABLE,
        show_envvar=False,
        help="The job store: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."
        f" {VARIABLE} says it too, where a password must not show in a list of processes.",
    ),
]


def opened(url: str, *, make: bool = True) -> "Store":
    """The store, its tables made or brought up to date.

    Args:
        url: As the user wrote it.
        make: Make one that is not there: for those who begin to use it.

    Raises:
        Refused: the URL is wrong, or there is nothing.
        StoreAway: it cannot be used.
    """
    from profile_export.service.store import open_store

    return open_store(url, make=make)
