"""Spark's settings are found beside ``jobs/``, and where pip has put them; else that is told."""

import tomllib
from pathlib import Path

import pytest

from profile_export.engines import _settings
from profile_export.errors import JobFailed

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("spark-defaults.conf", "spark-local.conf")


def test_they_are_those_of_the_clone() -> None:
    assert _settings.conf_folder() == ROOT / "conf"


def test_all_of_them_are_installed_with_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (globs,) = project["tool"]["setuptools"]["data-files"].values()
    installed = {file.name for glob in globs for file in ROOT.glob(glob)}
    assert installed == {file.name for file in (ROOT / "conf").iterdir() if file.is_file()}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip installs packages; ours seems to be there."""
    made = tmp_path / "lib" / "python" / "site-packages"
    made.mkdir(parents=True)
    monkeypatch.syspath_prepend(made)
    here = made / "profile_export" / "engines" / "_settings.py"
    monkeypatch.setattr(_settings, "__file__", str(here))
    return made


def test_an_installed_package_finds_them_by_what_pip_has_noted(site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "share" / "profile-export" / "conf"
    folder.mkdir(parents=True)
    notes = site / "profile_export-0.1.0.dist-info"
    notes.mkdir()
    (notes / "METADATA").write_text("Name: profile-export\nVersion: 0.1.0\n", encoding="utf-8")
    for name in NAMES:
        (folder / name).touch()
        with (notes / "RECORD").open("a", encoding="utf-8") as record:
            record.write(f"../../../share/profile-export/conf/{name},,\n")
    assert _settings.conf_folder() == folder


@pytest.mark.usefixtures("site")
def test_where_there_are_none_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.files", lambda _: None)  # what runs this may have some
    with pytest.raises(JobFailed, match="PROFILE_EXPORT_CONF") as caught:
        _settings.conf_folder()
    assert caught.value.code == "engine"
    monkeypatch.setenv("PROFILE_EXPORT_CONF", str(tmp_path))
    with pytest.raises(JobFailed, match=f"no {tmp_path}/spark-defaults.conf"):
        _settings.conf_folder()
