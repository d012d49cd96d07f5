"""``serve``: ready, token, address, worker; and how it ends."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from profile_export.processes import started
from serving import SmallCatalog, fill
from small_sandbox import request
from working import JOBS, Program, Service, opened_copy, wait_for


@pytest.fixture
def place(migrated_file: Path, small_tables: Path, tmp_path: Path) -> tuple[str, SmallCatalog]:
    """A store that has the small sandbox, with tables of its own."""
    folder = tmp_path / "sandbox"
    shutil.copytree(small_tables, folder)
    url, store = opened_copy(migrated_file, tmp_path)
    catalog = fill(store, folder)
    store.close()
    return url, catalog


@pytest.fixture
def bare(place: tuple[str, SmallCatalog], tmp_path: Path) -> Iterator[Service]:
    """A service without a worker."""
    with Service(tmp_path / "s", "--no-worker", PROFILE_EXPORT_STORE=place[0]) as service:
        assert isinstance(service, Service)
        yield service


def test_the_first_export_of_a_new_service(place: tuple[str, SmallCatalog], tmp_path: Path) -> None:
    """With a store of its own in the current folder: a token, printed once; a job; the end."""
    words = ("--sandbox", str(place[1].file))
    with Service(tmp_path / "s", *words) as service:
        assert isinstance(service, Service)
        url = service.listening()
        (token,) = re.findall(r"^pe_\S+$", service.out, re.MULTILINE)
        (curl,) = re.findall(r"^  (curl .+)$", service.out, re.MULTILINE)
        assert service.out.rstrip().endswith(f"Listening on {url}")
        listed = subprocess.run(shlex.split(curl), capture_output=True, text=True, check=True)
        assert '"records":[]' in listed.stdout.replace(" ", "")
        with service.client(token) as client:
            document = client.post(JOBS, json=request()).json()
            assert document["status"] == "NEW"

            def status() -> str:
                return str(client.get(f"{JOBS}/{document['id']}").json()["status"])

            wait_for(lambda: status() == "SUCCEEDED", what=service.err)
            assert client.get("/health/ready").status_code == 200
        assert service.end(signal.SIGTERM) == 0
        assert all(line.startswith("{") for line in service.err.splitlines())
    assert (tmp_path / "s" / "profile-export.db").exists()
    with Service(tmp_path / "s", "--no-worker", *words) as again:
        assert isinstance(again, Service)
        again.listening()
        assert "pe_" not in again.out
        assert again.end(signal.SIGINT) == 130
        assert "Traceback" not in again.err


def test_a_worker_that_dies_is_started_again(
    place: tuple[str, SmallCatalog], tmp_path: Path
) -> None:
    with Service(tmp_path / "s", PROFILE_EXPORT_STORE=place[0]) as service:
        assert isinstance(service, Service)
        service.listening()
        first = service.worker_pid()
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: service.worker_pid() != first)
        second = service.worker_pid()
        wait_for(lambda: service.logged("worker ready"))
        service.process.kill()  # kill -9: nobody tells the worker
        wait_for(lambda: started(second) is None, seconds=120)


def test_a_worker_that_is_started_again_makes_no_store_in_the_place_of_one_that_is_gone(
    place: tuple[str, SmallCatalog], tmp_path: Path
) -> None:
    url, catalog = place
    file = Path(url.removeprefix("sqlite:///"))
    with Service(tmp_path / "s", PROFILE_EXPORT_STORE=url) as service:
        assert isinstance(service, Service)
        service.listening()
        wait_for(lambda: service.logged("worker ready"))
        file.rename(tmp_path / "elsewhere.db")
        os.kill(service.worker_pid(), signal.SIGKILL)
        wait_for(lambda: len(service.logged("the worker died")) == 2 or file.exists())
        assert not file.exists()
        assert f"There is no job store at {file}" in service.err
        (tmp_path / "elsewhere.db").rename(file)
        with service.client(catalog.tokens["write"]) as client:
            made = client.post(JOBS, json=request()).json()["id"]
            wait_for(lambda: client.get(f"{JOBS}/{made}").json()["status"] == "SUCCEEDED")
        assert service.end() == 0


def test_serve_and_its_worker_end_together(place: tuple[str, SmallCatalog], tmp_path: Path) -> None:
    with Service(tmp_path / "s", PROFILE_EXPORT_STORE=place[0]) as service:
        assert isinstance(service, Service)
        service.listening()
        worker = service.worker_pid()
        assert service.end(signal.SIGTERM) == 0
        assert started(worker) is None


def test_whoever_still_sends_a_body_hears_that_the_service_ends(
    bare: Service, place: tuple[str, SmallCatalog]
) -> None:
    host, _, port = bare.listening().removeprefix("http://").partition(":")
    told = {**place[1].headers(), "host": host, "content-length": "1000"}
    head = [f"POST {JOBS} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall("\r\n".join([*head, "", "{"]).encode())
        with bare.client(place[1].tokens["read"]) as other:  # by then the first call has arrived
            assert other.get(JOBS).status_code == 200
        bare.send(signal.SIGTERM)
        answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 503 ")
    assert "content-type: application/problem+json" in answer.lower()
    assert "The service is being stopped." in answer
    assert bare.process.wait(60) == 0
    assert "Traceback" not in bare.err


def test_a_port_in_use(bare: Service, tmp_path: Path) -> None:
    port = bare.listening().rpartition(":")[2]
    second = Program(("serve", "--no-worker", "--port", port), tmp_path / "second")
    assert second.process.wait(240) == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in second.err
    assert not (tmp_path / "second" / "profile-export.db").exists()


def test_two_services_on_one_store(
    bare: Service, place: tuple[str, SmallCatalog], tmp_path: Path
) -> None:
    url, catalog = place
    with Service(tmp_path / "two", "--no-worker", PROFILE_EXPORT_STORE=url) as other:
        assert isinstance(other, Service)
        token = catalog.tokens["write"]
        with bare.client(token) as one, other.client(token) as two:
            made = [client.post(JOBS, json=request()).json()["id"] for client in (one, two) * 3]
            listed = [r["id"] for r in two.get(JOBS).json()["records"]]
        assert sorted(listed) == sorted(made)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--store", "mysql://x"], 2, "--store: The store must be sqlite"),
        (["--store", "sqlite:////no/such/folder/x.db"], 1, "cannot be opened"),
        (["--engine", "duck"], 2, "--engine: No engine is called 'duck'"),
        (["--sandbox", "none.yml"], 2, "none.yml"),
        (["--port", "70000"], 2, "--port"),
        (["--host", "203.0.113.1"], 1, "cannot listen on 203.0.113.1"),
    ],
)
def test_what_is_wrong_is_said_at_once(
    words: list[str], code: int, told: str, tmp_path: Path
) -> None:
    with Program(("serve", "--port", "0", *words), tmp_path) as failed:
        assert failed.process.wait(240) == code
        assert told in failed.err
        assert "Traceback" not in failed.err
        assert failed.out == ""


def test_sandbox_files_that_cannot_be_served_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "size.yml").write_text(
        "imsOrgId: acme@AcmeOrg\nname: größe\ndatasets: []\n", encoding="utf-8"
    )
    twice = ("--sandbox", "size.yml", "--sandbox", "size.yml")
    with Program(("serve", "--port", "0", *twice), tmp_path) as failed:
        assert failed.process.wait(240) == 2
        assert "size.yml: /name: 'größe' cannot be served" in failed.err
        assert "is declared by size.yml already. [duplicate-sandbox]" in failed.err
        assert "imsOrgId" not in failed.err
        assert not [*tmp_path.glob("*.db")]


SLOW = """
import socket
from profile_export.service.patience import PatientProtocol

for wait in ("head", "body", "stall"):
    setattr(PatientProtocol, f"{wait}_seconds", 1.5)

def connection_made(self, transport, made=PatientProtocol.connection_made):
    # Else a whole answer finds room on its way, and nothing waits to be read.
    transport.set_write_buffer_limits(high=4096)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    made(self, transport)

PatientProtocol.connection_made = connection_made
from profile_export.cli import entry
entry()
"""


SENT = {
    "nothing": b"",
    "a line": b"GET /health/live HTT",
    "headers": b"GET /health/live HTTP/1.1\r\nHost: x\r\n",
    "a body": f"POST {JOBS} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode(),
    "a second request": b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET /heal",
}


def test_slow_clients_are_cut(slow: Service) -> None:
    host, port = slow.listening().removeprefix("http://").split(":")
    clients = {what: socket.create_connection((host, int(port)), timeout=60) for what in SENT}
    for what, sent in SENT.items():
        clients[what].sendall(sent)
    told = {what: until_cut(client) for what, client in clients.items()}
    answered = {what: got for what, got in told.items() if got}
    assert set(answered) <= {"a body", "a second request"}
    assert all(got.startswith(b"HTTP/1.1 ") for got in answered.values())


def until_cut(client: socket.socket) -> bytes:
    """What is received until the other side ends it; raises TimeoutError where that does not."""
    got = b""
    with client, suppress(ConnectionResetError):
        while chunk := client.recv(65536):
            got += chunk
    return got


@pytest.fixture(scope="module")
def slow(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("slow")
    url, store = opened_copy(migrated_file, folder)
    store.close()
    (folder / "slow.py").write_text(SLOW, encoding="utf-8")
    words = ("--no-worker", "--store", url)
    with Service(folder, *words, start=[str(folder / "slow.py")]) as service:
        assert isinstance(service, Service)
        yield service


@pytest.fixture
def asked(slow: Service) -> Iterator[tuple[socket.socket, bytes]]:
    """A client that has asked for something large and can take little of it at once; and that."""
    with slow.client("x") as client:
        whole = client.get("/openapi.json").content
    host, port = slow.listening().removeprefix("http://").split(":")
    with socket.socket() as client_socket:
        client_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client_socket.settimeout(60)
        client_socket.connect((host, int(port)))
        client_socket.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        yield client_socket, whole


def test_who_reads_slowly_is_not_cut(asked: tuple[socket.socket, bytes]) -> None:
    """As long as something is read between two looks."""
    client, whole = asked
    got = b""
    while chunk := client.recv(len(whole) // 40):
        got += chunk
        time.sleep(0.08)
    assert got.endswith(whole)


def test_who_reads_nothing_is_cut(asked: tuple[socket.socket, bytes]) -> None:
    client, whole = asked
    wait_for(lambda: not is_served(client), seconds=60)
    assert len(until_cut(client)) < len(whole)


def is_served(client: socket.socket) -> bool:
    """Whether the other side still has its end of the connection, as the kernel knows."""
    port = client.getsockname()[1]
    ends = map(str.split, Path("/proc/net/tcp").read_text().splitlines())
    return any(end[2] == f"0100007F:{port:04X}" and end[3] == "01" for end in ends)


def test_who_keeps_quiet_between_two_calls_is_not_cut_at_once(slow: Service) -> None:
    with closing(HTTPConnection(slow.listening().removeprefix("http://"), timeout=60)) as client:
        for pause in (2, 0):
            client.request("GET", "/health/live")
            answer = client.getresponse()
            assert (answer.status, bool(answer.read())) == (200, True)
            time.sleep(pause)
