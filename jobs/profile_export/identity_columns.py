"""The identities of one row as columns, made from what its dataset declares (S2, S3)."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export import frames
from profile_export.columns import at, identity_key
from profile_export.plan import IdentityField, Input
from profile_export.schema import Array, DataType, Map, Struct, ddl, struct_of

_LISTED = Array(struct_of(key="string", auth="integer"))
_MAPPED = Array(struct_of(key="string", auth="integer", primary="boolean"))
IDENTITIES_DDL = ddl(_LISTED)
AUTHENTICATED, LOGGED_OUT, AMBIGUOUS = 2, 1, 0
"""Strength of ``authenticatedState``; ambiguous is also what was never stated (S10)."""


def parts(source: Input) -> list[Column]:
    """What :func:`primary_key` and :func:`identities` are made of, each computed once per row.

    Selected in a step of its own: an engine that does not share common subexpressions would walk
    the ``identityMap`` again for each use (twice the time on Sail).

    Columns: ``declared`` array<struct<key,auth>> and ``mapped`` array<struct<key,auth,primary>>, as
    the dataset has them, and ``declared_pk`` string where a primary identity is declared.
    """
    columns = []
    keys = [
        F.struct(declared_key(d).alias("key"), F.lit(AMBIGUOUS).alias("auth"))
        for d in declared(source)
    ]
    if keys:
        columns.append(_known(F.array(*keys)).alias("declared"))
    if source.primary_identity is not None:
        columns.append(declared_key(source.primary_identity).alias("declared_pk"))
    if source.has_identity_map:
        columns.append(_map_entries(source).alias("mapped"))
    return columns


def primary_key(source: Input) -> Column:
    """Over :func:`parts`: the row's primary identity as a key, null where it has none (S3)."""
    if source.primary_identity is not None:
        return F.col("declared_pk")
    chosen = F.filter("mapped", lambda entry: entry["primary"])
    return F.array_min(F.transform(chosen, lambda entry: entry["key"]))


def identities(source: Input) -> Column:
    """Over :func:`parts`: all identities of the row, its primary among them, never null.

    ``array<struct<key,auth>>``.
    """
    lists = [F.col("declared")] if declared(source) else []
    if source.has_identity_map:
        lists.append(
            F.transform(
                "mapped", lambda e: F.struct(e["key"].alias("key"), e["auth"].alias("auth"))
            )
        )
    # The cast gives both arrays one nullability: Sail's concat takes no less.
    return F.concat(*(part.cast(IDENTITIES_DDL) for part in lists))


def declared_key(identity: IdentityField) -> Column:
    """Over the dataset as read: the key of an identity, null where a row has none (S2)."""
    return identity_key(F.lit(identity.namespace.lower()), at(identity.field))


def to_be_hashed(frame: DataFrame, source: Input) -> DataFrame:
    """A dataset as read, as ``frames.to_be_hashed``; where maps are hashed too there is no need."""
    primary = source.primary_identity
    return frame if primary is None else frames.to_be_hashed(frame, at(primary.field))


def told_apart_by(source: Input) -> list[tuple[Column, DataType]]:
    """Over :func:`parts`: what tells apart rows of different identities, to be hashed."""
    lists: list[tuple[Column, DataType]] = []
    if declared(source):
        lists.append((F.col("declared"), _LISTED))
    if source.has_identity_map:
        lists.append((F.col("mapped"), _MAPPED))
    return lists


def declared(source: Input) -> list[IdentityField]:
    """The identities that the dataset declares by fields, the primary one first (S2)."""
    primary = [source.primary_identity] if source.primary_identity is not None else []
    return [*primary, *source.identities]


def _known(entries: Column) -> Column:
    return F.filter(entries, lambda entry: entry["key"].isNotNull())


def _map_entries(source: Input) -> Column:
    """The entries of ``identityMap`` that are identities: ``array<struct<key,auth,primary>>``."""
    entry_type = _entry_type(source)
    per_namespace = F.transform(
        F.filter(F.map_entries(F.col("identityMap")), lambda pair: pair["value"].isNotNull()),
        lambda pair: F.transform(
            pair["value"], lambda item: _entry(F.lower(pair["key"]), item, entry_type)
        ),
    )
    none = F.array().cast(ddl(_MAPPED))
    return _known(F.coalesce(F.flatten(per_namespace), none))


def _entry_type(source: Input) -> Struct:
    map_type = source.columns.get("identityMap")
    assert isinstance(map_type, Map), "the plan refuses another type"
    assert isinstance(map_type.value, Array), "the plan refuses another type"
    assert isinstance(map_type.value.element, Struct), "the plan refuses another type"
    return map_type.value.element


def _entry(namespace: Column, item: Column, type_: Struct) -> Column:
    state = item["authenticatedState"] if type_.get("authenticatedState") else F.lit(None)
    primary = item["primary"] if type_.get("primary") else F.lit(False)
    strength = (
        F.when(state == "authenticated", F.lit(AUTHENTICATED))
        .when(state == "loggedOut", F.lit(LOGGED_OUT))
        .otherwise(F.lit(AMBIGUOUS))
    )
    return F.struct(
        identity_key(namespace, item["id"]).alias("key"),
        strength.alias("auth"),
        primary.cast("boolean").alias("primary"),
    )
