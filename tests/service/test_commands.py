"""``token`` and ``jobs``: against a store, and against a service over HTTP."""

import json
import os
import re
import shlex
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from profile_export import cli
from profile_export.commands import _watch
from profile_export.commands._client import Client
from profile_export.engines import Engine
from profile_export.service.store import Store, holds, jobs, open_store, queue, tokens
from serving import NAME, ORG, SmallCatalog
from small_sandbox import by_segment, request
from working import opened_copy, working

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """``run("jobs", "list")``: exit code, stdout, stderr."""

    def ran(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main(list(words))
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return ran


@pytest.fixture
def store_url(migrated_file: Path, tmp_path: Path) -> str:
    """On SQLite only: commands speak to the store through the same functions as the API."""
    url, opened = opened_copy(migrated_file, tmp_path)
    opened.close()
    return url


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """The app on a port of its own; gives its URL."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def place(
    app: FastAPI, small_catalog: SmallCatalog, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A service over the small sandbox, which the environment names."""
    with listening(app) as url:
        monkeypatch.setenv("PROFILE_EXPORT_URL", url)
        monkeypatch.setenv("PROFILE_EXPORT_ORG", ORG)
        monkeypatch.setenv("PROFILE_EXPORT_SANDBOX", NAME)
        monkeypatch.setenv("PROFILE_EXPORT_TOKEN", small_catalog.tokens["write"])
        yield url


@pytest.fixture
def asked(tmp_path: Path) -> str:
    file = tmp_path / "request.json"
    file.write_text(json.dumps(by_segment()), encoding="utf-8")
    return str(file)


def submitted(run: Run, asked: str, *more: str) -> str:
    code, out, err = run("jobs", "submit", asked, *more)
    assert code == 0, err
    assert re.fullmatch(r"\d+\n", out)
    return out.strip()


# token


def test_a_token_alone_on_stdout(run: Run, store_url: str) -> None:
    words = ("--org", ORG, "--sandbox", "a", "--sandbox", "b", "--store", store_url)
    code, out, err = run("token", "create", *words)
    assert code == 0
    assert re.fullmatch(r"pe_[\w-]{43}\n", out)
    assert err.count("was not there: it is now, and empty") == 2
    store = open_store(store_url)
    with store.read() as connection:
        found = tokens.find(connection, out.strip())
    assert found is not None
    assert (found.org, found.sandboxes, found.can_write) == (ORG, ("a", "b"), True)
    store.close()


def test_what_is_said_of_a_new_token_ends_it_in_its_own_store(run: Run, store_url: str) -> None:
    made = run("token", "create", "--org", ORG, "--sandbox", "a", "--store", store_url)[2]
    said = re.search(r"profile-export (token revoke .*) ends it\.", made)
    assert said is not None
    code, _, err = run(*shlex.split(said[1]))
    assert code == 0, err
    assert json.loads(run("token", "list", "--store", store_url, "--json")[1])[0]["revoked"]


def test_tokens_are_listed_and_revoked(run: Run, store_url: str) -> None:
    words = ("--org", ORG, "--sandbox", "a", "--store", store_url)
    secret = run("token", "create", *words, "--read-only")[1].strip()
    code, out, _ = run("token", "list", "--store", store_url, "--json")
    (shown,) = json.loads(out)
    assert (code, shown["rights"], shown["revoked"]) == (0, "read", None)
    assert secret not in out
    assert run("token", "revoke", shown["id"], "--store", store_url)[0] == 0
    assert run("token", "revoke", shown["id"], "--store", store_url)[0] == 0
    assert json.loads(run("token", "list", "--store", store_url, "--json")[1])[0]["revoked"]
    code, out, _ = run("token", "list", "--store", store_url)
    assert code == 0
    assert shown["id"] in out
    code, out, err = run("token", "revoke", "nobody", "--store", store_url)
    assert (code, out) == (2, "")
    assert "There is no token nobody" in err


@pytest.mark.parametrize(
    "words",
    [["token", "list"], ["token", "revoke", "abc"], ["jobs", "purge", "--older-than", "9d"]],
    ids=" ".join,
)
def test_a_store_that_is_not_there_is_not_made(words: list[str], run: Run, tmp_path: Path) -> None:
    """Else the path was mistyped, and it looks as if all was done."""
    folder = tmp_path / "empty"
    folder.mkdir()
    code, out, err = run(*words, "--store", f"sqlite:///{folder}/typo.db")
    assert (code, out) == (2, "")
    assert "There is no job store at" in err
    assert not any(folder.iterdir())


@pytest.mark.parametrize(
    "words",
    [
        ["--org", "", "--sandbox", "a"],
        ["--org", ORG, "--sandbox", " a"],
        ["--org", ORG],
        ["--org", ORG, "--sandbox", "süd"],
    ],
)
def test_a_token_for_nothing(words: list[str], run: Run, store_url: str) -> None:
    code, out, _ = run("token", "create", "--store", store_url, *words)
    assert (code, out) == (2, "")


# jobs


@pytest.mark.usefixtures("place")
def test_submit_show_list_cancel(run: Run, asked: str) -> None:
    first, second = submitted(run, asked), submitted(run, asked)
    code, out, _ = run("jobs", "show", first)
    assert (code, json.loads(out)["id"]) == (0, int(first))
    assert run("jobs", "show", first, "--json")[:2] == (0, out)
    code, out, _ = run("jobs", "list")
    assert code == 0
    assert out.index(second) < out.index(first)
    assert [r["id"] for r in json.loads(run("jobs", "list", "--json")[1])] == [
        int(second),
        int(first),
    ]
    assert len(json.loads(run("jobs", "list", "--json", "--limit", "1")[1])) == 1
    code, out, err = run("jobs", "cancel", first)
    assert (code, out, err) == (0, "", f"Job {first} is CANCELLED.\n")
    assert run("jobs", "cancel", first)[0] == 0
    listed = json.loads(run("jobs", "list", "--json", "--status", "CANCELLED")[1])
    assert [r["id"] for r in listed] == [int(first)]


@pytest.mark.usefixtures("place")
def test_the_same_key_is_the_same_job(run: Run, asked: str) -> None:
    keyed = [submitted(run, asked, "--idempotency-key", "k1") for _ in range(2)]
    assert keyed[0] == keyed[1]
    Path(asked).write_text(json.dumps(request()), encoding="utf-8")
    code, out, err = run("jobs", "submit", asked, "--idempotency-key", "k1")
    assert (code, out, "[idempotency-key-reused]" in err) == (2, "", True), err


@pytest.mark.usefixtures("place")
def test_a_job_is_watched_to_its_end(run: Run, asked: str, store: Store, engine: Engine) -> None:
    with working(store, engine):
        code, out, err = run("jobs", "submit", asked, "--watch")
        assert (code, out.count("SUCCEEDED")) == (0, 1), err
        job_id = re.findall(r"\d+", out)[0]
        code, out, _ = run("jobs", "watch", job_id, "--json")
        assert (code, json.loads(out)["status"]) == (0, "SUCCEEDED")
        code, out, err = run("jobs", "cancel", job_id)
        assert (code, out) == (2, "")
        assert "has ended" in err


@pytest.mark.usefixtures("place")
def test_a_failed_job_is_exit_code_1(run: Run, asked: str, store: Store) -> None:
    job_id = submitted(run, asked)
    with store.write() as connection:
        held = queue.claim(connection, "w", lease=60)
        assert held is not None
        holds.fail(connection, held, "disk-full", "The disk is full: free some space.")
    code, out, err = run("jobs", "watch", job_id)
    assert (code, out) == (1, "")
    assert "The disk is full: free some space." in err
    code, out, _ = run("jobs", "watch", job_id, "--json")
    assert (code, json.loads(out)["status"]) == (1, "FAILED")


@pytest.mark.usefixtures("place")
def test_a_cancelled_job_is_exit_code_1(run: Run, asked: str) -> None:
    job_id = submitted(run, asked)
    run("jobs", "cancel", job_id)
    code, out, err = run("jobs", "watch", job_id)
    assert (code, out) == (1, "")
    assert err == f"Job {job_id} was cancelled; nothing of it is visible.\n"


@pytest.mark.usefixtures("place")
def test_a_refused_request_tells_every_problem(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(request(fields="nope", what=1)), encoding="utf-8")
    code, out, err = run("jobs", "submit", str(bad))
    assert (code, out) == (2, "")
    assert [line.split(":")[0] for line in err.splitlines()] == ["/fields", "/what"]
    code, out, _ = run("jobs", "submit", str(bad), "--json")
    assert (code, len(json.loads(out)["errors"])) == (2, 2)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "1"], "There is no export job 1"),
        (["watch", "1"], "There is no export job 1"),
        (["list", "--status", "LATE"], "status"),
        (["list", "--sandbox", "none"], "does not let you in"),
        (["list", "--org", "none"], "does not let you in"),
        (
            ["list", "--org", "ü"],
            "--org: 'ü' must not be empty, or begin or end with a blank, and have",
        ),
        (["list", "--org", "acme "], "--org: 'acme ' must not"),
        (["list", "--org", " ", "--sandbox", ""], "[bad-name]\n--sandbox: '' must not"),
        (["list", "--url", "nowhere"], "is no address of a service"),
        (["list", "--url", "ftp://x"], "is no address of a service"),
        (["list", "--url", "http://[::1"], "is no address of a service"),
        (["submit", "none.json"], "cannot be read"),
        (["submit", "{}", "--idempotency-key", "ü"], "--idempotency-key: 'ü' must not be empty"),
        (["submit", "{}", "--idempotency-key", ""], "--idempotency-key: '' must not be empty"),
        (["show", "none"], "ID"),
        (["purge", "--older-than", "1y"], "is no age"),
        (["purge"], "--older-than"),
    ],
)
def test_wrong_words_are_exit_code_2(words: list[str], told: str, run: Run, asked: str) -> None:
    code, out, err = run("jobs", *(asked if word == "{}" else word for word in words))
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.usefixtures("place")
def test_nobody_at_home_is_exit_code_1(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        code, out, err = run("jobs", "list", "--url", url)
    assert (code, out) == (1, "")
    assert err.startswith(f"No service answers at {url} (ConnectError)")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("127.0.0.1:8080", "'127.0.0.1:8080' is no address of a service"),
        ("ftp://a", "'ftp://a' is no address of a service"),
        ("http://", "'http://' is no address of a service"),
        ("http://me:secret@127.0.0.1:1", "has a user name or a password in it"),
    ],
)
def test_what_is_no_address_is_exit_code_2(
    url: str, told: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILE_EXPORT_TOKEN", "t")
    code, out, err = run("jobs", "list", "--url", url, "--org", "o", "--sandbox", "s")
    assert (code, out) == (2, "")
    assert told in err
    assert err.endswith("[bad-url]\n")
    assert "secret" not in err


@pytest.mark.usefixtures("place")
def test_a_bad_token_is_exit_code_2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for token, told in [
        ("pe_x", "not valid"),
        ("", "Set PROFILE_EXPORT_TOKEN"),
        ("a b", "no token"),
    ]:
        monkeypatch.setenv("PROFILE_EXPORT_TOKEN", token)
        code, out, err = run("jobs", "list")
        assert (code, out) == (2, "")
        assert told in err


@pytest.mark.usefixtures("place")
def test_a_token_file_must_be_ours_alone(
    run: Run, small_catalog: SmallCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROFILE_EXPORT_TOKEN")
    file = tmp_path / "token"
    file.write_text(f"{small_catalog.tokens['read']}\n", encoding="utf-8")
    for mode, wanted in [(0o600, 0), (0o400, 0), (0o640, 2), (0o604, 2), (0o644, 2), (0o700, 2)]:
        os.chmod(file, mode)
        code, _, err = run("jobs", "list", "--token-file", str(file))
        assert (code, f"chmod 600 {file}" in err) == (wanted, wanted == 2), oct(mode)
    assert run("jobs", "list", "--token-file", str(tmp_path / "none"))[0] == 2
    os.chmod(file, 0o600)
    file.write_text("no token", encoding="utf-8")
    code, _, err = run("jobs", "list", "--token-file", str(file))
    assert (code, err) == (2, "--token-file: What is there is no token. [no-token]\n")


def test_watching_goes_on_without_events_and_through_restarts(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILE_EXPORT_TOKEN", "t")
    monkeypatch.setattr(_watch, "_POLL", 0.01)
    document: dict[str, Any] = {"id": 7, "status": "PROCESSING", "metrics": {}, "errors": []}
    done = {**document, "status": "SUCCEEDED", "metrics": {"totalExportedProfileCounter": 3}}
    event = f"event: job\ndata: {json.dumps(document)}\n\n".encode()
    with answering(
        (503, b'{"detail": "Too many.", "type": "urn:profile-export:error:busy"}'),  # streams: ask
        (200, json.dumps(document).encode()),
        (200, json.dumps(done).encode()),
    ) as url:
        code, out, err = run("jobs", "watch", "7", "--url", url, "--org", "o", "--sandbox", "s")
    assert (code, out) == (0, "Job 7 SUCCEEDED: 3 records.\n"), err
    with answering(
        (200, event),  # a stream that breaks off
        (200, json.dumps(document).encode()),
        None,  # the service restarts
        (503, b'{"detail": "The job store is away."}'),  # likewise of events
        (404, b'{"detail": "There is nothing at this address."}'),  # an older one, without events
        (503, b'{"detail": "The job store is away."}'),
        (502, b"<html>"),  # of a proxy
        (429, b"Too many requests"),  # likewise
        (200, json.dumps(document).encode()),
        (200, json.dumps(done).encode()),
    ) as url:
        code, out, err = run("jobs", "watch", "7", "--url", url, "--org", "o", "--sandbox", "s")
    assert (code, out) == (0, "Job 7 SUCCEEDED: 3 records.\n"), err


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_a_document_may_have_every_letter_that_ends_a_line(
    ends: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILE_EXPORT_TOKEN", "t")
    metrics = {"totalExportedProfileCounter": 3}
    name = "a\u2028b\u2029c\x85d\x0be"
    document = {"id": 7, "status": "SUCCEEDED", "metrics": metrics, "name": name}
    text = json.dumps(document, ensure_ascii=False)
    lines = ["event: job", f"data: {text}", "", ": goes on", ""]
    with answering((200, ends.join(lines).encode())) as url:
        at = ("--url", url, "--org", "o", "--sandbox", "s")
        code, out, err = run("jobs", "watch", "7", *at, "--json")
    assert (code, json.loads(out)) == (0, document), err


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, b"<html>"), "is no Profile Export service"),
        ((502, b"<html>"), "is no Profile Export service"),
        ((500, b'{"detail": "Something went wrong here."}'), "Something went wrong here."),
        (
            (503, b'{"detail": "Store away.", "type": "urn:profile-export:error:busy"}'),
            "Store away.",
        ),
    ],
)
def test_a_service_with_a_fault_is_exit_code_1(
    answer: tuple[int, bytes], told: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILE_EXPORT_TOKEN", "t")
    with answering(answer) as url:
        code, out, err = run("jobs", "show", "7", "--url", url, "--org", "o", "--sandbox", "s")
    assert (code, out) == (1, "")
    assert told in err


@pytest.mark.parametrize(
    "words",
    [
        ("list",), ("show", "7"), ("watch", "7"), ("cancel", "7"), ("submit", "request.json"),
        ("submit", "request.json", "--json"), ("submit", "request.json", "--watch"),
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize(
    "answer",
    [
        (200, b"null"),
        (200, b"[]"),
        (200, b'{"status": "UP"}'),
        (200, b'{"id": 7, "status": "Running", "metrics": {}}'),
        (200, b'{"id": "7", "status": "NEW", "metrics": {}}'),
        (200, b'{"id": 7, "status": "NEW", "metrics": null}'),
        (200, b'{"records": [{"id": 7}], "page": {"pageOffset": ""}, "link": {"next": ""}}'),
        (200, b'{"records": null, "page": {}, "link": {}}'),
        (200, b"[" * 100_000),
        (200, b'{"id": 1%s}' % (b"0" * 5000)),
        (200, b"data: null\n\ndata: {\n\n"),
        (500, b"[]"),
    ],
    ids=lambda answer: f"{answer[0]} {answer[1][:12].decode()}",
)
def test_what_answers_may_be_another_service(
    words: tuple[str, ...],
    answer: tuple[int, bytes],
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PROFILE_EXPORT_TOKEN", "t")
    monkeypatch.setattr(_watch, "_POLL", 0.01)
    monkeypatch.chdir(tmp_path)
    Path("request.json").write_text("{}", encoding="utf-8")
    with answering(*[answer] * 3) as url:
        code, out, err = run("jobs", *words, "--url", url, "--org", "o", "--sandbox", "s")
    assert code == 1
    assert f"What answers at {url}/" in err
    assert "is no Profile Export service" in err
    assert out == "" or json.loads(out)["detail"] in err


@pytest.mark.parametrize("errors", [b"null", b'"x"', b"[1, null]", b'{"a": 1}'])
def test_a_proxy_has_errors_of_its_own(
    errors: bytes, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILE_EXPORT_TOKEN", "t")
    with answering((400, b'{"message": "Not so.", "errors": %s}' % errors)) as url:
        code, out, err = run("jobs", "show", "7", "--url", url, "--org", "o", "--sandbox", "s")
    assert (code, out, err) == (2, "", "Not so. [refused]\n")


def test_a_list_that_names_a_next_page_for_ever_ends(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILE_EXPORT_TOKEN", "t")
    page = b'{"records": [], "page": {"pageOffset": "1_1"}, "link": {"next": "/export/jobs/"}}'
    with answering((200, page)) as url:
        at = ("--url", url, "--org", "o", "--sandbox", "s")
        code, out, _ = run("jobs", "list", *at, "--json")
    assert (code, out) == (0, "[]\n")


def test_answers_that_cannot_be_unpacked_are_none(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILE_EXPORT_TOKEN", "t")
    with answering((200, b"{}"), headers={"content-encoding": "gzip"}) as url:
        code, out, err = run("jobs", "show", "7", "--url", url, "--org", "o", "--sandbox", "s")
    assert (code, out) == (1, "")
    assert err.startswith(f"No service answers at {url} (DecodingError)")


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_whoever_did_not_hear_the_answer_is_told_that_the_job_may_be_made(
    run: Run, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILE_EXPORT_TOKEN", "t")
    unsure = "Whether the job was made is not known: profile-export jobs list shows it."
    for answer in (None, (504, b"<html>")):
        with answering(answer) as url:
            at = ("--url", url, "--org", "o", "--sandbox", "s")
            code, out, err = run("jobs", "submit", asked, *at, "--json")
        assert (code, unsure in err, unsure in json.loads(out)["detail"]) == (1, True, True)
    for answer in (
        (503, b'{"detail": "Busy.", "type": "urn:profile-export:error:busy"}'),
        (429, b"{}"),
    ):
        with answering(answer) as url:
            code, _, err = run(
                "jobs", "submit", asked, "--url", url, "--org", "o", "--sandbox", "s"
            )
        assert (code, unsure in err) == (1, False)
    code, _, err = run("jobs", "submit", asked, *at)  # nobody listens there any more
    assert (code, unsure in err) == (1, False)
    monkeypatch.setattr(Client, "job", interrupted)
    code, out, err = run("jobs", "submit", asked, *at)
    assert (code, out) == (130, "")
    assert err.startswith(f"Interrupted. {unsure}")


def test_whoever_did_not_hear_the_answer_is_told_that_the_job_may_stop(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILE_EXPORT_TOKEN", "t")
    unsure = "Whether job 7 was asked to stop is not known: profile-export jobs show 7 tells."
    with answering(None) as url:
        at = ("--url", url, "--org", "o", "--sandbox", "s")
        code, _, err = run("jobs", "cancel", "7", *at)
    assert (code, unsure in err) == (1, True)
    code, _, err = run("jobs", "cancel", "7", *at)  # nobody listens there any more
    assert (code, unsure in err) == (1, False)
    monkeypatch.setattr(Client, "call", interrupted)
    assert run("jobs", "cancel", "7", *at) == (130, "", f"Interrupted. {unsure}\n")


@contextmanager
def answering(
    *answers: tuple[int, bytes] | None, headers: Mapping[str, str] | None = None
) -> Iterator[str]:
    """A server that gives these answers, one a call; None breaks the connection off."""
    waiting = iter(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = next(waiting)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer[0])
            told = {"content-length": str(len(answer[1])), **(headers or {})}
            for name, value in told.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer[1])

        do_POST = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_purge_says_what_it_did(
    run: Run, store_url: str, asked: str, place: str, store: Store
) -> None:
    job_id, other = submitted(run, asked), submitted(run, asked)
    run("jobs", "cancel", job_id)
    code, out, _ = run("jobs", "purge", "--older-than", "0d", "--store", store_url)
    assert code == 0
    assert out.startswith("Removed 1 finished jobs from sqlite:")
    assert run("jobs", "show", job_id)[0] == 2
    assert run("jobs", "show", other)[0] == 0
    with store.read() as connection:
        assert len(jobs.page(connection, 1, limit=10)[0]) == 1
    assert place
