"""Columns of times without a time zone, which Delta tables take by a feature of theirs only."""

from deltalake import TableFeatures

from profile_export.delta_log import TargetState
from profile_export.schema import Array, DataType, Map, Struct

_IMPLIED = {
    2: (TableFeatures.AppendOnly, TableFeatures.Invariants),
    3: (TableFeatures.CheckConstraints,),
    4: (TableFeatures.ChangeDataFeed, TableFeatures.GeneratedColumns),
}
"""What a protocol of before there were features to declare has from a writer version on, as far as
a target may make use of it: declared with the first feature, or Spark reads the table no more."""

_RENAMES = 2
"""The reader version that means column mapping, whether a table makes use of it or not: Sail reads
no table that declares it to writers and not to readers."""

FEATURE = "timestampNtz"


def lacks_feature(state: TargetState, grown: Struct) -> bool:
    """Whether a table that is to have the columns ``grown`` must declare the feature first: a
    schema without it is accepted by no reader."""
    return _has_ntz(grown) and FEATURE not in (state.table.protocol().writer_features or [])


def declare(state: TargetState) -> None:
    """Declare the feature by delta-rs: a commit of its own that only raises the protocol; no row
    and no column becomes visible by it."""
    protocol, wanted = state.table.protocol(), [TableFeatures.TimestampWithoutTimezone]
    if protocol.writer_features is None:
        for version, implied in _IMPLIED.items():
            wanted += implied if version <= protocol.min_writer_version else ()
    if protocol.min_reader_version == _RENAMES:
        wanted.append(TableFeatures.ColumnMapping)
    state.table.alter.add_feature(wanted, allow_protocol_versions_increase=True)


def creatable(wanted: Struct) -> Struct:
    """The columns that a table can be created with: delta-rs does not see times without zone in
    maps then, and would commit a table that it refuses to read."""
    return Struct(tuple(field for field in wanted.fields if not _has_ntz(field.type, in_maps=True)))


def _has_ntz(type_: DataType, *, in_maps: bool = False) -> bool:
    """Whether there are times without zone in it; or, ``in_maps``, below a map."""
    match type_:
        case Struct():
            return any(_has_ntz(field.type, in_maps=in_maps) for field in type_.fields)
        case Array():
            return _has_ntz(type_.element, in_maps=in_maps)
        case Map():
            return _has_ntz(type_.key) or _has_ntz(type_.value)
    return type_ == "timestamp_ntz" and not in_maps
