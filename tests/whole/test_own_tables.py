"""docs/own-tables.md, run word for word: what it shows is what comes."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "own-tables.md"
BLOCK = re.compile(r"^```(sh)?\n(.*?)^```$", re.M | re.S)


def test_the_page_works_word_for_word(tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert [kind for kind, _ in blocks] == ["sh"] * 4 + ["", "sh", "", "sh"]
    said = ""
    for kind, text in blocks:
        if kind == "sh":
            said = run(text, tmp_path)
        else:
            assert said.endswith(text)
    assert said.startswith("email:ada@example.com would be in an export made ")


def run(script: str, folder: Path) -> str:
    """What commands say on stdout, typed in ``folder``."""
    binaries = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("SPARK_CONNECT_MODE_ENABLED", None)
    environment.pop("COLUMNS", None)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
