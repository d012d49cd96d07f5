"""verify, on an export made without an engine: verify itself needs none."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.transaction import AddAction

from hand_made import Closed, export_by_hand
from profile_export.commit import app_id
from profile_export.errors import NotFound, Refused
from profile_export.manifest import MANIFEST
from profile_export.papers import Papers
from profile_export.plan import ExportPlan
from profile_export.schema import Map, struct_of, to_json
from profile_export.storage import Folder, Stored
from profile_export.verified.log import transaction
from profile_export.verify import verify
from tables.delta_by_hand import hide_rows
from tables.plans import plan_for


def people(*names: str) -> pa.Table:
    return pa.table({"email": names, "age": pa.array([len(n) for n in names], pa.int64())})


class Export:
    """A dataset with one export of three batches: two files, one file, none."""

    def __init__(self, folder: Path, job_id: int = 1) -> None:
        self.dataset = folder / "exports"
        self.plan: ExportPlan = plan_for(self.dataset, job_id=job_id, batches=3)
        self.papers = export_by_hand(
            self.plan, [[people("ann", "bob"), people("cid")], [people("ann")], []]
        )
        self.manifest = self.papers / MANIFEST
        self.folders = [self.dataset / f"_ACP_BATCHID={b.batch_id}" for b in self.plan.batches]

    @property
    def file(self) -> Path:
        return self.folders[0] / "part-0.parquet"

    def edit(self, change: Callable[[Any], object]) -> None:
        """Change the manifest."""
        content = json.loads(self.manifest.read_text())
        change(content)
        self.manifest.write_text(json.dumps(content))

    def found(self, *, deep: bool = False) -> dict[str, list[str]]:
        """Code -> the files that findings of it name, relative to the dataset."""
        verified = verify(str(self.manifest), deep=deep)
        told: dict[str, list[str]] = {}
        for finding in verified.findings:
            told.setdefault(finding.code, []).append(finding.file)
        assert verified.as_json()["verified"] == (not told)
        return told

    def name(self, path: Path) -> str:
        return str(path.relative_to(self.dataset))


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path)


def test_what_was_written_is_verified(export: Export) -> None:
    assert export.found(deep=True) == {}


@pytest.mark.parametrize("deep", [False, True])
def test_what_is_told_of_a_good_export(deep: bool, export: Export, tmp_path: Path) -> None:
    second = Export(tmp_path, job_id=2)
    assert verify(str(second.manifest), deep=deep).as_json() == {
        "manifest": str(second.manifest),
        "jobId": 2,
        "datasetId": export.plan.target.dataset_id,
        "deltaVersion": 1,
        "deep": deep,
        "batches": 3,
        "files": 3,
        "rows": 4,
        "bytes": sum(f.stat().st_size for d in second.folders for f in d.glob("*")),
        "verified": True,
        "findings": [],
    }


@pytest.mark.parametrize(
    "given", ["file", "folder", "relative", "slash", "uri", "link", "link to the folder"]
)
def test_how_a_manifest_is_named(
    given: str, export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(export.papers)
    words = {
        "file": str(export.manifest),
        "folder": str(export.papers),
        "relative": "manifest.json",
        "slash": ".//",
        "uri": export.manifest.as_uri(),
        "link": str(export.dataset.parent / "link.json"),
        "link to the folder": str(export.dataset.parent / "link"),
    }
    (export.dataset.parent / "link.json").symlink_to(export.manifest)
    (export.dataset.parent / "link").symlink_to(export.papers)
    assert verify(words[given]).findings == ()


def test_a_dataset_that_was_moved_as_a_whole(export: Export, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "renamed"
    shutil.move(export.dataset, moved)
    assert verify(str(moved / "_profile_export" / "1"), deep=True).findings == ()


def test_other_exports_beside_it_do_not_matter(export: Export, tmp_path: Path) -> None:
    other = Export(tmp_path, job_id=2)
    assert export.found(deep=True) == {}
    assert other.found(deep=True) == {}
    other.file.unlink()
    assert export.found() == {}


# --- files


def test_one_flipped_byte(export: Export) -> None:
    data = bytearray(export.file.read_bytes())
    data[10] ^= 1
    export.file.write_bytes(data)
    assert export.found() == {"file-content": [export.name(export.file)]}


def test_a_flipped_byte_of_the_footer(export: Export) -> None:
    data = bytearray(export.file.read_bytes())
    data[-5] ^= 0xFF
    export.file.write_bytes(data)
    name = [export.name(export.file)]
    assert export.found() == {"file-content": name, "file-unreadable": name}


def test_a_file_that_is_gone(export: Export) -> None:
    export.file.unlink()
    assert export.found() == {"file-missing": [export.name(export.file)]}


def test_a_folder_that_may_not_be_entered(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its files nothing is known: they are not missing."""
    Closed(monkeypatch)(export.folders[0])
    assert export.found() == {"file-unreadable": [export.folders[0].name]}
    (finding,) = verify(str(export.manifest)).findings
    assert finding.detail == "cannot be listed: Permission denied"


def test_a_file_that_may_not_be_read(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    Closed(monkeypatch)(export.file)
    (finding,) = verify(str(export.manifest)).findings
    assert (finding.code, finding.file) == ("file-unreadable", export.name(export.file))
    assert finding.detail == "cannot be read: Permission denied"


def test_papers_that_may_not_be_read(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    Closed(monkeypatch)(export.dataset)
    with pytest.raises(Refused, match=r"cannot be read as a manifest: Permission denied\. \["):
        verify(str(export.manifest))


def test_a_folder_in_place_of_a_file(export: Export) -> None:
    export.file.unlink()
    export.file.mkdir()
    assert export.found() == {"file-missing": [export.name(export.file)]}


@pytest.mark.parametrize("more", [1, -1])
def test_another_number_of_rows_than_the_manifest_says(more: int, export: Export) -> None:
    def change(content: Any) -> None:
        batch = content["batches"][1]
        batch["recordCount"] += more
        batch["files"][0]["rows"] += more

    export.edit(change)
    found = {"file-rows": [export.name(export.folders[1] / "part-0.parquet")]}
    assert export.found() == found
    assert export.found(deep=True) == found | {"rows-count": [export.name(export.folders[1])]}


def test_a_file_cut_short(export: Export) -> None:
    export.file.write_bytes(export.file.read_bytes()[:-100])
    name = [export.name(export.file)]
    assert export.found() == {"file-size": name, "file-content": name, "file-unreadable": name}


@pytest.mark.parametrize(
    "stray", ["x.parquet", ".part-0.parquet.crc", "_SUCCESS", "deep/down/x", ".hidden/x"]
)
def test_a_stray_file(stray: str, export: Export) -> None:
    """Our writers leave no checksum and no marker, so these are strays like any other."""
    for folder in export.folders[0], export.folders[2]:
        (folder / stray).parent.mkdir(parents=True, exist_ok=True)
        (folder / stray).write_bytes(b"x")
    strays = [export.name(export.folders[i] / stray) for i in (0, 2)]
    assert export.found() == {"stray-file": strays}


def test_a_stray_file_whose_name_is_not_in_utf_8(export: Export) -> None:
    Path(os.fsdecode(os.fsencode(export.folders[0]) + b"/x\xff.parquet")).write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(export.dataset) + b"/y\xff.parquet")).write_bytes(b"x")
    strays = [f"{export.name(export.folders[0])}/x\\xff.parquet", "y\\xff.parquet"]
    assert export.found() == {"stray-file": strays}


def test_a_stray_file_beside_the_batches(export: Export) -> None:
    for name in ("stray.parquet", "_SUCCESS", ".hidden"):
        (export.dataset / name).write_bytes(b"x")
    assert export.found() == {"stray-file": ["stray.parquet"]}


def test_a_dataset_that_may_not_be_listed(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies below can be read, as a folder's rights allow."""
    files = Folder.files

    def guarded(folder: Folder, below: str = "", *, recursive: bool = True) -> Iterator[Stored]:
        if Path(folder.location, below) == export.dataset:
            raise PermissionError(errno.EACCES, "Permission denied")
        return files(folder, below, recursive=recursive)

    monkeypatch.setattr(Folder, "files", guarded)
    (finding,) = verify(str(export.manifest)).findings
    assert str(finding) == ". cannot be listed: Permission denied"


def told_of_another_segment(content: Any) -> None:
    content["batches"][1]["segment"] = {"segmentId": "vip"}


def told_of_another_data_set(content: Any) -> None:
    content["datasetId"] = "another"


def told_of_another_job(content: Any) -> None:
    content["jobId"] += 1


def told_of_fewer_batches(content: Any) -> None:
    content["batches"].pop()


@pytest.mark.parametrize(
    ("change", "log"),
    [
        (told_of_another_segment, {}),
        (told_of_another_data_set, {}),
        (told_of_another_job, {"transaction-missing": ["_delta_log"]}),
        (told_of_fewer_batches, {}),
    ],
)
def test_a_manifest_that_does_not_fit_its_job(
    change: Callable[[Any], object], log: dict[str, list[str]], export: Export
) -> None:
    """What the files and the log do not tell, the plan of the job does."""
    export.edit(change)
    assert export.found() == log | {"job-differs": ["job.json"]}


def test_all_findings_are_told_each_naming_its_file(export: Export) -> None:
    export.file.unlink()
    (export.folders[1] / "part-0.parquet").write_bytes(b"nothing")
    (export.folders[2]).mkdir()
    (export.folders[2] / "stray").write_bytes(b"")
    lines = [str(finding) for finding in verify(str(export.manifest)).findings]
    assert len(lines) == 5
    assert all("\n" not in line and line.startswith("_ACP_BATCHID=") for line in lines)


def test_other_rows_under_a_manifest_made_to_fit(export: Export) -> None:
    """Who changes digest and size too is betrayed by the rows, and by the size in the log."""
    pq.write_table(people("evelyn" * 99, "bob"), export.file)
    size = export.file.stat().st_size

    def fit(content: Any) -> None:
        batch = content["batches"][0]
        file = next(f for f in batch["files"] if f["path"].endswith("part-0.parquet"))
        batch["bytes"] += size - file["bytes"]
        file |= {"bytes": size, "sha256": hashlib.sha256(export.file.read_bytes()).hexdigest()}

    export.edit(fit)
    log = {"commit-size": ["_delta_log/00000000000000000000.json"]}
    assert export.found() == log
    assert export.found(deep=True) == log | {"rows-content": [export.name(export.folders[0])]}


# --- the manifest


@pytest.mark.parametrize(
    "path",
    [
        "../../outside.parquet",
        "/etc/passwd",
        "_ACP_BATCHID={id}/../../outside.parquet",
        "_ACP_BATCHID={id}/..",
        "_ACP_BATCHID={id}/",
        "_ACP_BATCHID={id}",
        "_ACP_BATCHID={id}/deep/part-0.parquet",
        "_ACP_BATCHID={id}/..\\x",
        "_ACP_BATCHID=other/part-0.parquet",
        "./_ACP_BATCHID={id}/part-0.parquet",
        "_ACP_BATCHID={id}//etc/passwd",
        "_ACP_BATCHID={id}/a\nb",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_hostile_path_is_not_followed(
    path: str, export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = path.format(id=export.plan.batches[1].batch_id)
    (export.dataset.parent / "outside.parquet").write_bytes(b"")
    read: list[str] = []

    def noted(name: str) -> Callable[[Folder, str], Any]:
        known = getattr(Folder, name)
        return lambda folder, asked: read.append(asked) or known(folder, asked)

    for name in ("open", "sha256", "parquet_rows"):
        monkeypatch.setattr(Folder, name, noted(name))
    export.edit(lambda m: m["batches"][1]["files"][0].update(path=hostile))
    found = export.found(deep=True)
    assert found["outside-batch"] == [hostile]
    assert export.name(export.file) in read
    assert hostile not in read


@pytest.mark.parametrize("batch_id", ["../../..", "a/b", "", "..", "a\nb", "x" * 200])
def test_a_hostile_batch_id_is_no_manifest(batch_id: str, export: Export) -> None:
    export.edit(lambda m: m["batches"][0].update(batchId=batch_id))
    with pytest.raises(Refused) as refused:
        verify(str(export.manifest))
    assert [p.code for p in refused.value.problems] == ["not-a-manifest"]


def test_a_manifest_that_contradicts_itself(export: Export) -> None:
    def change(content: Any) -> None:
        first, second, _ = content["batches"]
        first["recordCount"] += 1
        second["bytes"] -= 1
        second["files"] *= 2
        second["recordCount"] *= 2
        second["bytes"] = 1

    export.edit(change)
    assert export.found() == {
        "batch-records": [export.name(export.folders[0])],
        "batch-bytes": [export.name(export.folders[1])],
        "file-twice": [export.name(export.folders[1] / "part-0.parquet")],
    }


def test_a_batch_named_twice(export: Export) -> None:
    export.edit(lambda m: m["batches"].append(m["batches"][1]))
    assert export.found() == {"batch-twice": [export.name(export.folders[1])]}


def test_a_file_that_the_manifest_lost(export: Export) -> None:
    def change(content: Any) -> None:
        batch = content["batches"][1]
        batch |= {"files": [], "recordCount": 0, "bytes": 0}

    export.edit(change)
    name = export.name(export.folders[1] / "part-0.parquet")
    found = export.found()
    assert found.pop("commit-adds") == ["_delta_log/00000000000000000000.json"]
    assert found == {"stray-file": [name], "file-unknown": [name]}


def test_a_file_that_no_commit_has_added(export: Export) -> None:
    added = export.folders[1] / "part-1.parquet"
    shutil.copy(export.folders[1] / "part-0.parquet", added)

    def change(content: Any) -> None:
        batch = content["batches"][1]
        (file,) = batch["files"]
        batch["files"].append(file | {"path": export.name(added)})
        batch["recordCount"] *= 2
        batch["bytes"] *= 2

    export.edit(change)
    assert export.found() == {
        "commit-lacks": ["_delta_log/00000000000000000000.json"],
        "file-not-live": [export.name(added)],
    }


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not-a-manifest"),
        (b"\xff\xfe", "not-a-manifest"),
        (b"[" * 100_000, "not-a-manifest"),
        (b"[]", "not-a-manifest"),
        (b"{}", "not-a-manifest"),
        (b'{"manifestVersion": 2}', "not-a-manifest"),
    ],
    ids=["empty", "bytes", "deep", "list", "object", "version"],
)
def test_what_is_no_manifest(content: bytes, code: str, export: Export) -> None:
    export.manifest.write_bytes(content)
    with pytest.raises(Refused) as refused:
        verify(str(export.manifest))
    assert [problem.code for problem in refused.value.problems] == [code]
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("other", [{"manifestVersion": 2}, {"batches": []}], ids=str)
def test_a_manifest_that_no_job_of_this_version_leaves(
    other: dict[str, object], export: Export
) -> None:
    export.edit(lambda m: m.update(other))
    with pytest.raises(Refused, match="not-a-manifest"):
        verify(str(export.manifest))


def test_numbers_that_are_none(export: Export) -> None:
    for value in (-1, 1.5, "1", None, True):
        export.edit(lambda m, v=value: m["batches"][0]["files"][0].update(bytes=v))
        with pytest.raises(Refused):
            verify(str(export.manifest))


def test_no_manifest_there(export: Export) -> None:
    for place in (export.dataset / "nowhere.json", export.dataset, export.dataset / "no" / "where"):
        with pytest.raises(NotFound, match="no manifest at") as missing:
            verify(str(place))
        assert missing.value.exit_code == 2


def test_a_manifest_outside_a_dataset(export: Export, tmp_path: Path) -> None:
    shutil.copy(export.manifest, tmp_path / "copy.json")
    with pytest.raises(Refused, match="does not lie in a dataset"):
        verify(str(tmp_path / "copy.json"))


# --- the log

LOG_UNREADABLE = {"log-unreadable": ["_delta_log"]}


def test_the_transaction_is_the_jobs(export: Export) -> None:
    manifest = Papers(str(export.papers), usual=MANIFEST).manifest()
    assert transaction(manifest) == app_id(export.plan)


def test_no_log(export: Export) -> None:
    shutil.rmtree(export.dataset / "_delta_log")
    assert export.found() == {"log-missing": ["_delta_log"]}


def test_a_broken_log(export: Export) -> None:
    (export.dataset / "_delta_log" / f"{0:020}.json").write_text("{")
    assert export.found() == {"log-unreadable": ["_delta_log"]}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param(b"\n", b"", {}, id="all actions on one line"),
        pytest.param(b"\n", b"\r\n \t\n", {}, id="blank lines"),
        pytest.param(b'"userMetadata"', b'"user\x01Metadata"', LOG_UNREADABLE, id="control"),
        pytest.param(b'"appId"', b'"appId', LOG_UNREADABLE, id="a quote is gone"),
    ],
)
def test_a_damaged_commit(
    export: Export, old: bytes, new: bytes, found: dict[str, list[str]]
) -> None:
    """Also where delta-rs still reads it, or some of it."""
    entry = export.dataset / "_delta_log" / f"{0:020}.json"
    data = entry.read_bytes().rstrip()
    assert old in data
    entry.write_bytes(data.replace(old, new))
    assert export.found() == found


def test_an_action_that_follows_without_a_new_line(export: Export) -> None:
    entry = export.dataset / "_delta_log" / f"{0:020}.json"
    remove = b'{"remove": {"path": "zz", "dataChange": true}}'
    entry.write_bytes(entry.read_bytes().rstrip() + remove)
    assert export.found() == {}


def test_a_commit_that_was_rolled_back(export: Export, tmp_path: Path) -> None:
    """Somebody deleted the end of the log: the files are whole, but no reader sees them."""
    second = Export(tmp_path, job_id=2)
    (second.dataset / "_delta_log" / f"{1:020}.json").unlink()
    found = second.found()
    names = sorted(str(f.relative_to(second.dataset)) for d in second.folders for f in d.glob("*"))
    assert found == {
        "commit-missing": ["_delta_log"],
        "transaction-missing": ["_delta_log"],
        "file-not-live": names,
    }
    assert export.found() == {}


def test_a_batch_that_was_deleted_since(export: Export) -> None:
    table = DeltaTable(str(export.dataset))
    table.delete(f"_ACP_BATCHID = '{export.plan.batches[1].batch_id}'")
    assert export.found() == {"file-not-live": [export.name(export.folders[1] / "part-0.parquet")]}


@pytest.mark.parametrize("name", ["exports", "100% of a +b", "ü 日本"])
def test_rows_that_were_deleted_by_a_vector(name: str, export: Export, tmp_path: Path) -> None:
    """The file of the vector lies beside the batches. It is no stray: not while it counts, and not
    for the other exports of the table; nor when no version needs it any more, until VACUUM."""
    other = Export(tmp_path, job_id=2)
    hide_rows(export.dataset, export.name(export.file), [0, 1])
    export.dataset.rename(tmp_path / name)
    papers = [str(tmp_path / name / e.name(e.manifest)) for e in (export, other)]
    hidden, untouched = (verify(paper).findings for paper in papers)
    assert [(f.code, f.file) for f in hidden] == [("rows-deleted", export.name(export.file))]
    assert hidden[0].detail == "has 2 rows that were deleted since"
    assert untouched == ()
    DeltaTable(str(tmp_path / name)).restore(1)
    assert [verify(paper).findings for paper in papers] == [(), ()]


def test_a_deletion_vector_that_is_gone(export: Export) -> None:
    hide_rows(export.dataset, export.name(export.file), [1]).unlink()
    (finding,) = verify(str(export.manifest)).findings
    assert finding.code == "deletions-unreadable"
    assert str(export.dataset) not in str(finding)


def test_a_table_that_was_compacted(export: Export) -> None:
    DeltaTable(str(export.dataset)).optimize.compact()
    found = export.found()
    assert set(found) == {"file-not-live", "file-unknown", "stray-file"}
    assert found["file-unknown"] == found["stray-file"]


def test_rows_added_to_a_batch_since(export: Export) -> None:
    pq.write_table(people("eve"), export.folders[1] / "more.parquet")
    _add(export, "more.parquet", app="someone")
    name = [export.name(export.folders[1] / "more.parquet")]
    assert export.found() == {"stray-file": name, "file-unknown": name}


def test_a_file_beside_the_batches_that_readers_see_is_none_of_this_job(export: Export) -> None:
    pq.write_table(people("eve"), export.dataset / "others.parquet")
    _add(export, "../others.parquet", app="someone", batch_id="other")
    assert export.found(deep=True) == {}


def _add(export: Export, name: str, *, app: str, batch_id: str | None = None) -> None:
    """Commit a file as of the second batch, or of another one."""
    table, owner = DeltaTable(str(export.dataset)), batch_id or export.plan.batches[1].batch_id
    file = Path(os.path.normpath(export.folders[1] / name))
    partition: dict[str, str | None] = {"_ACP_BATCHID": owner}
    table.create_write_transaction(
        [AddAction(export.name(file), file.stat().st_size, partition, 0, True, "{}")],
        "append",
        table.schema(),
        ["_ACP_BATCHID"],
        commit_properties=CommitProperties(app_transactions=[Transaction(app, 1)]),
    )


def test_another_version_than_the_manifest_says(export: Export, tmp_path: Path) -> None:
    Export(tmp_path, job_id=2)
    export.edit(lambda m: m.update(deltaVersion=1))
    assert export.found() == {"commit-version": ["_delta_log/00000000000000000000.json"]}


def test_a_log_entry_that_its_retention_cleaned_up(export: Export, tmp_path: Path) -> None:
    Export(tmp_path, job_id=2)
    DeltaTable(str(export.dataset)).create_checkpoint()
    (export.dataset / "_delta_log" / f"{0:020}.json").unlink()
    assert export.found(deep=True) == {}


# --- rows


def test_deep_without_the_job(export: Export) -> None:
    (export.papers / "job.json").unlink()
    assert export.found() == {}
    assert export.found(deep=True) == {"columns-unknown": ["job.json"]}


def test_deep_with_a_file_that_cannot_be_read(export: Export) -> None:
    export.file.write_bytes(b"PAR1 nothing PAR1")
    found = export.found(deep=True)
    assert found["rows-unreadable"] == [export.name(export.folders[0])]


def test_deep_with_columns_that_only_an_engine_can_hash(export: Export) -> None:
    by_struct = pa.array([[({"k": 1}, 2)]] * 2, pa.map_(pa.struct([("k", pa.int64())]), pa.int64()))
    pq.write_table(people("ann", "bob").append_column("m", by_struct), export.file)
    job = export.papers / "job.json"
    content = json.loads(job.read_text())
    columns = struct_of(email="string", age="long", m=Map(struct_of(k="long"), "long"))
    content["plan"]["output"] = to_json(columns)
    job.write_text(json.dumps(content))
    assert "rows-unhashed" not in export.found()
    assert export.found(deep=True)["rows-unhashed"] == [export.name(export.folders[0])]


def test_numbers_of_the_manifest_are_held_against_the_rows(export: Export) -> None:
    def change(content: Any) -> None:
        content["batches"][0]["eventCount"] = 7
        content["batches"][1]["rowSetHash"] = "0" * 32
        content["batches"][2]["rowSetHash"] = "1" * 32

    export.edit(change)
    assert export.found(deep=True) == {
        "rows-events": [export.name(export.folders[0])],
        "rows-content": [export.name(export.folders[1]), export.name(export.folders[2])],
    }
