"""docs/api.md, run word for word: what it shows is what happens."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def blocks() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def script(port: int) -> str:
    """All blocks as one script that ends at the first failure; only the port is another."""
    words = "\n".join(blocks()).replace(
        "serve --sandbox demo", f"serve --sandbox demo --port {port}"
    )
    return f"set -euo pipefail\nset -m\n{words}\n"


@pytest.mark.xdist_group("serve")
def test_the_walk_through_works_word_for_word(tmp_path: Path) -> None:
    binaries = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(tmp_path),
    }
    environment.pop("SPARK_CONNECT_MODE_ENABLED", None)
    shell = subprocess.Popen(
        ["bash", "-c", script(0)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = shell.communicate(timeout=600)
    finally:
        _end_session(shell.pid)
    logs = "\n".join(f"--- {f.name}\n{f.read_text()[-3000:]}" for f in tmp_path.glob("*/serve.*"))
    assert shell.returncode == 0, f"{out}\n{err}\n{logs}"
    assert "('/fields', 'unknown-field')" in out
    assert "('/destination/datasetId', 'unknown-dataset')" in out
    assert "SUCCEEDED" in out
    assert re.search(r"\b(204|409)\b", out)


def _end_session(leader: int) -> None:
    """Stop what the script left in its session, should it have failed half way (set -m: groups)."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            try:
                os.kill(int(entry.name), signal.SIGKILL)
            except ProcessLookupError:
                continue
