"""A real PostgreSQL for tests: in a temporary folder, on a free port, stopped with the tests."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

MISSING = (
    "The tests of the job store need PostgreSQL's server (initdb, postgres). Install it: "
    "apt-get install -y --no-install-recommends postgresql (scripts/test does so as root)."
)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # Nothing here outlives the tests.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "16MB",
}


def program(name: str) -> str:
    """Where a program of PostgreSQL's server lies: distributions keep them off the PATH."""
    installed = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = max(installed, key=lambda path: float(path.parts[4]), default=None)
    found = shutil.which(name) or (str(newest) if newest else None)
    assert found is not None, MISSING
    return found


class Postgres:
    """One server. ``start`` and ``stop`` may be called again and again; data and port stay."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pe-pg-"))
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        if self._owner is not None:
            shutil.chown(self.folder, *self._owner)
        made = subprocess.run(
            [
                *self._as_owner(), program("initdb"), "--pgdata", str(self.folder / "data"),
                "--username", "tests", "--auth", "trust", "--no-sync", "--encoding", "UTF8",
                "--locale", "C",
            ],
            capture_output=True, text=True, check=False, cwd=self.folder,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = {**_SETTINGS, "unix_socket_directories": str(self.folder)}
        words = [word for item in settings.items() for word in ("-c", "=".join(item))]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self._as_owner(dies=True), program("postgres"),
                    "-D", str(self.folder / "data"), "-p", str(self.port), *words,
                ],
                stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        until = time.monotonic() + 240
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                assert self._process.poll() is None, self.log()
                assert time.monotonic() < until, self.log()
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop it at once: clients lose their connections, committed data stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # PostgreSQL's "fast" shutdown
            self._process.wait(240)
            self._process = None

    def remove(self) -> None:
        """Stop it and delete everything."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder.parent / f"{self.folder.name}.log").unlink(missing_ok=True)

    def url(self, database: str) -> str:
        return f"postgresql://tests@127.0.0.1:{self.port}/{database}"

    def create(self, *, template: str | None = None) -> str:
        """A new database, empty or a copy of another that nobody uses; gives its name."""
        self._databases += 1
        name = f"t{self._databases}"
        self.do(f"CREATE DATABASE {name} TEMPLATE {template or 'template1'}")
        return name

    def drop(self, database: str) -> None:
        self.do(f"DROP DATABASE {database} WITH (FORCE)")

    def do(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def log(self) -> str:
        return (self.folder.parent / f"{self.folder.name}.log").read_text(errors="replace")

    @property
    def _owner(self) -> tuple[int, int] | None:
        """Whom the server runs as: PostgreSQL refuses to be root."""
        if os.geteuid() != 0:
            return None
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            user = pwd.getpwnam("nobody")
        return user.pw_uid, user.pw_gid

    def _as_owner(self, *, dies: bool = False) -> list[str]:
        """What a command begins with.

        Args:
            dies: If the tests are killed, what was started goes with them (on Linux).
        """
        if shutil.which("setpriv") is None:
            assert self._owner is None, "As root, PostgreSQL is started by setpriv (util-linux)."
            return []
        death = ["--pdeathsig", "INT"] if dies else []
        if self._owner is None:
            return ["setpriv", *death]
        uid, gid = self._owner
        return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *death]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
