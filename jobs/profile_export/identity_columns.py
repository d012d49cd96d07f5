"""The identities of one row as columns, made from what its dataset declares (S2, S3)."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from profile_export.columns import at, identity_key
from profile_export.plan import Input
from profile_export.schema import Array, Map, Struct

IDENTITIES_DDL = "array<struct<key:string,auth:int>>"
AUTHENTICATED, LOGGED_OUT, AMBIGUOUS = 2, 1, 0
"""Strength of ``authenticatedState``; ambiguous is also what was never stated (S10)."""


def primary_key(source: Input) -> Column:
    """The row's primary identity as a key, null where it has none (S3)."""
    if source.primary_identity is not None:
        declared = source.primary_identity
        return _declared_key(declared.namespace, declared.field)
    chosen = F.filter(_map_entries(source), lambda entry: entry["primary"])
    return F.array_min(F.transform(chosen, lambda entry: entry["key"]))


def identities(source: Input) -> Column:
    """All identities of the row, its primary among them: ``array<struct<key,auth>>``, never null."""
    declared = list(source.identities)
    if source.primary_identity is not None:
        declared.insert(0, source.primary_identity)
    keys = [
        F.struct(
            _declared_key(identity.namespace, identity.field).alias("key"),
            F.lit(AMBIGUOUS).alias("auth"),
        )
        for identity in declared
    ]
    parts = [_known(F.array(*keys))] if keys else []
    if source.has_identity_map:
        parts.append(
            F.transform(
                _map_entries(source),
                lambda entry: F.struct(entry["key"].alias("key"), entry["auth"].alias("auth")),
            )
        )
    # The cast gives both arrays one nullability: Sail's concat takes no less.
    return F.concat(*(part.cast(IDENTITIES_DDL) for part in parts))


def _declared_key(namespace: str, field: str) -> Column:
    return identity_key(F.lit(namespace.lower()), at(field))


def _known(entries: Column) -> Column:
    return F.filter(entries, lambda entry: entry["key"].isNotNull())


def _map_entries(source: Input) -> Column:
    """The entries of ``identityMap`` that are identities: ``array<struct<key,auth,primary>>``."""
    entry_type = _entry_type(source)
    per_namespace = F.transform(
        F.map_entries(F.col("identityMap")),
        lambda pair: F.coalesce(
            F.transform(pair["value"], lambda item: _entry(F.lower(pair["key"]), item, entry_type)),
            F.array().cast("array<struct<key:string,auth:int,primary:boolean>>"),
        ),
    )
    none = F.array().cast("array<struct<key:string,auth:int,primary:boolean>>")
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
        F.coalesce(primary.cast("boolean"), F.lit(False)).alias("primary"),
    )
