"""Delta's JARs lie in a folder of the project's own, whole or not at all."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from profile_export.engines import _delta_jars
from profile_export.engines._delta_jars import DELTA_VERSION, delta_jars
from profile_export.errors import JobFailed

NAMES = ["io.delta_delta-spark_4.2_2.13-4.4.0.jar", "io.delta_delta-storage-4.4.0.jar"]


class Resolver:
    """Stands for Spark's: writes the JARs, counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, ivy: Path) -> list[Path]:
        self.calls += 1
        (ivy / "jars").mkdir(parents=True)
        jars = [ivy / "jars" / name for name in NAMES]
        for jar in jars:
            jar.write_bytes(b"jar" * 100)
        return jars


@pytest.fixture
def resolver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resolver:
    monkeypatch.setenv("PROFILE_EXPORT_HOME", str(tmp_path))
    fake = Resolver()
    monkeypatch.setattr(_delta_jars, "_resolved", fake)
    return fake


def test_they_are_resolved_once(resolver: Resolver, tmp_path: Path) -> None:
    first = delta_jars()
    assert [jar.name for jar in first] == NAMES
    assert delta_jars() == first
    assert resolver.calls == 1
    assert [entry.name for entry in tmp_path.iterdir()] == [f"jars-{DELTA_VERSION}"]


@pytest.mark.parametrize("harm", ["file gone", "file cut", "listing gone", "listing cut"])
def test_a_folder_that_is_not_whole_is_filled_again(
    harm: str, resolver: Resolver, tmp_path: Path
) -> None:
    folder = delta_jars()[0].parent
    victim = folder / (NAMES[0] if harm.startswith("file") else "listing.json")
    if harm.endswith("gone"):
        victim.unlink()
    else:
        victim.write_bytes(victim.read_bytes()[:10])
    assert [jar.name for jar in delta_jars()] == NAMES
    assert resolver.calls == 2
    assert [entry.name for entry in tmp_path.iterdir()] == [folder.name]


def test_two_at_once_both_get_them(
    resolver: Resolver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = Barrier(2)

    def together(ivy: Path) -> list[Path]:
        jars = resolver(ivy)
        both.wait()
        return jars

    monkeypatch.setattr(_delta_jars, "_resolved", together)
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda _: delta_jars(), range(2))
    assert [jar.name for jar in one] == NAMES
    assert one == other
    assert [entry.name for entry in tmp_path.iterdir()] == [f"jars-{DELTA_VERSION}"]


def test_without_a_repository_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> "subprocess.CompletedProcess[str]":
        told = "Server access error at url ...: java.net.UnknownHostException: repo.example\n"
        return subprocess.CompletedProcess([], 1, "", told)

    monkeypatch.setenv("PROFILE_EXPORT_HOME", str(tmp_path))
    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(JobFailed) as caught:
        delta_jars()
    assert caught.value.code == "delta-jars"
    assert "repo.example" in str(caught.value)
    assert "PROFILE_EXPORT_HOME" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("case", ["not writable", "no home"])
def test_without_a_folder_of_its_own_the_error_says_what_to_do(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PROFILE_EXPORT_HOME", str(tmp_path / "file" / "folder"))
    if case == "no home":

        def nowhere() -> Path:
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.delenv("PROFILE_EXPORT_HOME")
        monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(JobFailed, match="PROFILE_EXPORT_HOME") as caught:
        delta_jars()
    assert caught.value.code == "delta-jars"


def test_a_spark_home_without_spark_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROFILE_EXPORT_HOME", str(tmp_path))
    monkeypatch.setenv("SPARK_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(JobFailed, match="Correct SPARK_HOME") as caught:
        delta_jars()
    assert caught.value.code == "engine"
    assert list(tmp_path.iterdir()) == []


def test_spark_submit_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, "-m", "profile_export.engines._delta_jars"],
        env={**os.environ, "PROFILE_EXPORT_HOME": str(tmp_path / "file" / "folder")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Delta's JARs for Spark have no folder")
    assert len(done.stderr.splitlines()) == 1
