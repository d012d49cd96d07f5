"""What ``serve`` does, in its order: address, sandboxes, store, token, worker, server; and back."""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from profile_export.commands import _say, _service, _store
from profile_export.commands._asked import load_sandbox
from profile_export.errors import Problem, Refused

if TYPE_CHECKING:
    from profile_export.catalog import Sandbox
    from profile_export.service.config import ServiceConfig
    from profile_export.service.store import Store

_WORKER_GRACE = 25.0
_DEMO = "demo"


@dataclass(frozen=True)
class Words:
    """What the user said of everything but the app."""

    sandboxes: tuple[str, ...]
    store: str
    host: str
    port: int
    with_worker: bool
    verbose: bool


def run(words: Words, config: "ServiceConfig") -> int:
    """Serve until a signal; gives its number.

    Raises:
        Refused: sandbox files or the store's URL are wrong.
        AddressTaken: the address cannot be had.
        StoreAway: the store cannot be used.
    """
    from profile_export.service import logs, server
    from profile_export.service.app import create_app, end_soon
    from profile_export.service.supervisor import Supervisor
    from profile_export.service.worker_process import command_line

    listening = server.bound(words.host, words.port)
    url = server.url_of(listening)
    loaded = _load(words.sandboxes)
    logs.to_stderr(verbose=words.verbose)
    store = _store.opened(words.store)
    fill(store, loaded)
    for line in _first_token(store, [sandbox for _, sandbox in loaded], url):
        _say.result(line)
    more = ("--verbose",) if words.verbose else ()
    worker = Supervisor(
        command_line("worker", "--engine", config.engine, "--child", *more),
        {_store.VARIABLE: words.store},
    )
    if words.with_worker:
        worker.start()
    try:
        app = create_app(store, config)

        def ending() -> None:
            worker.ask()
            end_soon(app)

        return server.serve(
            app, listening, ready=lambda: _say.result(f"Listening on {url}"), ending=ending
        )
    finally:
        if words.with_worker:
            worker.end(_WORKER_GRACE)
        store.close()


def fill(store: "Store", loaded: Iterable[tuple[Path, "Sandbox"]]) -> None:
    """Put what sandbox files declare into the store.

    Raises:
        Refused: two of them are of one name, or a dataset has the id of one that the API made.
    """
    from profile_export.service.store import from_file, migrate

    with store.write() as connection:
        migrate.alone(connection)  # two with the same files in another order would wait in a ring
        for file, sandbox in loaded:
            from_file.load(connection, sandbox, root=str(file.absolute().parent))


def _load(files: Iterable[str]) -> list[tuple[Path, "Sandbox"]]:
    """Every sandbox file, or every problem of all of them."""
    loaded: list[tuple[Path, Sandbox]] = []
    problems: list[Problem] = []
    seen: dict[tuple[str, str], str] = {}
    for written in files:
        file = _demo() if written == _DEMO else written
        try:
            sandbox = load_sandbox(file)
        except Refused as error:
            problems += error.problems
            continue
        problems += _unnamed(sandbox, file)
        name = (sandbox.ims_org_id, sandbox.name)
        if name in seen:
            detail = f"Sandbox {name[1]} of {name[0]} is declared by {seen[name]} already."
            problems.append(
                Problem("duplicate-sandbox", detail, parameter="--sandbox", source=file)
            )
        seen[name] = file
        loaded.append((Path(file), sandbox))
    if problems:
        raise Refused(problems)
    return loaded


def _unnamed(sandbox: "Sandbox", file: str) -> Iterator[Problem]:
    """Names that no caller can send; `run` has no need to."""
    for pointer, name in (("/imsOrgId", sandbox.ims_org_id), ("/name", sandbox.name)):
        if fault := _service.name_fault(name):
            detail = f"{name!r} cannot be served: it {fault}"
            yield Problem("bad-name", detail, pointer, source=file)


def _demo() -> str:
    """The demo's sandbox file below the current folder, built where it is not there."""
    file = Path(_DEMO) / "sandbox.yml"
    if not file.is_file():
        from profile_export.demo import build

        return str(build(Path(_DEMO)).sandbox)
    return str(file)


def _first_token(store: "Store", loaded: list["Sandbox"], url: str) -> list[str]:
    """What is said of a token for each organisation, where the store has no token yet."""
    from profile_export.service.store import migrate, tokens

    lines: list[str] = []
    with store.write() as connection:
        migrate.alone(connection)  # of two that start at once one makes it
        if tokens.all_of(connection):
            return []
        if not loaded:
            return [
                "No sandbox is loaded, and nobody has a token yet. Use --sandbox FILE, or:"
                f" profile-export token create --store {shlex.quote(store.shown)} --org ORG"
                " --sandbox NAME"
            ]
        for org in dict.fromkeys(sandbox.ims_org_id for sandbox in loaded):
            names = [sandbox.name for sandbox in loaded if sandbox.ims_org_id == org]
            secret, _ = tokens.create(connection, org, names, can_write=True)
            lines += [
                f"A token for {org}, sandbox {', '.join(names)}; it is shown this once:",
                secret,
                "Try it:",
                f"  {_curl(secret, org, names[0], url)}",
            ]
    return lines


def _curl(secret: str, org: str, sandbox: str, url: str) -> str:
    headers = {
        "Authorization": f"Bearer {secret}",
        "x-api-key": "me",
        "x-gw-ims-org-id": org,
        "x-sandbox-name": sandbox,
    }
    options = " ".join(f"-H {shlex.quote(f'{k}: {v}')}" for k, v in headers.items())
    return f"curl {options} {url}/data/core/ups/export/jobs"
