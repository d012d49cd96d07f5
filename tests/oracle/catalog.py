"""The sandbox of a world: its datasets with their rows, its merge policies and segments."""

from dataclasses import dataclass, field
from typing import Any

from .spark_types import StructType, parse_columns
from .values import decode

PROFILE = "profile"
EVENT = "experienceevent"

Path = tuple[str, ...]


def as_path(dotted: str) -> Path:
    return tuple(dotted.split("."))


@dataclass(frozen=True, eq=False)
class Dataset:
    id: str
    kind: str
    schema: StructType
    rows: list[dict[str, Any]]
    primary_identity: tuple[str, Path] | None
    identities: list[tuple[str, Path]]
    ingest_time: Path | None
    last_updated: Path | None

    @property
    def declared(self) -> list[tuple[str, Path]]:
        """The (namespace, field) pairs that the dataset declares, its primary identity first."""
        return ([self.primary_identity] if self.primary_identity else []) + self.identities


@dataclass(frozen=True)
class Sandbox:
    datasets: list[Dataset]
    export_ids: list[str]
    policies: list[dict[str, Any]]
    segments: list[dict[str, Any]]
    max_identities: int
    max_events: int
    written_namespaces: dict[str, str] = field(default_factory=dict)

    def of_kind(self, kind: str) -> list[Dataset]:
        return [dataset for dataset in self.datasets if dataset.kind == kind]

    def write_namespace(self, namespace: str) -> str:
        """As the sandbox first declares it, else lower-cased (S2)."""
        return self.written_namespaces.get(namespace, namespace)


def _dataset(document: dict[str, Any], table: dict[str, Any]) -> Dataset:
    schema = parse_columns(table["columns"])
    primary = document.get("primaryIdentity")
    updated = document.get("lastUpdated")
    ingest = document.get("ingestTime")
    return Dataset(
        id=document["id"],
        kind=document["class"],
        schema=schema,
        rows=[decode(schema, row) for row in table.get("rows") or []],
        primary_identity=(primary["namespace"], as_path(primary["field"])) if primary else None,
        identities=[
            (item["namespace"], as_path(item["field"])) for item in document.get("identities") or []
        ],
        ingest_time=as_path(ingest) if ingest else None,
        last_updated=as_path(updated) if updated else None,
    )


def read_sandbox(world: dict[str, Any]) -> Sandbox:
    document = world["sandbox"]
    settings = document.get("settings") or {}
    sources = [item for item in document["datasets"] if item["class"] != "export"]
    datasets = [_dataset(item, world["tables"][item["table"]["path"]]) for item in sources]
    written: dict[str, str] = {}
    for dataset in datasets:
        for namespace, _ in dataset.declared:
            written.setdefault(namespace.lower(), namespace)
    return Sandbox(
        datasets=datasets,
        export_ids=[item["id"] for item in document["datasets"] if item["class"] == "export"],
        policies=document.get("mergePolicies") or [],
        segments=document.get("segments") or [],
        max_identities=settings.get("maxIdentities", 50),
        max_events=settings.get("maxEventsPerProfile", 100_000),
        written_namespaces=written,
    )
