"""Files below a folder: whole or not at all, and tidied."""

import hashlib
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from profile_export.storage import Folder, Stored


@pytest.fixture(params=["path", "uri", "odd"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """The same place by path, by URI, and at a path with signs that mean something in URIs."""
    if request.param == "odd":
        return Folder(str(tmp_path / "a b#c%20d?e=ü"))
    return Folder(tmp_path.as_uri() if request.param == "uri" else str(tmp_path))


def test_a_file_is_written_whole_and_replaced(folder: Folder) -> None:
    folder.write("deep/down/x.json", b"one")
    folder.write("deep/down/x.json", b"two")
    assert folder.read("deep/down/x.json") == b"two"
    assert list(folder.files()) == [Stored("deep/down/x.json", 3)]


def test_what_is_not_there(folder: Folder) -> None:
    assert not folder.exists("x")
    assert list(folder.files("x")) == []
    folder.delete("x")
    folder.delete_tree("x")
    assert folder.delete_if_empty("x")
    with pytest.raises(FileNotFoundError):
        folder.read("x")


def test_a_failed_write_leaves_the_old_file(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    folder.write("x", b"old")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.write("x", b"new")
    monkeypatch.undo()
    assert folder.read("x") == b"old"
    assert list(folder.files()) == [Stored("x", 3)]


def test_only_empty_folders_go(folder: Folder) -> None:
    folder.write("a/b/file", b"")
    folder.write("a/c/file", b"")
    folder.delete("a/c/file")
    assert not folder.delete_if_empty("a")
    assert not folder.exists("a/c")
    folder.delete("a/b/file")
    assert folder.delete_if_empty("a")
    assert not folder.exists("a")


def test_names_that_are_not_in_utf_8(tmp_path: Path) -> None:
    """As old archives and file servers leave them; every listing of the folder was a fault."""
    folder = Folder(str(tmp_path))
    folder.write("a/ok", b"12")
    Path(os.fsdecode(os.fsencode(tmp_path / "a" / "stra") + b"\xdfe")).write_bytes(b"1")
    Path(os.fsdecode(os.fsencode(tmp_path / "b") + b"\xff")).mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "b") + b"\xff/x")).write_bytes(b"")
    below = [Stored("a/ok", 2), Stored("a/stra\\xdfe", 1)]
    assert list(folder.files()) == [*below, Stored("b\\xff/x", 0)]
    assert list(folder.files("a")) == below
    assert list(folder.files(recursive=False)) == []
    assert list(folder.files("a", recursive=False)) == below


def test_a_digest_and_a_row_count(folder: Folder) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"x": list(range(1000))}), sink, row_group_size=100)
    data = sink.getvalue().to_pybytes()
    folder.write("t.parquet", data)
    assert folder.sha256("t.parquet") == hashlib.sha256(data).hexdigest()
    assert folder.parquet_rows("t.parquet") == 1000


def test_a_tree_is_deleted(folder: Folder) -> None:
    folder.write("a/b/file", b"")
    folder.delete_tree("a")
    assert not folder.exists("a")


def test_what_is_behind_a_link_is_not_deleted(folder: Folder, tmp_path: Path) -> None:
    others = tmp_path / "others"
    (others / "deep").mkdir(parents=True)
    (others / "deep" / "theirs").write_bytes(b"theirs")
    folder.write("batch/mine", b"mine")
    assert folder.local is not None
    (folder.local / "batch" / "a link").symlink_to(others)
    (folder.local / "batch" / "one").symlink_to(others / "deep" / "theirs")
    for file in list(folder.files("batch")):
        folder.delete(file.path)
    assert list(folder.files("batch")) == []
    assert (others / "deep" / "theirs").read_bytes() == b"theirs"
    assert folder.delete_if_empty("batch")


def test_what_is_behind_a_link_is_not_given_out(folder: Folder, tmp_path: Path) -> None:
    folder.write("batch/mine", b"mine")
    with folder.open_own("batch/mine") as opened:
        assert opened.read() == b"mine"
    assert folder.local is not None
    (tmp_path / "theirs").write_bytes(b"theirs")
    (folder.local / "batch" / "file").symlink_to(tmp_path / "theirs")
    (folder.local / "link").symlink_to(tmp_path)
    os.mkfifo(folder.local / "batch" / "pipe")
    for path in ("batch/file", "link/theirs", "batch/pipe", "batch/gone", "gone/x", "batch"):
        with pytest.raises(FileNotFoundError):
            folder.open_own(path)
