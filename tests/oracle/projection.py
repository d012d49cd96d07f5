"""S12 and S21: the columns that may be asked, those that are asked, and what cannot be."""

from dataclasses import dataclass

from .catalog import Dataset, Path, as_path
from .spark_types import ArrayType, DataType, MapType, StructType, parse_type, without
from .union import TypeConflictError, unite, wider

IDENTITY_MAP = parse_type(
    "map<string,array<struct<id:string,authenticatedState:string,primary:boolean>>>"
)
IDENTITIES = parse_type("array<struct<id:string,namespace:struct<code:string>,primary:boolean>>")
MEMBERSHIP = parse_type(
    "map<string,map<string,struct<status:string,lastQualificationTime:timestamp>>>"
)
SYSTEM_COLUMNS = ["_id", "identityMap", "identities", "segmentMembership", "timeSeriesEvents"]


class BadPathError(Exception):
    """A path that cannot be asked; its text is the code."""


@dataclass(frozen=True)
class ProfileUnion:
    """What can be asked: the attributes to merge, and the system columns behind them."""

    attributes: StructType
    membership: DataType
    conflicts: list[str]

    @property
    def offered(self) -> StructType:
        system = (
            ("identityMap", IDENTITY_MAP),
            ("identities", IDENTITIES),
            ("segmentMembership", self.membership),
        )
        return StructType(self.attributes.fields + system)

    @property
    def all_paths(self) -> list[Path]:
        """Every leaf, identityMap and segmentMembership; identities only if named."""
        names = [name for name, _ in self.attributes.fields]
        return [(name,) for name in [*names, "identityMap", "segmentMembership"]]


def _own_attributes(dataset: Dataset) -> StructType:
    fields = [item for item in dataset.schema.fields if item[0] not in SYSTEM_COLUMNS]
    schema = StructType(tuple(fields))
    # Ingest time is a system column only where it is declared.
    return without(schema, dataset.ingest_time) if dataset.ingest_time else schema


def record_union(datasets: list[Dataset]) -> ProfileUnion:
    attributes, conflicts = unite([_own_attributes(dataset) for dataset in datasets])
    declared = [dataset.schema.get("segmentMembership") for dataset in datasets]
    membership: DataType | None = None
    for kind in declared:
        if kind is None:
            continue
        try:
            membership = kind if membership is None else wider(membership, kind)
        except TypeConflictError:
            conflicts.append("segmentMembership")
    return ProfileUnion(attributes, membership or MEMBERSHIP, conflicts)


def event_union(datasets: list[Dataset]) -> tuple[StructType, list[str]]:
    """The element of timeSeriesEvents when all is asked: _id and timestamp lead."""
    schemas = []
    for dataset in datasets:
        path = dataset.ingest_time
        hidden = path if path != ("timestamp",) else None  # every event has that
        schemas.append(without(dataset.schema, hidden) if hidden else dataset.schema)
    united, conflicts = unite(schemas)
    fields = dict(united.fields)
    lead = (
        ("_id", fields.pop("_id", parse_type("string"))),
        ("timestamp", fields.pop("timestamp", parse_type("timestamp"))),
    )
    return StructType(lead + tuple(fields.items())), conflicts


def parse_paths(text: str | None) -> list[Path] | None:
    """The asked paths; None means all of them. An empty element between commas is refused."""
    if text is None or not text.strip():
        return None
    elements = [element.strip() for element in text.split(",")]
    if not all(elements):
        raise BadPathError("empty-field")
    return [as_path(element) for element in elements]


def check_path(kind: DataType, path: Path) -> None:
    if not path:
        return
    if isinstance(kind, ArrayType):
        check_path(kind.element, path)
    elif isinstance(kind, MapType):
        raise BadPathError("into-map")
    else:
        inner = kind.get(path[0]) if isinstance(kind, StructType) else None
        if inner is None:
            raise BadPathError("unknown-field")
        check_path(inner, path[1:])


def check_fields(offered: StructType, text: str | None) -> list[str]:
    """The code of every fault of a field list."""
    try:
        paths = parse_paths(text)
    except BadPathError as fault:
        return [str(fault)]
    codes = []
    for path in paths or []:
        try:
            check_path(offered, path)
        except BadPathError as fault:
            codes.append(str(fault))
    return codes


def prune(kind: DataType, paths: list[Path]) -> DataType:
    """Only the asked members, through arrays too, in the union's order. Overlaps unite."""
    if () in paths:
        return kind
    if isinstance(kind, ArrayType):
        return ArrayType(prune(kind.element, paths))
    assert isinstance(kind, StructType)
    kept = []
    for name, inner in kind.fields:
        below = [path[1:] for path in paths if path[0] == name]
        if below:
            kept.append((name, prune(inner, below)))
    return StructType(tuple(kept))


def prune_struct(struct: StructType, paths: list[Path]) -> StructType:
    kept = prune(struct, paths)
    assert isinstance(kept, StructType)
    return kept
