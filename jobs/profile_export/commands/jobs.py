"""``jobs``: export jobs of a running service; and ``jobs purge``, of a store."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from profile_export.commands import _options, _say
from profile_export.commands._purge import purge
from profile_export.commands._service import (
    DEFAULT_URL,
    Org,
    SandboxName,
    TokenFile,
    Url,
    client,
    see_names,
)

if TYPE_CHECKING:
    from profile_export.commands._client import Client

JobId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The job's id.")]
Status = Annotated[
    str | None, typer.Option("--status", metavar="STATUS", help="Only jobs of this status.")
]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")]
Key = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        metavar="KEY",
        help="Sent again with the same request, it gives the same job.",
    ),
]
Watch = Annotated[bool, typer.Option("--watch", help="Wait for the job's end.")]
_AT = "--org acme@AcmeOrg --sandbox prod"


def register(app: typer.Typer) -> None:
    """Add ``jobs`` with its commands."""
    group = typer.Typer(
        help="List, show, watch, cancel, submit export jobs of a service; purge a store's.",
        epilog=_options.examples(f"jobs submit request.json {_AT} --watch", f"jobs list {_AT}"),
        no_args_is_help=True,
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
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    status: Status = None,
    limit: Limit = 20,
    json: _options.Json = False,
) -> None:
    """List the newest jobs of a sandbox."""
    records: list[dict[str, Any]] = []
    with client(url, org, sandbox, token_file) as service:
        offset = ""
        while len(records) < limit:
            asked: dict[str, str | int] = {"limit": min(limit - len(records), 1000)}
            asked |= {"offset": offset} if offset else {}
            asked |= {"status": status} if status else {}
            page = service.page(asked)
            records += page["records"]
            offset = page["page"]["pageOffset"]
            if not page["link"]["next"] or not page["records"]:
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
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    _json: _options.Json = False,
) -> None:
    """Print a job's document, as the API gives it: JSON, asked or not."""
    with client(url, org, sandbox, token_file) as service:
        _say.result_json(service.job("GET", f"{_jobs()}/{job_id}"))


def watch(
    job_id: JobId,
    org: Org,
    sandbox: SandboxName,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    json: _options.Json = False,
) -> None:
    """Wait for a job's end, with a progress bar on a terminal.

    Exit codes: 0 it SUCCEEDED, 1 it FAILED or was CANCELLED. Ctrl-C ends the watching, not the job.
    """
    with client(url, org, sandbox, token_file) as service:
        _watched(service, job_id, json=json)


def cancel(
    job_id: JobId,
    org: Org,
    sandbox: SandboxName,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """Ask a job to stop: nothing of it will be visible, unless it has committed by then."""
    from profile_export.commands._unsure import unsure

    what = f"Whether job {job_id} was asked to stop is not known: profile-export jobs show {job_id}"
    with client(url, org, sandbox, token_file) as service, unsure(f"{what} tells."):
        service.call("DELETE", f"{_jobs()}/{job_id}")
        status = service.job("GET", f"{_jobs()}/{job_id}")["status"]
    _say.note(f"Job {job_id} is {status}.")


def submit(
    request: _options.Request,
    org: Org,
    sandbox: SandboxName,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    idempotency_key: Key = None,
    watch: Watch = False,
    json: _options.Json = False,
) -> None:
    """Submit an export job and print its id; with --watch, wait for its end."""
    from profile_export.commands._asked import read_body
    from profile_export.commands._unsure import JOB_MADE, unsure

    body = read_body(request)
    headers = {"content-type": "application/json"}
    if idempotency_key is not None:
        see_names({"--idempotency-key": [idempotency_key]})
        headers["idempotency-key"] = idempotency_key
    with client(url, org, sandbox, token_file) as service:
        with unsure(JOB_MADE):
            document = service.job("POST", _jobs(), content=body, headers=headers)
        if watch:
            _say.note(f"Job {document['id']} is {document['status']}.")
            _watched(service, int(document["id"]), json=json)
        elif json:
            _say.result_json(document)
        else:
            _say.result(str(document["id"]))
            _say.note(f"Job {document['id']} is {document['status']}.")


def _watched(service: "Client", job_id: int, *, json: bool) -> None:
    from profile_export.commands._watch import watch as followed

    try:
        document = followed(service, job_id)
    except KeyboardInterrupt:
        _say.note(f"Job {job_id} goes on; profile-export jobs watch {job_id} shows it again.")
        raise typer.Exit(130) from None
    if json:
        _say.result_json(document)
    else:
        _say.result(f"Job {job_id} SUCCEEDED: {_number(document)} records.")


def _jobs() -> str:
    from profile_export.commands._client import JOBS

    return JOBS


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
