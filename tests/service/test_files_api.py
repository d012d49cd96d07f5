"""Files of batches over HTTP: lists, bytes, ranges, ETags, and nothing beside them."""

import errno
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from starlette.testclient import TestClient

from profile_export.engines import Engine
from profile_export.service import batch_files
from profile_export.service.ranges import Unsatisfiable, asked_range
from profile_export.service.store import Store
from profile_export.service.store.tables import batches
from profile_export.storage import Folder
from serving import SmallCatalog
from serving_done import exported
from small_sandbox import by_segment

ROOT = "/data/foundation/export"
Headers = Callable[..., dict[str, str]]


class Asked:
    """A sandbox with one export of two batches: one with people in it, one without."""

    def __init__(self, client: TestClient, headers: Headers, document: dict[str, Any]) -> None:
        self.client, self.headers = client, headers
        batches = document["destination"]["batches"]
        self.batch, self.empty = (batch["batchId"] for batch in batches)
        self.document = document

    def get(self, path: str, who: str = "read", method: str = "GET", **headers: str) -> Any:
        url = path if path.startswith("http") else f"{ROOT}/{path}"
        return self.client.request(method, url, headers={**self.headers(who), **headers})

    def first(self) -> tuple[str, dict[str, Any]]:
        (file,) = self.get(f"batches/{self.batch}/files").json()["data"]
        (entry,) = self.get(file["_links"]["self"]["href"]).json()["data"]
        return file["dataSetFileId"], entry


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """One kind of store will do: what is asked of it here is one SELECT."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def ask(client: TestClient, headers: Headers, store: Store, engine: Engine) -> Asked:
    batch_files._read_manifest.cache_clear()
    return Asked(client, headers, exported(client, store, engine, headers(), by_segment()))


@pytest.fixture
def files_of(ask: Asked, small_catalog: SmallCatalog) -> Path:
    return small_catalog.folder / "out" / "profile" / f"_ACP_BATCHID={ask.batch}"


def test_from_the_batch_to_its_bytes(ask: Asked, files_of: Path) -> None:
    answer = ask.get(f"batches/{ask.batch}/files/").json()
    (file,) = answer["data"]
    assert answer["_page"] == {"limit": 100, "count": 1}
    assert file["dataSetFileId"] == f"{ask.batch}-0"
    assert file["_links"]["self"]["href"] == f"http://testserver{ROOT}/files/{ask.batch}-0"
    texts = ("dataSetViewId", "version", "created", "updated", "records", "size")
    assert all(isinstance(file[name], str) for name in texts)
    assert file["records"] == "2"
    listed = ask.get(file["_links"]["self"]["href"]).json()
    (entry,) = listed["data"]
    assert listed["_page"] == {"limit": 100, "count": 1}
    (on_disk,) = files_of.iterdir()
    assert entry["name"] == on_disk.name
    assert entry["name"].endswith(".parquet")
    assert entry["length"] == file["size"] == str(on_disk.stat().st_size)
    answer = ask.get(entry["_links"]["self"]["href"])
    assert answer.status_code == 200
    assert answer.content == on_disk.read_bytes()
    assert answer.headers["content-length"] == entry["length"]
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert pq.read_table(io.BytesIO(answer.content)).num_rows == 2


def test_head_says_what_get_would(ask: Asked) -> None:
    _, entry = ask.first()
    href = entry["_links"]["self"]["href"]
    told, got = ask.get(href, method="HEAD"), ask.get(href)
    assert (told.status_code, told.content) == (200, b"")
    names = ("content-length", "etag", "accept-ranges", "content-type", "content-disposition")
    assert [told.headers[n] for n in names] == [got.headers[n] for n in names]
    ranged = ask.get(href, method="HEAD", Range="bytes=0-1")
    assert (ranged.status_code, ranged.headers["content-length"]) == (200, entry["length"])
    assert ask.get(href.partition("?")[0], method="HEAD").status_code == 200
    assert ask.get(f"{href}x", method="HEAD").status_code == 404


RANGES = [
    ("bytes=0-3", 0, 4),
    ("bytes=0-0", 0, 1),
    ("bytes=4-", 4, None),
    ("bytes=-4", -4, None),
    ("bytes=-999999999", 0, None),
    ("bytes=10-999999999", 10, None),
    ("BYTES=1-2", 1, 3),
    ("bytes= 1-2 ", 1, 3),
]


def test_ranges(ask: Asked) -> None:
    href = ask.first()[1]["_links"]["self"]["href"]
    whole = ask.get(href).content
    for text, start, end in RANGES:
        answer = ask.get(href, Range=text)
        expected = whole[start:end]
        assert (answer.status_code, answer.content) == (206, expected), text
        first = len(whole) + start if start < 0 else start
        last = first + len(expected) - 1
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
        assert answer.headers["content-length"] == str(len(expected))
        assert answer.headers["etag"]
    size = len(whole)
    for text in (
        f"bytes={size}-",
        "bytes=-0",
        f"bytes={size}-{size + 5}",
        "bytes=9" + "9" * 17 + "-",
        "bytes=9" + "9" * 40 + "-",
    ):
        answer = ask.get(href, Range=text)
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{size}")
        assert answer.headers["content-type"] == "application/problem+json"
    # Several, none at all, or not understood: the whole is always right.
    for text in (
        "bytes=0-1,4-5", "bytes=5-2", "bytes=-", "bytes=", "bytes", "lines=0-1", "bytes=a-b",
        "bytes=--1", "bytes=0-1-2", "bytes=٣-٤", "bytes=+1-2",
    ):  # fmt: skip
        header: Any = {"Range": text.encode()}
        answer = ask.get(href, **header)
        assert (answer.status_code, answer.content) == (200, whole), text


def test_conditions(ask: Asked) -> None:
    href = ask.first()[1]["_links"]["self"]["href"]
    whole = ask.get(href)
    tag = whole.headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        for method in ("GET", "HEAD"):
            answer = ask.get(href, method=method, **{"If-None-Match": known})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == tag
    for other in ('"x"', tag.strip('"'), "", 'W/"y"'):
        assert ask.get(href, **{"If-None-Match": other}).status_code == 200
    part = {"Range": "bytes=0-3"}
    for wanted in (tag, f'"x", {tag}', "*"):
        assert ask.get(href, **part, **{"If-Match": wanted}).status_code == 206
    for other in ('"x"', f"W/{tag}x", "x"):
        answer = ask.get(href, **part, **{"If-Match": other})
        assert (answer.status_code, answer.json()["title"]) == (412, "Precondition failed")
    for name, status in (("If-None-Match", 304), ("If-Match", 200)):
        for lines in ((tag, '"x"'), ('"x"', tag)):
            asked = [*ask.headers("read").items(), *((name, line) for line in lines)]
            assert ask.client.get(href, headers=asked).status_code == status, lines
    assert ask.get(href, **part, **{"If-Range": tag}).status_code == 206
    for other in ('"x"', f"W/{tag}", "Wed, 21 Oct 2015 07:28:00 GMT"):
        answer = ask.get(href, **part, **{"If-Range": other})
        assert (answer.status_code, answer.content) == (200, whole.content)


def test_a_batch_without_people(ask: Asked) -> None:
    answer = ask.get(f"batches/{ask.empty}/files")
    assert answer.json() == {"data": [], "_page": {"limit": 100, "count": 0}}
    assert ask.get(f"files/{ask.empty}-0").status_code == 404


def test_pages(ask: Asked) -> None:
    for query, count in (("start=1", 0), ("limit=1", 1), ("start=0&limit=1000&x=y", 1)):
        for place in (f"batches/{ask.batch}/files", f"files/{ask.batch}-0"):
            assert ask.get(f"{place}?{query}").json()["_page"]["count"] == count
    for query, told in (("start=-1", ["start"]), ("limit=0&start=x", ["start", "limit"])):
        answer = ask.get(f"batches/{ask.batch}/files?{query}")
        assert [e["parameter"] for e in answer.json()["errors"]] == told


def test_pages_are_followed_to_the_end(ask: Asked, files_of: Path) -> None:
    paper = files_of.parent / "_profile_export" / str(ask.document["id"]) / "manifest.json"
    said = json.loads(paper.read_text())
    (file,) = said["batches"][0]["files"]
    said["batches"][0]["files"] = [
        {**file, "path": f"{files_of.name}/part-{n:03}.parquet"} for n in range(205)
    ]
    paper.write_text(json.dumps(said))
    for query, sizes in (("", [100, 100, 5]), ("?limit=41", [41] * 5), ("?start=200", [5])):
        href, found = f"http://testserver{ROOT}/batches/{ask.batch}/files{query}", []
        while href:
            page = ask.get(href).json()
            found.append([each["dataSetFileId"] for each in page["data"]])
            assert len(found[-1]) == page["_page"]["count"]
            href = page.get("_links", {}).get("next", {}).get("href", "")
        assert [len(each) for each in found] == sizes, query
        assert found[-1][-1] == f"{ask.batch}-204"


def test_the_manifest(ask: Asked, files_of: Path) -> None:
    answer = ask.get(f"batches/{ask.batch}/manifest")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["jobId"] == ask.document["id"]
    assert [b["batchId"] for b in answer.json()["batches"]] == [ask.batch, ask.empty]
    assert str(files_of.parent) not in answer.text
    assert ask.get(f"batches/{ask.empty}/manifest").content == answer.content


def test_a_commit_is_not_shown_before_its_job_has_ended(ask: Asked, store: Store) -> None:
    """Its manifest is there by then, and its worker may have died since."""
    with store.write() as connection:
        connection.execute(update(batches).values(status="processing"))
    assert ask.get(f"batches/{ask.batch}/files").json()["data"] == []
    for below in (f"batches/{ask.batch}/manifest", f"files/{ask.batch}-0"):
        assert ask.get(below).status_code == 404


ELSEWHERE = [
    "../../_profile_export/{job}/manifest.json", "{name}/../{name}", "/{folder}/{name}",
    "{folder}/{name}", "_ACP_BATCHID={batch}/{name}", "./{name}", "", ".", "..", "{name}\0",
    "{name}/", "%2e%2e/{name}", "../../../sandbox.yml", "file:///etc/passwd", "/etc/passwd",
    "..\\{name}", "{name} ",
]  # fmt: skip


def test_no_path_leads_elsewhere(ask: Asked, files_of: Path) -> None:
    name = next(files_of.iterdir()).name
    for path in ELSEWHERE:
        asked = path.format(name=name, folder=files_of, batch=ask.batch, job=ask.document["id"])
        place = f"files/{ask.batch}-0?path={quote(asked, safe='')}"
        assert ask.get(place).status_code == ask.get(place, method="HEAD").status_code == 404, path
        assert ask.get(f"{place}&path={name}").status_code == 200


def test_files_that_are_not_there(ask: Asked) -> None:
    for file_id in (
        "x", "{batch}", "{batch}-1", "{batch}-", "{batch}--1", "{batch}-00", "{batch}-0 ", "%00",
        "{batch}-99999999999", "{upper}-0", "{batch}-0%00", "..", "{batch}-٠",
    ):  # fmt: skip
        asked = file_id.format(batch=ask.batch, upper=ask.batch.upper())
        answer = ask.get(f"files/{quote(asked, safe='%')}")
        assert answer.status_code == 404, file_id
        assert answer.headers["content-type"] == "application/problem+json"


def test_batches_that_are_not_there(ask: Asked) -> None:
    for batch in ("x", "0" * 32, ask.batch.upper(), f"{ask.batch}0", "%00", "..%2f.."):
        for below in ("files", "manifest"):
            assert ask.get(f"batches/{batch}/{below}").status_code == 404


def test_what_others_own_is_not_there(ask: Asked) -> None:
    paths = ("batches/{}/files", "batches/{}/manifest", "files/{}-0", "files/{}-0?path=x")
    for who in ("other_org", "other_sandbox"):
        for path in paths:
            told = [ask.get(path.format(b), who).json() for b in (ask.batch, "0" * 32)]
            assert [t.pop("requestId") for t in told]
            assert told[0] == told[1]
            assert told[0]["status"] == 404


def test_batches_that_are_not_successful(
    client: TestClient, headers: Headers, store: Store
) -> None:
    url = "/data/core/ups/export/jobs"
    made = client.post(url, json=by_segment(), headers=headers()).json()
    batch = made["destination"]["batches"][0]["batchId"]
    for _ in ("processing", "aborted"):
        answer = client.get(f"{ROOT}/batches/{batch}/files", headers=headers())
        assert (answer.status_code, answer.json()["data"]) == (200, [])
        assert client.get(f"{ROOT}/files/{batch}-0", headers=headers()).status_code == 404
        told = client.get(f"{ROOT}/batches/{batch}/manifest", headers=headers())
        assert told.status_code == 404
        client.delete(f"{url}/{made['id']}", headers=headers())
    assert store


def test_files_that_were_touched_since(ask: Asked, files_of: Path) -> None:
    href = ask.first()[1]["_links"]["self"]["href"]
    (file,) = files_of.iterdir()
    with file.open("ab") as opened:
        opened.write(b"x")
    for method in ("GET", "HEAD"):
        assert ask.get(href, method=method).status_code == 409
    assert ask.get(href).json()["type"] == "urn:profile-export:error:file-changed"
    file.unlink()
    answer = ask.get(href)
    assert (answer.status_code, answer.json()["type"][-9:]) == (404, "file-gone")
    assert str(files_of.parent) not in answer.text


def test_a_manifest_that_names_other_files_opens_none(ask: Asked, files_of: Path) -> None:
    paper = files_of.parent / "_profile_export" / str(ask.document["id"]) / "manifest.json"
    said = json.loads(paper.read_text())
    secret = files_of.parent.parent / "secret.parquet"
    secret.write_bytes(b"x")
    said["batches"][0]["files"] = [
        {**said["batches"][0]["files"][0], "path": path, "bytes": 1}
        for path in ("../secret.parquet", str(secret), f"{files_of.name}/../../secret.parquet")
    ]
    paper.write_text(json.dumps(said))
    assert ask.get(f"batches/{ask.batch}/files").json()["data"] == []
    assert ask.get(f"files/{ask.batch}-0?path=secret.parquet").status_code == 404


def test_a_storage_that_is_away_for_a_while(ask: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_folder: Folder, _path: str) -> None:
        raise OSError(errno.EIO, "Input/output error")

    href = ask.first()[1]["_links"]["self"]["href"]
    monkeypatch.setattr(Folder, "open_own", away)
    for path in (href, f"batches/{ask.batch}/manifest"):
        answer = ask.get(path)
        assert answer.status_code == 503
        assert answer.json()["type"] == "urn:profile-export:error:storage-away"


def test_links_below_a_dataset_lead_nowhere(ask: Asked, files_of: Path, tmp_path: Path) -> None:
    _, entry = ask.first()
    href = entry["_links"]["self"]["href"]
    (file,) = files_of.iterdir()
    secret = tmp_path / "secret"
    secret.write_bytes(b"s" * file.stat().st_size)
    file.unlink()
    file.symlink_to(secret)
    answer = ask.get(href)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:profile-export:error:file-gone"
    manifest = files_of.parent / "_profile_export" / str(ask.document["id"]) / "manifest.json"
    manifest.unlink()
    manifest.symlink_to(secret)
    answer = ask.get(f"batches/{ask.batch}/manifest")
    assert (answer.status_code, b"ssss" in answer.content) == (404, False)


def test_a_manifest_that_is_gone(ask: Asked, files_of: Path) -> None:
    paper = files_of.parent / "_profile_export" / str(ask.document["id"]) / "manifest.json"
    for spoil in (lambda: paper.write_text("{"), paper.unlink):
        spoil()
        for below in ("batches/{}/files", "files/{}-0"):
            answer = ask.get(below.format(ask.batch))
            assert answer.status_code == 404
            assert str(files_of.parent) not in answer.text
    assert ask.get(f"batches/{ask.batch}/manifest").status_code == 404


def test_large_files_come_in_pieces(tmp_path: Path) -> None:
    import asyncio

    from profile_export.storage import Folder

    data = bytes(range(256)) * 10_000
    (tmp_path / "f").write_bytes(data)

    async def read(start: int, length: int) -> list[bytes]:
        opened = Folder(str(tmp_path)).open("f")
        found = [piece async for piece in batch_files.chunks(opened, start, length)]
        assert opened.closed
        return found

    pieces = asyncio.run(read(0, len(data)))
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 1 << 20
    assert b"".join(asyncio.run(read(100, 2_000_000))) == data[100:2_000_100]


def test_a_reader_that_goes_away_closes_the_file(tmp_path: Path) -> None:
    import asyncio

    from profile_export.storage import Folder

    (tmp_path / "f").write_bytes(b"x" * (3 << 20))

    async def read() -> bool:
        opened = Folder(str(tmp_path)).open("f")
        pieces = batch_files.chunks(opened, 0, 3 << 20)
        await anext(pieces)
        await pieces.aclose()  # type: ignore[attr-defined]
        return bool(opened.closed)

    assert asyncio.run(read())


@pytest.mark.parametrize("below", ["", "/base"])
def test_links_behind_a_proxy(
    below: str, ask: Asked, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    state: Any = client.app.state  # type: ignore[attr-defined]
    told = replace(state.config, public_url=f"https://export.example{below}/")
    monkeypatch.setattr(state, "config", told)
    (file,) = ask.get(f"batches/{ask.batch}/files").json()["data"]
    assert file["_links"]["self"]["href"].startswith(f"https://export.example{below}{ROOT}/files/")


_header = st.from_regex(r"bytes=\d{0,3}-\d{0,3}", fullmatch=True) | st.text(max_size=12)


@given(header=_header, size=st.integers(1, 300))
def test_any_range_is_a_part_of_the_file(header: str, size: int) -> None:
    data = bytes(n % 256 for n in range(size))
    try:
        found = asked_range({"range": header}, '"t"', size)
    except Unsatisfiable:
        assert header.startswith("bytes=")
        return
    if found is None:
        return
    start, length = found
    first, _, last = header.removeprefix("bytes=").partition("-")
    expected = data[int(first) : int(last) + 1 if last else None] if first else data[-int(last) :]
    assert length > 0
    assert data[start : start + length] == expected
