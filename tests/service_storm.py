"""Jobs from many clients while the service is killed again and again: every job once, none lost.

``scripts/service-storm`` runs it with a thousand jobs, ``tests/service/test_storm.py`` with a few.
"""

import argparse
import json
import os
import random
import signal
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import func, select

from postgres import Postgres
from profile_export.sandbox import load_sandbox
from profile_export.service.store import Store, from_file, open_store, tokens
from profile_export.service.store.tables import jobs as table
from serving import NAME, ORG
from tables.plans import crm
from working import JOBS, Service

TARGET = "5b020a27e7040801dedba61b"
SANDBOX = f"""
imsOrgId: {ORG}
name: {NAME}
datasets:
  - {{id: crm, name: CRM, class: profile, table: {{path: crm}}, ingestTime: ingested,
     primaryIdentity: {{namespace: crmId, field: id}}}}
  - {{id: {TARGET}, name: Export, class: export, table: {{path: out}},
     schemaRef: {{id: "https://ns.adobe.com/xdm/context/profile__union"}}}}
mergePolicies:
  - {{id: none, name: None, version: 1, default: true, schema: {{name: _xdm.context.profile}},
     identityGraph: {{type: none}}, attributeMerge: {{type: timestampOrdered}}}}
"""
BODY = {
    "fields": "email",
    "destination": {"datasetId": TARGET},
    "schema": {"name": "_xdm.context.profile"},
}


@dataclass
class Storm:
    """What is asked of a storm, and what came of it.

    Attributes:
        folder: Of the sandbox, and of the services' output.
        url: Of the store.
        jobs: How many are submitted.
        clients: Threads that submit them.
        kills: How often ``serve`` is killed and started again; every second time with its worker.
    """

    folder: Path
    url: str
    jobs: int
    clients: int
    kills: int
    accepted: list[int] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)

    def run(self) -> list[str]:
        """The whole storm; what is wrong after it."""
        store = open_store(self.url)
        token = self._filled(store)
        begun = time.monotonic()
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self._port = found.getsockname()[1]
        submitting = threading.Thread(target=self._submit_all, args=(token,))
        service = self._service()
        submitting.start()
        pause = random.Random(24115)
        for number in range(1, self.kills + 1):
            self._wait_for_share(store, number / (self.kills + 1))
            time.sleep(pause.uniform(0, 0.3))
            worker = service.worker_pid()
            os.kill(service.process.pid, signal.SIGKILL)
            if number % 2 == 0:  # else it goes away by itself, and hands its job over
                os.kill(worker, signal.SIGKILL)
            service.process.wait()
            service = self._service()
        submitting.join()
        self.figures["submitted after s"] = round(time.monotonic() - begun, 1)
        try:
            wrong = self._until_all_ended(store)
        finally:
            code = service.end()
        self.figures["ended after s"] = round(time.monotonic() - begun, 1)
        wrong += [] if code == 0 else [f"serve ended with {code}: {service.err[-500:]}"]
        wrong += self._findings(store)
        store.close()
        return wrong

    def _filled(self, store: Store) -> str:
        crm(self.folder, rows=5)
        file = self.folder / "sandbox.yml"
        file.write_text(SANDBOX, encoding="utf-8")
        with store.write() as connection:
            from_file.load(connection, load_sandbox(file), root=str(self.folder))
            return tokens.create(connection, ORG, [NAME], can_write=True)[0]

    def _service(self) -> Service:
        environment = {"PROFILE_EXPORT_STORE": self.url}
        return Service(self.folder / "services", "--port", str(self._port), **environment)

    def _submit_all(self, token: str) -> None:
        share = [
            self.jobs // self.clients + (n < self.jobs % self.clients) for n in range(self.clients)
        ]
        threads = [threading.Thread(target=self._submit, args=(token, count)) for count in share]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _submit(self, token: str, count: int) -> None:
        """Submit so many jobs, each until it is accepted; its key makes it one."""
        headers = {
            "authorization": f"Bearer {token}",
            "x-api-key": "storm",
            "x-gw-ims-org-id": ORG,
            "x-sandbox-name": NAME,
            "content-type": "application/json",
        }
        with httpx.Client(base_url=f"http://127.0.0.1:{self._port}", headers=headers) as client:
            for _ in range(count):
                key = uuid.uuid4().hex
                while (accepted := self._once(client, key)) is None:
                    time.sleep(0.1)
                self.accepted.append(accepted)

    def _once(self, client: httpx.Client, key: str) -> int | None:
        try:
            answer = client.post(JOBS, json=BODY, headers={"idempotency-key": key}, timeout=60)
        except httpx.TransportError:
            return None
        if answer.status_code in (409, 503):
            return None
        assert answer.status_code == 200, answer.text
        return int(answer.json()["id"])

    def _wait_for_share(self, store: Store, share: float) -> None:
        while self._statuses(store)["SUCCEEDED"] < share * self.jobs:
            time.sleep(0.05)

    def _until_all_ended(self, store: Store) -> list[str]:
        last, since = -1, time.monotonic()
        while (open_ := sum(n for s, n in self._statuses(store).items() if s in _OPEN)) > 0:
            last, since = (last, since) if open_ == last else (open_, time.monotonic())
            if time.monotonic() - since > 90:
                return [f"{open_} jobs do not end"]
            time.sleep(0.05)
        return []

    def _statuses(self, store: Store) -> Counter[str]:
        asked = select(table.c.status, func.count().label("n")).group_by(table.c.status)
        with store.read() as connection:
            return Counter({row.status: row.n for row in connection.execute(asked)})

    def _findings(self, store: Store) -> list[str]:
        with store.read() as connection:
            rows = connection.execute(table.select()).all()
        stored = {row.id: row for row in rows}
        out, wrong = self.folder / "out", []
        commits = Counter(_commits(out))
        self.figures["tries"] = dict(sorted(Counter(row.attempt for row in rows).items()))
        if len(self.accepted) != self.jobs or len(set(self.accepted)) != self.jobs:
            wrong.append(f"{len(set(self.accepted))} jobs accepted, not {self.jobs}")
        if set(stored) != set(self.accepted):
            wrong.append(f"stored but not accepted: {set(stored) ^ set(self.accepted)}")
        wrong += [f"{i} is {r.status}" for i, r in stored.items() if r.status != "SUCCEEDED"]
        wrong += [f"{i}: {commits[i]} commits" for i in stored if commits[i] != 1]
        named = {
            file["path"]
            for i in stored
            for batch in json.loads((out / f"_profile_export/{i}/manifest.json").read_text())[
                "batches"
            ]
            for file in batch["files"]
        }
        lying = {str(f.relative_to(out)) for f in out.glob("_ACP_BATCHID=*/**/*") if f.is_file()}
        wrong += [f"strays {lying - named}, missing {named - lying}"] * (lying != named)
        left = [f for f in out.glob("_profile_export/*/*") if f.name not in _PAPERS]
        return wrong + [f"left over {left}"] * bool(left)


_OPEN = ("NEW", "PROCESSING", "CANCELLING")
_PAPERS = ("manifest.json", "job.json")


def _commits(out: Path) -> list[int]:
    """Job ids of the transactions in the target's log."""
    actions = (
        json.loads(line)
        for file in (out / "_delta_log").glob("*.json")
        for line in file.read_text(encoding="utf-8").splitlines()
    )
    return [int(a["txn"]["appId"].split("/")[1]) for a in actions if "txn" in a]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    asked = parser.parse_args()
    server = Postgres() if asked.store == "postgresql" else None
    with tempfile.TemporaryDirectory(prefix="service-storm-") as name:
        url = f"sqlite:///{name}/store.db"
        try:
            if server is not None:
                server.start()
                url = server.url(server.create())
            storm = Storm(Path(name), url, asked.jobs, asked.clients, asked.kills)
            wrong = storm.run()
        finally:
            if server is not None:
                server.remove()
    seconds = float(str(storm.figures["ended after s"]))
    sys.stdout.write("".join(f"{finding}\n" for finding in wrong[:20]))
    sys.stdout.write(
        f"{asked.jobs} jobs of {asked.clients} clients on {asked.store}, serve killed {asked.kills}"
        f" times: {storm.figures}, {seconds / asked.jobs:.3f} s a job, {len(wrong)} findings\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
