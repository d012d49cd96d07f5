"""``jobs``: export jobs of a running service; and ``jobs purge``, of a store."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from profile_export.commands import _options, _say, _store

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
JobId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The job's id.")]
Status = Annotated[
    str | None, typer.Option("--status", metavar="STATUS", help="Only jobs of this status.")
]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")]
Request = Annotated[
    str, typer.Argument(metavar="REQUEST", help="The request, a JSON file; - is stdin.")
]
Key = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        metavar="KEY",
        help="Sent again with the same request, it gives the same job.",
    ),
]
Watch = Annotated[bool, typer.Option("--watch", help="Wait for the job's end.")]
OlderThan = Annotated[
    str,
    typer.Option("--older-than", metavar="AGE", help="Of its end: 90d, 36h, 30m or 0d."),
]
_DEFAULT_URL = "http://127.0.0.1:8080"
_AT = "--org acme@AcmeOrg --sandbox prod"


def register(app: typer.Typer) -> None:
    """Add ``jobs`` with its commands."""
    group = typer.Typer(
        help="List, show, watch, cancel and submit export jobs of a service.", no_args_is_help=True
    )
    app.add_typer(group, name="jobs")
    for name, command, *examples in (
        ("list", list_, f"jobs list {_AT}", f"jobs list {_AT} --status FAILED --json"),
        ("show", show, f"jobs show 24115 {_AT}"),
        ("watch", watch, f"jobs watch 24115 {_AT}"),
        ("cancel", cancel, f"jobs cancel 24115 {_AT}"),
        ("submit", submit, f"jobs submit request.json {_AT} --watch"),
        ("purge", purge, "jobs purge --older-than 90d --store sqlite:///profile-export.db"),
    ):
        group.command(name, epilog=_options.examples(*examples))(command)


def list_(
    org: Org,
    sandbox: SandboxName,
    url: Url = _DEFAULT_URL,
    token_file: TokenFile = None,
    status: Status = None,
    limit: Limit = 20,
    json: _options.Json = False,
) -> None:
    """List the newest jobs of a sandbox."""
    records: list[dict[str, Any]] = []
    with _client(url, org, sandbox, token_file) as client:
        offset = ""
        while len(records) < limit:
            asked: dict[str, str | int] = {"limit": min(limit - len(records), 1000)}
            asked |= {"offset": offset} if offset else {}
            asked |= {"status": status} if status else {}
            page = client.json("GET", _jobs(), params=asked)
            records += page["records"]
            offset = page["page"]["pageOffset"]
            if not page["link"]["next"]:
                break
    if json:
        _say.result_json(records)
        return
    from profile_export.commands._tables import plain_table, time_of

    rows = (
        (str(r["id"]), r["status"], time_of(r["creationTime"]), _number(r), _more(r))
        for r in records
    )
    _say.rendered(plain_table(("Id", "Status", "Created (UTC)", "Records", ""), rows))


def show(
    job_id: JobId,
    org: Org,
    sandbox: SandboxName,
    url: Url = _DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """Print a job's document, as the API gives it."""
    with _client(url, org, sandbox, token_file) as client:
        _say.result_json(client.json("GET", f"{_jobs()}/{job_id}"))


def watch(
    job_id: JobId,
    org: Org,
    sandbox: SandboxName,
    url: Url = _DEFAULT_URL,
    token_file: TokenFile = None,
    json: _options.Json = False,
) -> None:
    """Wait for a job's end, with a progress bar on a terminal.

    Exit codes: 0 it SUCCEEDED, 1 it FAILED or was CANCELLED. Ctrl-C ends the watching, not the job.
    """
    with _client(url, org, sandbox, token_file) as client:
        _watched(client, job_id, json=json)


def cancel(
    job_id: JobId,
    org: Org,
    sandbox: SandboxName,
    url: Url = _DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """Ask a job to stop: nothing of it will be visible, unless it has committed by then."""
    with _client(url, org, sandbox, token_file) as client:
        client.call("DELETE", f"{_jobs()}/{job_id}")
        status = client.json("GET", f"{_jobs()}/{job_id}")["status"]
    _say.note(f"Job {job_id} is {status}.")


def submit(
    request: Request,
    org: Org,
    sandbox: SandboxName,
    url: Url = _DEFAULT_URL,
    token_file: TokenFile = None,
    idempotency_key: Key = None,
    watch: Watch = False,
    json: _options.Json = False,
) -> None:
    """Submit an export job and print its id; with --watch, wait for its end."""
    from profile_export.commands._asked import read_body

    body = read_body(request)
    headers = {"content-type": "application/json"}
    if idempotency_key is not None:
        headers["idempotency-key"] = _ascii(idempotency_key)
    with _client(url, org, sandbox, token_file) as client:
        document = client.json("POST", _jobs(), content=body, headers=headers)
        if watch:
            _say.note(f"Job {document['id']} is {document['status']}.")
            _watched(client, int(document["id"]), json=json)
        elif json:
            _say.result_json(document)
        else:
            _say.result(str(document["id"]))
            _say.note(f"Job {document['id']} is {document['status']}.")


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
    kept = _store.opened(store)
    from profile_export.service.store import retention

    gone = retention.purge(kept, older_than=seconds)
    _say.result(
        f"Removed {gone:,} finished jobs from {kept.shown}. Their datasets are as they were."
    )


def _watched(client: "Client", job_id: int, *, json: bool) -> None:
    from profile_export.commands._watch import watch as followed

    try:
        document = followed(client, job_id)
    except KeyboardInterrupt:
        _say.note(f"Job {job_id} goes on; profile-export jobs watch {job_id} shows it again.")
        raise typer.Exit(130) from None
    if json:
        _say.result_json(document)
    else:
        _say.result(f"Job {job_id} SUCCEEDED: {_number(document)} records.")


def _client(url: str, org: str, sandbox: str, token_file: str | None) -> "Client":
    from profile_export.commands._client import Client, Place, token_from

    return Client(Place(url, _ascii(org), _ascii(sandbox)), token_from(token_file))


def _jobs() -> str:
    from profile_export.commands._client import JOBS

    return JOBS


def _ascii(text: str) -> str:
    from profile_export.errors import Problem, Refused

    if text.isascii() and text.isprintable():
        return text
    raise Refused([Problem("bad-name", f"{text!r} cannot be sent in a header.")])


def _number(document: dict[str, Any]) -> str:
    found = document["metrics"].get("totalExportedProfileCounter")
    return "" if found is None else f"{found:,}"


def _more(document: dict[str, Any]) -> str:
    if document["status"] == "FAILED" and document["errors"]:
        return str(document["errors"][0]["code"])
    progress = document["metrics"].get("progress")
    if document["status"] != "PROCESSING" or not progress:
        return ""
    return f"{progress['stage']} {progress['fraction']:.0%}"


def _age(text: str) -> float:
    """Seconds of ``90d``, ``36h``, ``30m``."""
    import re

    from profile_export.errors import Problem, Refused

    found = re.fullmatch(r"(\d{1,6})([dhm])", text.strip(), re.ASCII)
    if found is None:
        detail = f"{text!r} is no age; write 90d, 36h or 30m."
        raise Refused([Problem("bad-age", detail, parameter="--older-than")])
    return int(found[1]) * {"d": 86_400.0, "h": 3600.0, "m": 60.0}[found[2]]
