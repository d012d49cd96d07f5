"""Results as JSON: what was measured, with what, on what. No path, no host name."""

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.programs import ROOT
from bench.shape import Shape

FOLDER = ROOT / "bench" / "results"
_PACKAGES = ("profile-export", "pyspark", "pysail", "deltalake", "duckdb", "pyarrow")


def machine() -> dict[str, Any]:
    """What the numbers depend on; the load says whether others worked here too."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def load() -> float:
    """Runnable processes in the last minute."""
    return round(os.getloadavg()[0], 1)


def write(name: str, shape: Shape, rounds: int, found: dict[str, Any], loads: list[float]) -> Path:
    """Write the cases of one set of tables as ``bench/results/{name}.json``."""
    return save(name, {"shape": shape.as_json(), **around(rounds, loads), "cases": found})


def around(rounds: int, loads: list[float]) -> dict[str, Any]:
    """What stands in every result beside its numbers."""
    load = {"least": min(loads), "most": max(loads)}
    return {"rounds": rounds, "machine": machine(), "load": load}


def save(name: str, told: dict[str, Any]) -> Path:
    """Write ``bench/results/{name}.json``; an older one of that name is replaced."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / f"{name}.json"
    file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return file


def read_all() -> dict[str, dict[str, Any]]:
    """Every result of ``scripts/bench`` by its file's name, smallest tables first."""
    read = {name: told for name, told in _read().items() if "kind" not in told}
    return dict(sorted(read.items(), key=lambda item: (item[1]["shape"]["persons"], item[0])))


def of_kind(kind: str) -> list[dict[str, Any]]:
    """The results of another benchmark, which say so: ``sizes``, ``skew``, ``cluster``."""
    return [told for _, told in sorted(_read().items()) if told.get("kind") == kind]


def _read() -> dict[str, dict[str, Any]]:
    return {f.stem: json.loads(f.read_text(encoding="utf-8")) for f in FOLDER.glob("*.json")}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "from its sources"
