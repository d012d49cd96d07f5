"""./spark-submit.sh, with a spark-submit that only notes what it was given, or runs the Python."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import pytest

from profile_export.engines._delta_jars import DELTA_VERSION

ROOT = Path(__file__).resolve().parents[2]
_NOTES = '#!/bin/bash\nprintf "%s\\n" "$@"\n'
_RUNS = """#!/bin/bash
echo "from Java, before" >&2
while [[ $1 != *.py ]]; do shift; done
# A stdin on which nothing comes, and one stream for all that it writes.
"$PYSPARK_PYTHON" "$@" 2>&1 < <(exec sleep 20 2>/dev/null)
code=$?
echo "from Java, afterwards" >&2
exit $code
"""


def submitted(
    tmp_path: Path,
    *words: str,
    sent: str = "",
    does: str = _NOTES,
    stdout: IO[str] | int = subprocess.PIPE,
    stderr: IO[str] | int = subprocess.PIPE,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    jars, program = tmp_path / f"jars-{DELTA_VERSION}", tmp_path / "spark" / "bin" / "spark-submit"
    for folder in (jars, program.parent):
        folder.mkdir(parents=True, exist_ok=True)
    (jars / "delta-spark.jar").write_text("x", encoding="utf-8")
    (jars / "listing.json").write_text('{"delta-spark.jar": 1}', encoding="utf-8")
    program.write_text(does, encoding="utf-8")
    program.chmod(0o755)
    theirs = ("MASTER", "DEPLOY_MODE", "SPARK_CONF_DIR")
    environment = {
        **{key: value for key, value in os.environ.items() if key not in theirs},
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(tmp_path / "spark"),
        "PROFILE_EXPORT_HOME": str(tmp_path),
        **environment,
    }
    return subprocess.run(
        [str(ROOT / "spark-submit.sh"), *words],
        input=sent,
        stdout=stdout,
        stderr=stderr,
        text=True,
        env=environment,
        check=False,
        timeout=50,
    )


def settings(done: subprocess.CompletedProcess[str]) -> Mapping[str, str]:
    """What spark-submit was given by ``--conf``."""
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()
    given = [words[at + 1] for at, word in enumerate(words) if word == "--conf"]
    return dict(setting.split("=", 1) for setting in given)


def option(done: subprocess.CompletedProcess[str], name: str) -> str:
    words = done.stdout.splitlines()
    return words[words.index(name) + 1]


def test_a_session_without_a_master_is_of_this_machine(tmp_path: Path) -> None:
    assert settings(submitted(tmp_path, "run", "r.json"))["spark.driver.host"] == "127.0.0.1"
    on_two = submitted(tmp_path, "--conf", "spark.master=local[2]", "run", "r.json")
    assert settings(on_two)["spark.driver.host"] == "127.0.0.1"


@pytest.mark.parametrize("told", ["option", "conf", "file", "defaults", "environment"])
def test_a_cluster_is_known_wherever_spark_finds_its_master(tmp_path: Path, told: str) -> None:
    """Executors elsewhere could not reach a driver that is told to be 127.0.0.1."""
    (tmp_path / "spark-defaults.conf").write_text("spark.master = yarn \n", encoding="utf-8")
    words: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    if told == "option":
        words = ("--master", "yarn")
    elif told == "conf":
        words = ("--conf", "spark.master=yarn")
    elif told == "file":
        words = ("--properties-file", str(tmp_path / "spark-defaults.conf"))
    elif told == "defaults":
        environment = {"SPARK_CONF_DIR": str(tmp_path)}
    else:
        environment = {"MASTER": "yarn"}
    given = settings(submitted(tmp_path, *words, "run", "r.json", **environment))
    assert "spark.driver.host" not in given


def test_a_file_of_settings_leaves_ours_where_it_says_nothing(tmp_path: Path) -> None:
    """It took the place of ours, Delta's among them."""
    theirs = tmp_path / "my.conf"
    theirs.write_text("spark.driver.memory: 3g\n# spark.sql.x y\nspark.x\ty z\n", encoding="utf-8")
    done = submitted(tmp_path, "--properties-file", str(theirs), "run", "r.json")
    given = settings(done)
    assert given["spark.sql.extensions"] == "io.delta.sql.DeltaSparkSessionExtension"
    assert "spark.driver.memory" not in given
    assert option(done, "--properties-file") == str(theirs)


def test_jars_of_the_user_and_of_the_cluster_are_kept(tmp_path: Path) -> None:
    (tmp_path / "spark-defaults.conf").write_text("spark.jars /opt/s3.jar\n", encoding="utf-8")
    done = submitted(tmp_path, "run", "r.json", SPARK_CONF_DIR=str(tmp_path))
    assert option(done, "--jars").endswith("delta-spark.jar,/opt/s3.jar")
    done = submitted(tmp_path, "--jars", "my.jar", "run", "r.json")
    assert option(done, "--jars").endswith("delta-spark.jar,my.jar")


def test_a_driver_elsewhere_gets_the_package_beside_the_users_own(tmp_path: Path) -> None:
    mode = ("--conf", "spark.submit.deployMode=cluster")
    done = submitted(tmp_path, "--master", "yarn", *mode, "--py-files", "my.zip", "run", "r.json")
    assert option(done, "--py-files").endswith("profile_export.zip,my.zip")


@pytest.mark.parametrize("name", ["--jars", "--conf", "--master"])
def test_an_option_without_its_value_is_told(tmp_path: Path, name: str) -> None:
    done = submitted(tmp_path, name)
    assert (done.returncode, done.stderr) == (2, f"spark-submit.sh: {name} needs a value\n")


@pytest.mark.parametrize("home", ["", "/nowhere"])
def test_a_machine_without_java_is_told(tmp_path: Path, home: str) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "dirname", "readlink", "env"):
        (tools / name).symlink_to(shutil.which(name) or name)
    done = submitted(tmp_path, "run", "r.json", PATH=str(tools), JAVA_HOME=home)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Spark needs Java 17 or later" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_cluster_that_says_itself_where_java_is_is_believed(tmp_path: Path) -> None:
    (tmp_path / "spark-env.sh").write_text("export JAVA_HOME=/elsewhere\n", encoding="utf-8")
    done = submitted(tmp_path, "run", "r.json", JAVA_HOME="/nowhere", SPARK_CONF_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr


def test_a_request_of_stdin_comes_through(tmp_path: Path) -> None:
    """spark-submit gives the Python a stdin of its own, and `run -` waited for ever."""
    words = ("run", "-", "--sandbox", str(tmp_path / "none.yml"), "--json")
    done = submitted(tmp_path, *words, sent='{"fields": "a", "fields": "b"}', does=_RUNS)
    assert done.returncode == 2, done.stderr
    codes = {problem["code"] for problem in json.loads(done.stdout)["errors"]}
    assert codes == {"duplicate-key", "missing", "file-unreadable"}


@pytest.mark.parametrize("joined", [True, False])
def test_files_of_what_is_said_hold_all_of_it(tmp_path: Path, joined: bool) -> None:
    """Two handles on a file each had a place of their own to write at."""
    out, err = tmp_path / "out", tmp_path / "err"
    words = ("run", str(tmp_path / "none.json"), "--sandbox", str(tmp_path / "none.yml"), "--json")
    with out.open("w") as to_out, err.open("w") as to_err:
        # What runs before and after in the caller's script shares the place with spark-submit.sh.
        to_out.write("of the caller\n")
        to_out.flush()
        submitted(tmp_path, *words, does=_RUNS, stdout=to_out, stderr=to_out if joined else to_err)
        to_out.write("of the caller again\n")
    said = out.read_text(encoding="utf-8")
    told = said if joined else err.read_text(encoding="utf-8")
    in_pipes = submitted(tmp_path, *words, does=_RUNS).stderr.splitlines()
    assert len(in_pipes) == 4
    assert set(in_pipes) <= set(told.splitlines())
    assert said.startswith("of the caller\n")
    assert said.endswith("of the caller again\n")
    assert '"type": "urn:profile-export:error:invalid-request"' in said
