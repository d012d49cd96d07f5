"""scripts/demo: its words are the command's, and say nothing about what is installed."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NOTES = '#!/bin/sh\necho "$0 $*" >> "{said}"\n'


def test_words_of_the_demo_go_to_its_command_only(tmp_path: Path) -> None:
    said = tmp_path / "said"
    clone, programs = tmp_path / "clone", tmp_path / "clone" / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("scripts/demo", "scripts/_venv", "pyproject.toml", "constraints.txt"):
        (clone / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    for name in ("python", "profile-export"):
        (programs / name).write_text(_NOTES.format(said=said), encoding="utf-8")
        (programs / name).chmod(0o755)
    subprocess.run([clone / "scripts" / "demo", "--engine", "spark"], check=True, timeout=60)
    installed, ran = said.read_text(encoding="utf-8").splitlines()
    assert installed.endswith(
        "-m pip install --quiet --disable-pip-version-check -c constraints.txt -e ."
    )
    assert ran.endswith("/.venv/bin/profile-export demo --engine spark")
