"""``jobs purge``: forgets finished jobs of a store."""

from typing import Annotated

import typer

from profile_export.commands import _say, _store

OlderThan = Annotated[
    str,
    typer.Option("--older-than", metavar="AGE", help="Of its end: 90d, 36h, 30m or 0d."),
]


def purge(
    older_than: OlderThan,
    store: _store.StoreUrl = _store.DEFAULT,
) -> None:
    """Forget finished jobs: remove them from the store, with their batches and idempotency keys.

    Open jobs stay, however old. Datasets, their files and manifests stay as they are; but what is
    gone from the store, the API does not know any more: GET answers 404 for such a job, its batches
    and their files.
    """
    seconds = _age(older_than)
    kept = _store.opened(store, make=False)
    from profile_export.service.store import retention

    gone = retention.purge(kept, older_than=seconds)
    _say.result(
        f"Removed {gone:,} finished jobs from {kept.shown}. Their datasets are as they were."
    )


def _age(text: str) -> float:
    """Seconds of ``90d``, ``36h``, ``30m``."""
    import re

    from profile_export.errors import Problem, Refused

    found = re.fullmatch(r"(\d{1,6})([dhm])", text.strip(), re.ASCII)
    if found is None:
        detail = f"{text!r} is no age; write 90d, 36h or 30m."
        raise Refused([Problem("bad-age", detail, parameter="--older-than")])
    return int(found[1]) * {"d": 86_400.0, "h": 3600.0, "m": 60.0}[found[2]]
