"""scripts/demo: its words are the command's, and say nothing about what is installed; an
environment that was cut short, or is another clone's, is made anew. spark-submit.sh: what is wrong
before Spark begins is told."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_NOTES = '#!/bin/sh\necho "$0 $*" >> "{said}"\n'


# Stands for a Python, and for the one of an environment: its programs name their place.
_PYTHON = """#!/bin/bash
case "$*" in
  "-m venv "*)
    mkdir -p "$3/bin"; cp "$0" "$3/bin/python"
    if [ -n "$CUT_SHORT" ]; then kill -9 $PPID; else touch "$3/pip"; fi ;;
  "-m pip "*)
    place=$(cd "$(dirname "$0")/.." && pwd)
    [ -e "$place/pip" ] || { echo "No module named pip" >&2; exit 1; }
    printf '#!/bin/sh\necho ran %s\n' "$place" > "$place/bin/profile-export"
    chmod +x "$place/bin/profile-export" ;;
  "-m compileall "*) exec "$COMPILER" "$@" ;;
  "-m tables.kill_loop "* | "-m service_storm"*) echo "ran $*" ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone as far as the scripts look at it, with a Python beside it."""
    made = tmp_path / "clone"
    for name in ("scripts/demo", "scripts/_venv", "pyproject.toml", "constraints.txt"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, made / name)
    python = tmp_path / "python"
    python.write_text(_PYTHON, encoding="utf-8")
    python.chmod(0o755)
    return made


def _demo(clone: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    python = {"PYTHON": str(clone.parent / "python"), "COMPILER": sys.executable}
    told = {**python, "CUT_SHORT": "", **environment}
    return subprocess.run(
        [clone / "scripts" / "demo"],
        env={**os.environ, **told},
        cwd=clone.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_folder_for_the_demo_is_named_from_where_it_is_called(clone: Path) -> None:
    assert _demo(clone).returncode == 0
    (clone / ".venv" / "bin" / "profile-export").write_text("#!/bin/sh\npwd\n", encoding="utf-8")
    assert _demo(clone).stdout == f"{clone.parent}\n"


def test_an_environment_that_was_cut_short_is_made_anew(clone: Path) -> None:
    assert _demo(clone, CUT_SHORT="yes").returncode != 0
    assert (clone / ".venv" / "bin" / "python").exists()
    done = _demo(clone)
    assert (done.returncode, done.stdout) == (0, f"ran {clone}/.venv\n"), done.stderr


def test_the_package_is_compiled_for_who_lets_no_command_do_so(clone: Path) -> None:
    module = clone / "jobs" / "package" / "module.py"
    module.parent.mkdir(parents=True)
    module.write_text("", encoding="utf-8")
    done = _demo(clone, PYTHONDONTWRITEBYTECODE="1")
    assert (done.returncode, done.stdout) == (0, f"ran {clone}/.venv\n"), done.stderr
    assert list(module.parent.glob("__pycache__/module.*.pyc"))


@pytest.mark.parametrize("how", [shutil.copytree, shutil.move])
def test_an_environment_of_another_folder_is_made_anew(
    how: Callable[[Path, Path], object], clone: Path
) -> None:
    assert _demo(clone).returncode == 0
    other = clone.parent / "other"
    how(clone, other)
    assert _demo(other).stdout == f"ran {other}/.venv\n"


def test_what_was_installed_for_one_script_serves_another(clone: Path) -> None:
    install = f'. {clone}/scripts/_venv "[test]"'
    environment = {**os.environ, "PYTHON": str(clone.parent / "python"), "CUT_SHORT": ""}
    subprocess.run(["bash", "-eu", "-c", install], env=environment, check=True, timeout=60)
    (
        clone / ".venv" / "pip"
    ).unlink()  # as where there is no network: nothing more can be installed
    assert _demo(clone).returncode == 0
    subprocess.run(["bash", "-eu", "-c", install], env=environment, check=True, timeout=60)
    refused = subprocess.run(
        ["bash", "-eu", "-c", install.replace("test", "bench")],
        env=environment,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 1
    assert _demo(clone).returncode == 0


@pytest.mark.parametrize(
    ("script", "ran"),
    [
        ("kill-loop", "ran -m tables.kill_loop 20 sail\n"),
        ("service-storm", "ran -m service_storm\n"),
    ],
)
def test_a_script_for_developers_installs_what_it_needs(script: str, ran: str, clone: Path) -> None:
    shutil.copy(ROOT / "scripts" / script, clone / "scripts")
    shutil.copy(clone.parent / "python", clone.parent / "python3.13")
    environment = {**os.environ, "PATH": f"{clone.parent}:{os.environ['PATH']}", "CUT_SHORT": ""}
    environment.pop("PYTHON", None)
    done = subprocess.run(
        [clone / "scripts" / script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, ran), done.stderr


def test_an_environment_of_the_users_own_is_kept(clone: Path) -> None:
    subprocess.run(
        [clone.parent / "python", "-m", "venv", clone / ".venv"], check=True, env={"CUT_SHORT": ""}
    )
    (clone / ".venv" / "mine").touch()
    assert _demo(clone).returncode == 0
    assert (clone / ".venv" / "mine").exists()
    assert "Installing" not in _demo(clone).stderr


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
    installed, compiled, ran = said.read_text(encoding="utf-8").splitlines()
    assert installed.endswith(
        "-m pip install --quiet --disable-pip-version-check -c constraints.txt -e ."
    )
    assert compiled.endswith("-m compileall -qq jobs bench")
    assert ran.endswith("/.venv/bin/profile-export demo --engine spark")


def _submit(*words: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [ROOT / "spark-submit.sh", *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("option", ["--jars", "--master", "--deploy-mode", "--conf"])
def test_an_option_of_spark_submit_without_its_value_is_told(option: str) -> None:
    assert _submit(option) == (2, f"spark-submit.sh: {option} needs a value\n")


def test_a_spark_home_without_spark_is_told(tmp_path: Path) -> None:
    code, told = _submit("run", "request.json", SPARK_HOME=str(tmp_path))
    assert code == 1
    assert told.startswith(f"spark-submit.sh: SPARK_HOME is {tmp_path}, where no Spark is")
