"""What the comparators share: the case as they read it, Delta in and out. Imports no engine."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deltalake import DeltaTable, Field, Schema, convert_to_deltalake
from deltalake.schema import PrimitiveType

BATCH = "_ACP_BATCHID"


@dataclass(frozen=True)
class Asked:
    """A case as ``cases.lay_out`` writes it."""

    data: Path
    segments: list[str]
    fields: list[str]
    events: list[str] | None
    datasets: list[str]
    precedence: list[str] | None
    replaced: bool
    """Whether records may have older ones of the same primary identity; else nobody looks (S4)."""
    repeated: bool
    """Whether events may have come twice (S23)."""
    keys: Path

    @classmethod
    def read(cls, file: str) -> "Asked":
        told: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
        return cls(**{**told, "data": Path(told["data"]), "keys": Path(told["keys"])})

    @property
    def batches(self) -> list[str]:
        """The batch ids: one per segment, or one for everybody."""
        return [batch_id(n) for n in range(max(1, len(self.segments)))]

    def rank(self, dataset: str) -> int:
        """Greater wins: by order, or by dataset id where times are equal (S11)."""
        if self.precedence is not None:
            return len(self.precedence) - self.precedence.index(dataset)
        return 1 + sorted(self.datasets).index(dataset)

    def files(self, table: str) -> list[str]:
        """The data files of the table's newest version."""
        return [u.removeprefix("file://") for u in DeltaTable(self.data / table).file_uris()]


def batch_id(number: int) -> str:
    return f"{number:032x}"


def groups(paths: list[str]) -> dict[str, list[str]]:
    """Leaves by struct: the name of a column -> its members, none for a leaf at the top."""
    found: dict[str, list[str]] = {}
    for path in paths:
        top, _, member = path.partition(".")
        found.setdefault(top, []).extend([member] if member else [])
    return found


def fresh(target: Path) -> Path:
    """An empty place for a table."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    return target


def commit(target: Path, partition: str = BATCH) -> None:
    """One Delta commit of the Parquet files that lie in the partition's folders."""
    convert_to_deltalake(
        str(target),
        partition_by=Schema([Field(partition, PrimitiveType("string"))]),
        partition_strategy="hive",
    )
