"""verify, diff and refused queries as commands: exit codes, what is on stdout. No engine."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hand_made import export_by_hand
from profile_export.cli import main
from profile_export.outputs import IDENTITY_MAP_TYPE
from profile_export.schema import struct_of
from small_sandbox import SANDBOX
from tables.plans import plan_for

ENTRY = pa.struct(
    [("id", pa.string()), ("authenticatedState", pa.string()), ("primary", pa.bool_())]
)
Capture = pytest.CaptureFixture[str]


def exported(folder: Path, job_id: int, *ages: int) -> Path:
    """The papers of an export of persons 0, 1, ... with these ages."""
    output = struct_of(age="long", identityMap=IDENTITY_MAP_TYPE)
    plan = plan_for(folder / "exports", job_id=job_id, batches=1, output=output)
    ids = [
        [("crmId", [{"id": f"c{n}", "authenticatedState": "ambiguous", "primary": True}])]
        for n in range(len(ages))
    ]
    rows = {
        "age": pa.array(ages, pa.int64()),
        "identityMap": pa.array(ids, pa.map_(pa.string(), pa.list_(ENTRY))),
    }
    return export_by_hand(plan, [[pa.table(rows)]])


def test_verify_says_what_it_has_verified(tmp_path: Path, capsys: Capture) -> None:
    papers = exported(tmp_path, 1, 30, 40)
    assert main(["verify", str(papers / "manifest.json"), "--deep"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Verified: job 1, 1 batches, 1 files, 2 rows, ")
    assert err == ""


def test_verify_gives_one_line_for_each_finding(tmp_path: Path, capsys: Capture) -> None:
    papers = exported(tmp_path, 1, 30)
    (file,) = (tmp_path / "exports").glob("_ACP_BATCHID=*/*.parquet")
    file.with_name("stray").touch()
    file.unlink()
    assert main(["verify", str(papers)]) == 3
    lines = capsys.readouterr().out.splitlines()
    name = str(file.relative_to(tmp_path / "exports"))
    assert lines == [
        f"{name} is missing",
        f"{name.rpartition('/')[0]}/stray is a stray: it is not in the manifest",
    ]


def test_verify_as_json_is_one_document(tmp_path: Path, capsys: Capture) -> None:
    papers = exported(tmp_path, 1, 30)
    assert main(["verify", str(papers), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verified"] is True
    for file in (tmp_path / "exports").glob("_ACP_BATCHID=*/*.parquet"):
        file.unlink()
    assert main(["verify", str(papers), "--json"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert [finding["code"] for finding in told["findings"]] == ["file-missing"]


@pytest.mark.parametrize("words", [["verify"], ["diff", "nothing.json"]])
def test_papers_that_are_not_there(words: list[str], tmp_path: Path, capsys: Capture) -> None:
    assert main([*words, str(tmp_path / "none.json")]) == 2
    assert "Check the path" in capsys.readouterr().err
    (tmp_path / "none.json").write_text("{}")
    assert main(["verify", str(tmp_path / "none.json"), "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["errors"]
    assert problem["code"] == "not-a-manifest"


@pytest.mark.parametrize("address", ["http://x/y/manifest.json", "foo://", "foo:///x"])
def test_an_address_that_is_no_place_of_papers(address: str, capsys: Capture) -> None:
    assert main(["verify", address]) == 2
    assert "it is no address of a file system. [not-a-manifest]" in capsys.readouterr().err
    assert main(["diff", address, address]) == 2
    assert "[not-a-job]" in capsys.readouterr().err


@pytest.mark.parametrize(
    "columns",
    [
        {"type": "struct"},
        {"type": "struct", "fields": [5]},
        {"type": "struct", "fields": 5},
        {"type": "struct", "fields": [{"name": "a"}]},
        {"type": "struct", "fields": [{"name": 5, "type": "string"}]},
        {"type": "struct", "fields": [{"name": "a", "type": {"type": "array"}}]},
        {"type": "struct", "fields": [{"name": "a", "type": {"type": ["x"]}}]},
        *({}, [], 5, None),
    ],
    ids=str,
)
def test_damaged_columns_are_no_fault(columns: object, tmp_path: Path, capsys: Capture) -> None:
    papers = exported(tmp_path, 1, 30)
    job = json.loads((papers / "job.json").read_text())
    job["plan"]["output"] = columns
    (papers / "job.json").write_text(json.dumps(job))
    assert main(["diff", str(papers), str(papers)]) == 2
    told = capsys.readouterr().err
    assert told.endswith("[not-a-job]\n")
    assert told.startswith("/plan/output: ")


def test_a_copy_that_leads_to_no_papers(tmp_path: Path, capsys: Capture) -> None:
    """Its export was moved, so it is told where to look, not what does not lie beside the copy."""
    papers, copy = exported(tmp_path, 1, 30), tmp_path / "copy.json"
    copy.write_bytes((papers / "job.json").read_bytes())
    assert main(["diff", str(copy), str(papers)]) == 0
    (tmp_path / "exports").rename(tmp_path / "moved")
    capsys.readouterr()
    assert main(["diff", str(copy), str(copy)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{copy} does not lie in a dataset: name the one at {{dataset}}/")


def test_diff_tells_who_changed_and_writes_it_down(tmp_path: Path, capsys: Capture) -> None:
    a, b = exported(tmp_path, 1, 30, 40), exported(tmp_path, 2, 30, 41, 50)
    out = tmp_path / "out.parquet"
    assert main(["diff", str(a / "job.json"), str(b), "--out", str(out)]) == 3
    assert capsys.readouterr().out.splitlines() == [
        "All who are exported: 1 added, 0 removed, 1 changed, 1 the same",
        "  age: changed in 1",
        f"Details: {out} (2 rows)",
    ]
    assert pq.read_table(out).column("id").to_pylist() == ["c2", "c1"]


def test_diff_of_equal_exports(tmp_path: Path, capsys: Capture) -> None:
    a, b = exported(tmp_path, 1, 30), exported(tmp_path, 2, 30)
    assert main(["diff", str(a), str(b)]) == 0
    assert "Equal: jobs 1 and 2" in capsys.readouterr().out
    assert main(["diff", str(a), str(b), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["equal"] is True


@pytest.mark.parametrize("sql", ["DROP TABLE x", "SELECT * FROM crm", "SELECT java_method('a')"])
def test_a_query_is_refused_before_an_engine_starts(
    sql: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_engine(*_args: object, **_more: object) -> None:
        raise AssertionError("an engine was opened")

    monkeypatch.setattr("profile_export.engines.open_engine", no_engine)
    (tmp_path / "sandbox.yml").write_text(SANDBOX, encoding="utf-8")
    words = ["query", sql, "--sandbox", str(tmp_path / "sandbox.yml")]
    assert main(words) == 2
    assert capsys.readouterr().err.startswith("/sql: ")
    assert main([*words, "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["errors"]
    assert problem["pointer"] == "/sql"


@pytest.mark.parametrize("command", ["verify", "rerun", "diff", "query"])
def test_help_has_an_example(command: str, capsys: Capture) -> None:
    assert main([command, "--help"]) == 0
    assert f"profile-export {command} " in capsys.readouterr().out
