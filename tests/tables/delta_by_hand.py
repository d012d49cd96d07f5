"""Delta tables that delta-rs cannot make, written as Delta's protocol describes them.

Test support. Deletion vectors are a RoaringBitmapArray: inline (``storageType`` i) in Z85, or in a
file of the table's folder (u).
"""

import json
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable

from profile_export.schema import Struct, to_json

_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_MAGIC_OF_ARRAY, _COOKIE_WITHOUT_RUNS = 1681511377, 12346


def table(
    folder: Path,
    files: Mapping[str, pa.Table],
    *,
    columns: Struct,
    features: Iterable[str],
    configuration: Mapping[str, str],
    deleted: Mapping[str, Iterable[int]] | None = None,
    physical: Mapping[str, str] | None = None,
    widened: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Write a table of one commit.

    Args:
        folder: Where.
        files: Rows by file name, with their physical column names.
        columns: Of the table.
        features: Reader and writer features of its protocol.
        configuration: Table properties.
        deleted: Rows of a file that its deletion vector marks, by position.
        physical: Column -> its name in the files (column mapping). Members have their own there, as
            in a table that was upgraded.
        widened: Column -> its type before and now, in Delta's words.
    """
    protocol = _protocol(sorted(features))
    described = {
        "id": "00000000-0000-4000-8000-000000000001",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": _schema(columns, physical or {}, widened or {}),
        "partitionColumns": [],
        "configuration": dict(configuration),
        "createdTime": 0,
    }
    (folder / "_delta_log").mkdir(parents=True)
    adds = [
        {"add": _add(folder / name, rows, sorted((deleted or {}).get(name, ())))}
        for name, rows in files.items()
    ]
    actions = [{"protocol": protocol}, {"metaData": described}, *adds]
    log = folder / "_delta_log" / f"{0:020}.json"
    log.write_text("".join(json.dumps(action) + "\n" for action in actions), encoding="utf-8")


def hide_rows(folder: Path, name: str, positions: list[int], *, number: int = 1) -> Path:
    """Mark rows of a live file as deleted, in a commit of its own; gives the file of the vector.

    Args:
        folder: Of a table without vectors so far, or with those of earlier calls.
        name: The data file.
        positions: Of the rows, ascending.
        number: Of the vector among those of the table.
    """
    entries = sorted((folder / "_delta_log").glob("*.json"))
    actions = [json.loads(line) for entry in entries for line in entry.read_text().splitlines()]
    (add,) = (a["add"] for a in actions if a.get("add", {}).get("path") == name)
    vector, uuid = _bitmaps(positions), UUID(int=number)
    file = folder / f"deletion_vector_{uuid}.bin"
    size, check = struct.pack(">I", len(vector)), struct.pack(">I", zlib.crc32(vector))
    file.write_bytes(b"\x01" + size + vector + check)
    described = {
        "storageType": "u",
        "pathOrInlineDv": _z85(uuid.bytes),
        "offset": 1,
        "sizeInBytes": len(vector),
        "cardinality": len(positions),
    }
    made = [
        {"protocol": _protocol(["deletionVectors"])},
        {"remove": {"path": name, "dataChange": True, "deletionTimestamp": 0}},
        {"add": {**add, "deletionVector": described}},
    ]
    version = DeltaTable(str(folder)).version() + 1
    log = folder / "_delta_log" / f"{version:020}.json"
    log.write_text("".join(json.dumps(action) + "\n" for action in made), encoding="utf-8")
    return file


def _protocol(features: list[str]) -> dict[str, Any]:
    return {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": features,
        "writerFeatures": features,
    }


def _schema(
    columns: Struct, physical: Mapping[str, str], widened: Mapping[str, tuple[str, str]]
) -> str:
    metadata: dict[str, dict[str, Any]] = {}
    for number, (name, inside) in enumerate(physical.items(), start=1):
        metadata[name] = {
            "delta.columnMapping.id": number,
            "delta.columnMapping.physicalName": inside,
        }
    for name, (before, now) in widened.items():
        metadata[name] = {"delta.typeChanges": [{"fromType": before, "toType": now}]}
    schema = to_json(columns)
    for field in schema["fields"]:
        field["metadata"] = metadata.get(field["name"], {})
        if physical:
            _map_members(field["type"], count(len(physical) + 1))
    return json.dumps(schema)


def _map_members(type_: Any, numbers: Iterator[int]) -> None:
    """Say of members, at whatever depth, that they are in files as they are called."""
    if not isinstance(type_, dict):
        return
    for member in type_.get("fields", ()):
        member["metadata"] = {
            "delta.columnMapping.id": next(numbers),
            "delta.columnMapping.physicalName": member["name"],
        }
        _map_members(member["type"], numbers)
    for inner in ("elementType", "valueType"):
        _map_members(type_.get(inner), numbers)


def _add(file: Path, rows: pa.Table, deleted: list[int]) -> dict[str, Any]:
    """Write a file; gives its ``add`` action."""
    pq.write_table(rows, file)
    action = {
        "path": file.name,
        "partitionValues": {},
        "size": file.stat().st_size,
        "modificationTime": 0,
        "dataChange": True,
        "stats": json.dumps({"numRecords": rows.num_rows, "tightBounds": False}),
    }
    return {**action, "deletionVector": _vector(deleted)} if deleted else action


def _vector(positions: list[int]) -> dict[str, Any]:
    whole = _bitmaps(positions)
    return {
        "storageType": "i",
        "pathOrInlineDv": _z85(whole),
        "sizeInBytes": len(whole),
        "cardinality": len(positions),
    }


def _bitmaps(positions: list[int]) -> bytes:
    """Positions below 65,536: one bitmap with one array container."""
    bitmap = struct.pack("<IIHHI", _COOKIE_WITHOUT_RUNS, 1, 0, len(positions) - 1, 16)
    bitmap += struct.pack(f"<{len(positions)}H", *positions)
    return struct.pack("<IQI", _MAGIC_OF_ARRAY, 1, 0) + bitmap


def _z85(data: bytes) -> str:
    padded = data + b"\0" * (-len(data) % 4)
    text = ""
    for (word,) in struct.iter_unpack(">I", padded):
        text += "".join(_Z85[word // 85**power % 85] for power in range(4, -1, -1))
    return text
