"""A dataset as read, selected to its rows' identities: what every load begins with (S2, S3)."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from profile_export import frames
from profile_export.columns import at
from profile_export.columns.identity import declared, mapped, primary_key
from profile_export.plan import Input


def staged(frame: DataFrame, source: Input, columns: Mapping[str, Column]) -> DataFrame:
    """The row's primary identity, and what its lists are made of: nothing is computed that a join
    by ``pk`` can spare.

    Args:
        frame: The dataset as read.
        source: The dataset.
        columns: What else is selected, by name.

    Returns:
        ``pk`` string (the key of the primary identity, null without one: S3), ``columns``, and for
        ``columns.identity.lists`` the declared identities' values as ``i0, i1, ...``, and
        ``identityMap``, or ``mapped`` where the primary identity had to be looked for in it. No
        shuffle.
    """
    raw = {f"i{n}": at(d.field) for n, d in enumerate(declared(source))}
    if source.has_identity_map and source.primary_identity is None:
        # In a step of its own: an engine that does not share common subexpressions would walk the
        # map again for each use (twice the time on Sail).
        raw["mapped"] = mapped(source)
    elif source.has_identity_map:
        raw["identityMap"] = F.col("identityMap")
    every = {**raw, **columns}
    selected = frame.select(*(c.alias(name) for name, c in every.items()))
    return frames.qualified(selected).select(primary_key(source).alias("pk"), *every)


def to_be_hashed(frame: DataFrame, source: Input) -> DataFrame:
    """A dataset as read, as ``frames.to_be_hashed``; where maps are hashed too there is no need.

    No shuffle.
    """
    primary = source.primary_identity
    return frame if primary is None else frames.to_be_hashed(frame, at(primary.field))
