"""The demo sandbox: what is in it, that it is the same every time, and that it harms nothing."""

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from deltalake import DeltaTable

from profile_export.demo import DemoSandbox, build
from profile_export.demo.builder import make_tables
from profile_export.demo.segments import LAPSED, OFFER, RECENT, SECOND, SPENDERS
from profile_export.errors import Conflict
from profile_export.sandbox import load_sandbox

ROWS = {"crm": 2050, "loyalty": 1874, "web_sign_ups": 1126, "purchases": 69717}
TERMINAL = ("deviceid", "shop-terminal-1")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoSandbox:
    return build(tmp_path_factory.mktemp("demo") / "new")


ORDER = [("_id", "ascending"), ("_ingestedAt", "ascending")]


def table(demo: DemoSandbox, name: str) -> pa.Table:
    path = demo.folder / name
    return pq.read_table(path) if name == "web_sign_ups" else DeltaTable(path).to_pyarrow_table()


def at(row: Any, path: str) -> Any:
    for name in path.split("."):
        row = row[name]
    return row


def identities(row: Mapping[str, Any], dataset: Mapping[str, Any]) -> set[tuple[str, str]]:
    """By the sandbox file's own declarations (S2, S3); empty without a primary identity."""
    declared = [dataset.get("primaryIdentity"), *dataset.get("identities", [])]
    found = [(i["namespace"], at(row, i["field"])) for i in declared if i]
    entries = [(ns, e) for ns, entries in row.get("identityMap") or [] for e in entries]
    mapped = [(namespace, entry["id"]) for namespace, entry in entries]
    known = found[0][1] is not None if found else any(e["primary"] for _, e in entries)
    return {(n.lower(), str(v)) for n, v in found + mapped if v is not None} if known else set()


def current_rows(demo: DemoSandbox) -> Iterator[tuple[str, str, set[tuple[str, str]]]]:
    """(table, ``_id``, identities) of the current rows that have a primary identity."""
    for dataset in yaml.safe_load(demo.sandbox.read_text())["datasets"][:4]:
        name = dataset["table"]["path"]
        rows = table(demo, name).sort_by("_ingestedAt").to_pylist()
        newest = {row["_id"]: (name, row["_id"], identities(row, dataset)) for row in rows}
        yield from (row for row in newest.values() if row[2])


def statuses(rows: pa.Table) -> Counter[tuple[str, str, str]]:
    return Counter(
        (namespace, segment, entry["status"])
        for row in rows.to_pylist()
        for namespace, segments in row["segmentMembership"]
        for segment, entry in segments
    )


@pytest.mark.parametrize("name", ["febrl_dataset3.csv.gz", "CDNOW_master.txt.gz"])
def test_the_sources_are_what_the_attribution_says(name: str) -> None:
    data = files("profile_export.demo").joinpath("data")
    inside = hashlib.sha256(gzip.decompress(data.joinpath(name).read_bytes())).hexdigest()
    assert inside in data.joinpath("README.md").read_text()


def test_every_table_lies_where_the_sandbox_file_says(demo: DemoSandbox) -> None:
    assert demo.rows == ROWS
    assert {name: table(demo, name).num_rows for name in ROWS} == ROWS
    sources = [d for d in load_sandbox(demo.sandbox).datasets if d.kind != "export"]
    assert [Path(d.table.location or "").name for d in sources] == list(ROWS)
    assert not (demo.folder / "exports").exists()


def test_two_builds_hold_the_same_rows(demo: DemoSandbox, tmp_path: Path) -> None:
    other = build(tmp_path)
    for name, made in make_tables().items():
        # The reader's threads give a file's row groups in any order; some rows come twice.
        first, second = (table(of, name).sort_by(ORDER) for of in (demo, other))
        assert first.equals(second)
        assert first.equals(made.cast(first.schema).sort_by(ORDER))


def test_purchases_are_those_of_cdnow(demo: DemoSandbox) -> None:
    rows = table(demo, "purchases")
    last_day = rows.num_rows - 69659
    assert last_day == 58
    assert len(rows["_id"].unique()) == 69659
    times = rows["timestamp"].to_pylist()
    assert (str(min(times).date()), str(max(times).date())) == ("2018-02-28", "2019-08-27")
    assert max(times) < SECOND


def test_every_status_occurs_in_every_segment(demo: DemoSandbox) -> None:
    found = statuses(table(demo, "crm")) + statuses(table(demo, "loyalty"))
    for segment in (RECENT, LAPSED, OFFER, SPENDERS):
        for status in ("realized", "existing", "exited"):
            assert found[segment.namespace, segment.id, status] > 0, (segment, status)


def test_the_seed_request_finds_its_segments_in_its_window(demo: DemoSandbox) -> None:
    request = json.loads(demo.requests["seed"].read_text())
    window = request["filter"]["segmentQualificationTime"]
    for name, item in zip(("loyalty", "crm"), request["filter"]["segments"], strict=True):
        entries = [
            entry
            for row in table(demo, name).to_pylist()
            for namespace, segments in row["segmentMembership"]
            for segment, entry in segments
            if (namespace.lower(), segment) == (item["segmentNs"].lower(), item["segmentId"])
            and [entry["status"]] == item["status"]
        ]
        times = [f"{entry['lastQualificationTime']:%Y-%m-%dT%H:%M:%SZ}" for entry in entries]
        inside = [time for time in times if window["startTime"] <= time < window["endTime"]]
        assert len(inside) > 20
    policies = {(p.id, p.version) for p in load_sandbox(demo.sandbox).merge_policies}
    assert (request["mergePolicy"]["id"], request["mergePolicy"]["version"]) in policies


def test_identities_join_people_across_datasets(demo: DemoSandbox) -> None:
    graph, seen, members = nx.Graph(), Counter[str](), dict[tuple[str, str], tuple[str, str]]()
    for name, row_id, found in current_rows(demo):
        seen[name] += 1
        graph.add_nodes_from(found)
        nx.add_path(graph, sorted(found))
        members[name, row_id] = min(found)
    assert {n: ROWS[n] - seen[n] for n in ROWS} == {
        "crm": 50, "loyalty": 15, "web_sign_ups": 9, "purchases": 58 + 67,
    }  # fmt: skip
    component = {i: n for n, part in enumerate(nx.connected_components(graph)) for i in part}
    tables: dict[int, set[str]] = {}
    persons: dict[int, set[str]] = {}
    parts: dict[str, set[int]] = {}
    for (name, row_id), identity in members.items():
        tables.setdefault(component[identity], set()).add(name)
        if name != "purchases":
            number = row_id.split("-")[1]
            persons.setdefault(component[identity], set()).add(number)
            parts.setdefault(number, set()).add(component[identity])
    assert sum(len(names) > 1 for names in tables.values()) > 1500
    assert sum(len(names) == 4 for names in tables.values()) > 100
    assert sum(len(each) > 1 for each in parts.values()) > 200  # typing errors break some joins
    terminal = component[TERMINAL]
    assert sum(number == terminal for number in component.values()) > 50
    glued = [numbers for n, numbers in persons.items() if len(numbers) > 1 and n != terminal]
    assert sorted(map(sorted, glued)) == [["1105", "512"], ["137", "1896"]]


def test_building_again_replaces_the_inputs_and_keeps_everything_else(tmp_path: Path) -> None:
    demo = build(tmp_path)
    kept = [tmp_path / "exports/profile/part.parquet", tmp_path / "notes.txt"]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    DeltaTable(tmp_path / "crm").delete()
    demo.sandbox.write_text("edited")
    again = build(tmp_path)
    assert again == demo
    assert table(again, "crm").num_rows == ROWS["crm"]
    assert [path.read_text() for path in kept] == ["mine", "mine"]
    assert (tmp_path / "sandbox.yml.bak").read_text() == "edited"
    assert DeltaTable(tmp_path / "crm", version=0).to_pyarrow_table().num_rows == ROWS["crm"]


def test_two_builds_at_once_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = pq.write_table

    def write_table(*words: Any, **more: Any) -> None:
        monkeypatch.setattr(pq, "write_table", written)
        written(*words, **more)
        build(tmp_path)  # the other comes and goes between our draft and its place

    monkeypatch.setattr(pq, "write_table", write_table)
    assert build(tmp_path).rows == ROWS
    assert [path.name for path in (tmp_path / "web_sign_ups").iterdir()] == ["part-0.parquet"]


def test_a_build_that_was_cut_short_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what the user has edited is kept, though the file was about to be replaced."""
    demo = build(tmp_path)
    demo.sandbox.write_text("# mine", encoding="utf-8")
    written = Path.write_text

    def write_text(path: Path, text: str, **more: Any) -> int:
        if "sandbox.yml" not in path.name:
            return written(path, text, **more)
        written(path, text[: len(text) // 2], **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", write_text)
        with pytest.raises(KeyboardInterrupt):
            build(tmp_path)
    again = build(tmp_path)
    assert load_sandbox(again.sandbox).name
    assert demo.sandbox.with_name("sandbox.yml.bak").read_text(encoding="utf-8") == "# mine"
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(Conflict, match="left alone"):
        build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(Conflict, match="is a file"):
        build(tmp_path / "thesis.tex")


@pytest.mark.parametrize("name", ["50%20off", r"a\b", "a[1]", "a*b", "a{1}/demo"])
def test_a_folder_that_engines_take_for_another_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="engines take") as caught:
        build(tmp_path / name)
    assert caught.value.code == "path-pattern"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Conflict, match="file/demo cannot be written: Not a directory") as caught:
        build(tmp_path / "file" / "demo")
    assert caught.value.code == "not-a-demo-folder"
