"""Names and types of the output's system columns, without PySpark (S10, S13, S20, S22, S23)."""

from profile_export.plan import ExportPlan
from profile_export.schema import Array, DataType, Field, Map, Struct, struct_of

BATCH_COLUMN = "_ACP_BATCHID"
EVENTS_COLUMN = "timeSeriesEvents"
LINEAGE_COLUMN = "_lineage"
SYSTEM_FIELDS = ("identityMap", "identities", "segmentMembership")

IDENTITY_MAP_TYPE = Map(
    "string", Array(struct_of(id="string", authenticatedState="string", primary="boolean"))
)
IDENTITIES_TYPE = Array(
    struct_of(id="string", namespace=struct_of(code="string"), primary="boolean")
)
LINEAGE_TYPE = Map(
    "string",
    struct_of(
        datasetId="string",
        primaryIdentity=struct_of(namespace="string", id="string"),
        updateTime="timestamp",
        candidates="long",
    ),
)


def membership_map(entry: Struct) -> Map:
    """The type of ``segmentMembership``: namespace -> segment id -> entry (S13)."""
    return Map("string", Map("string", entry))


def written_columns(plan: ExportPlan) -> Struct:
    """The columns that a job writes, in order, without the partition column (S26)."""
    extra: list[tuple[str, DataType]] = []
    if plan.events is not None:
        extra.append((EVENTS_COLUMN, Array(plan.events.columns)))
    if plan.lineage:
        extra.append((LINEAGE_COLUMN, LINEAGE_TYPE))
    return Struct((*plan.output.fields, *(Field(name, type_) for name, type_ in extra)))
