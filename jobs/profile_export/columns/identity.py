"""The identities of one row as columns, made from what its dataset declares (S2, S3)."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from profile_export.columns import at, identity_key
from profile_export.plan import IdentityField, Input
from profile_export.schema import Array, DataType, Map, Struct, ddl, struct_of

_LISTED = Array(struct_of(key="string", auth="integer"))
_MAPPED = Array(struct_of(key="string", auth="integer", primary="boolean"))
IDENTITIES_DDL = ddl(_LISTED)
AUTHENTICATED, LOGGED_OUT, AMBIGUOUS = 2, 1, 0
"""Strength of ``authenticatedState``; ambiguous is also what was never stated (S10)."""


def lists(source: Input) -> list[Column]:
    """Over ``frames.identities.staged``: the identities of the row, as the dataset has them.

    Columns: ``declared`` array<struct<key,auth>> where some are declared by fields, and ``mapped``
    array<struct<key,auth,primary>> of an ``identityMap``.
    """
    columns = []
    if declared(source):
        keys = (F.struct(key.alias("key"), F.lit(AMBIGUOUS).alias("auth")) for key in _keys(source))
        columns.append(_known(F.array(*keys)).alias("declared"))
    if source.has_identity_map:
        is_there = source.primary_identity is None
        columns.append((F.col("mapped") if is_there else mapped(source)).alias("mapped"))
    return columns


def _keys(source: Input) -> list[Column]:
    return [
        identity_key(F.lit(d.namespace.lower()), F.col(f"i{n}"))
        for n, d in enumerate(declared(source))
    ]


def primary_key(source: Input) -> Column:
    """Over what ``frames.identities.staged`` selects first: the key of the primary identity, null
    where a row has none (S3)."""
    if source.primary_identity is not None:
        return _keys(source)[0]
    chosen = F.filter("mapped", lambda entry: entry["primary"])
    return F.array_min(F.transform(chosen, lambda entry: entry["key"]))


def identities(source: Input) -> Column:
    """Over :func:`lists`: all identities of the row, its primary among them, never null.

    ``array<struct<key,auth>>``.
    """
    parts = [F.col("declared")] if declared(source) else []
    if source.has_identity_map:
        parts.append(
            F.transform(
                "mapped", lambda e: F.struct(e["key"].alias("key"), e["auth"].alias("auth"))
            )
        )
    # The cast gives both arrays one nullability: Sail's concat takes no less.
    return F.concat(*(part.cast(IDENTITIES_DDL) for part in parts))


def declared_key(identity: IdentityField) -> Column:
    """Over the dataset as read: the key of an identity, null where a row has none (S2)."""
    return identity_key(F.lit(identity.namespace.lower()), at(identity.field))


def told_apart_by(source: Input) -> list[tuple[Column, DataType]]:
    """Over :func:`lists`: what tells apart rows of different identities, to be hashed."""
    found: list[tuple[Column, DataType]] = []
    if declared(source):
        found.append((F.col("declared"), _LISTED))
    if source.has_identity_map:
        found.append((F.col("mapped"), _MAPPED))
    return found


def declared(source: Input) -> list[IdentityField]:
    """The identities that the dataset declares by fields, the primary one first (S3)."""
    primary = [source.primary_identity] if source.primary_identity is not None else []
    return [*primary, *source.identities]


def _known(entries: Column) -> Column:
    return F.filter(entries, lambda entry: entry["key"].isNotNull())


def mapped(source: Input) -> Column:
    """Over the dataset as read: the entries of ``identityMap`` that are identities.

    ``array<struct<key,auth,primary>>``.
    """
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
