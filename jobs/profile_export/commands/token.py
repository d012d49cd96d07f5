"""``token``: who may call the service."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from profile_export.commands import _options, _say, _service, _store

if TYPE_CHECKING:
    from profile_export.service.store.tokens import Token

Org = Annotated[str, typer.Option("--org", metavar="ORG", help="The organisation's id.")]
Sandboxes = Annotated[
    list[str],
    typer.Option("--sandbox", metavar="NAME", help="A sandbox of it; may be given again."),
]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="It may read, and change nothing.")]
TokenId = Annotated[str, typer.Argument(metavar="ID", help="As token list shows it.")]


def register(app: typer.Typer) -> None:
    """Add ``token`` with its commands."""
    create_one = (
        "token create --store sqlite:///profile-export.db --org acme@AcmeOrg --sandbox prod"
    )
    group = typer.Typer(
        help="Make, list and revoke tokens of the service.",
        epilog=_options.examples(create_one),
        no_args_is_help=True,
    )
    app.add_typer(group, name="token")
    group.command("create", epilog=_options.examples(create_one))(create)
    group.command(
        "list", epilog=_options.examples("token list --store sqlite:///profile-export.db")
    )(list_)
    group.command("revoke", epilog=_options.examples("token revoke 4f1c09ab77de"))(revoke)


def create(
    org: Org,
    sandbox: Sandboxes,
    store: _store.StoreUrl = _store.DEFAULT,
    read_only: ReadOnly = False,
) -> None:
    """Make a token and print it: it is not kept, and cannot be shown again."""
    _service.see_names({"--org": [org], "--sandbox": sandbox})
    names = list(dict.fromkeys(sandbox))
    kept = _store.opened(store)
    from profile_export.service.store import sandboxes, tokens

    with kept.write() as connection:
        new = [n for n in names if sandboxes.find_id(connection, org, n) is None]
        for name in names:
            sandboxes.ensure(connection, org, name)
        secret, made = tokens.create(connection, org, names, can_write=not read_only)
    _say.result(secret)
    for name in new:
        _say.note(f"The sandbox {name} of {org} was not there: it is now, and empty.")
    revoking = f"profile-export token revoke {made.id} --store {shlex.quote(kept.shown)}"
    _say.note(f"Its id is {made.id}: {revoking} ends it.")


def list_(store: _store.StoreUrl = _store.DEFAULT, json: _options.Json = False) -> None:
    """Show the tokens: what each may do, never the token itself."""
    kept = _store.opened(store, make=False)
    from profile_export.service.store import tokens

    with kept.read() as connection:
        found = tokens.all_of(connection)
    rows = [
        {
            "id": token.id,
            "org": token.org,
            "sandboxes": list(token.sandboxes),
            "rights": "write" if token.can_write else "read",
            "created": token.created,
            "revoked": token.revoked,
        }
        for token in found
    ]
    if json:
        _say.result_json(rows)
        return
    from profile_export.commands._tables import plain_table, time_of

    _say.rendered(
        plain_table(
            ("Id", "Organisation", "Sandboxes", "May", "Made", "Revoked"),
            (
                (*_texts(t), time_of(t.created), time_of(t.revoked) if t.revoked else "")
                for t in found
            ),
        )
    )


def _texts(token: "Token") -> tuple[str, ...]:
    rights = "write" if token.can_write else "read"
    return token.id, token.org, ", ".join(token.sandboxes), rights


def revoke(token_id: TokenId, store: _store.StoreUrl = _store.DEFAULT) -> None:
    """End a token: from now on it is not valid."""
    kept = _store.opened(store, make=False)
    from profile_export.service.store import tokens

    with kept.write() as connection:
        tokens.revoke(connection, token_id)
    _say.note(f"The token {token_id} is not valid any more.")
