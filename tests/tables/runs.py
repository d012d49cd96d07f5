"""Runs of jobs in processes of their own, and what must hold of a target after them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from deltalake import DeltaTable

from profile_export.commit import app_id
from profile_export.faults import VARIABLE
from profile_export.plan import ExportPlan

CHILD = Path(__file__).with_name("child.py")
TESTS, JOBS = CHILD.parents[1], CHILD.parents[2] / "jobs"


def start(
    plan: ExportPlan, engine: str, folder: Path, *words: str, fault: str = ""
) -> "subprocess.Popen[str]":
    """Start a run of ``plan`` in a new process; ``words`` as ``child.py`` takes them."""
    file = folder / f"plan-{plan.job_id}.json"
    file.write_text(plan.model_dump_json(by_alias=True), encoding="utf-8")
    paths = os.pathsep.join(map(str, (JOBS, TESTS)))
    environment = {**os.environ, VARIABLE: fault, "PYTHONPATH": paths}
    return subprocess.Popen(
        [sys.executable, str(CHILD), engine, str(file), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def run(plan: ExportPlan, engine: str, folder: Path, *, fault: str = "") -> tuple[int, str]:
    """Run ``plan`` in a new process to its end; exit code (negative: signal) and output."""
    process = start(plan, engine, folder, fault=fault)
    out, err = process.communicate(timeout=600)
    return process.returncode, out + err


def target_of(plan: ExportPlan) -> Path:
    return Path(plan.target.table.location or "")


def findings(plan: ExportPlan, *, records: list[int]) -> list[str]:
    """What is wrong with a target after ``plan``'s job is done; empty where all is well."""
    target = target_of(plan)
    commits = [f for f in (target / "_delta_log").glob("*.json") if app_id(plan) in f.read_text()]
    papers = target / "_profile_export" / str(plan.job_id)
    manifest = json.loads((papers / "manifest.json").read_text())
    job = json.loads((papers / "job.json").read_text())
    named = {file["path"] for batch in manifest["batches"] for file in batch["files"]}
    lying = {
        str(f.relative_to(target))
        for b in plan.batches
        for f in (target / f"_ACP_BATCHID={b.batch_id}").glob("**/*")
    }
    live = {Path(uri).name for uri in DeltaTable(str(target)).file_uris()}
    checks = {
        f"{len(commits)} commits": len(commits) == 1,
        f"strays {lying - named}": lying == named,
        "files that the table does not have": {Path(n).name for n in named} <= live,
        f"left over {list(papers.iterdir())}": len(list(papers.iterdir())) == 2,
        "another number of rows": [b["recordCount"] for b in manifest["batches"]] == records,
        f"status {job['status']}": job["status"] == "SUCCEEDED",
    }
    return [finding for finding, fine in checks.items() if not fine]


def left_of(plan: ExportPlan) -> list[str]:
    """What a job that did not happen has left at its target."""
    return sorted(str(path) for path in target_of(plan).glob("**/*"))
