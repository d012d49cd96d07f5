"""Structs put together from their leaves, level by level.

Written as one expression, each level would stand in a condition of the level above. The time that
Sail takes to plan such a nest grows fourfold with each level (3 minutes for ten), so every level is
a select of its own.
"""

from collections.abc import Sequence
from itertools import count

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from profile_export.columns import any_of
from profile_export.frames import qualified
from profile_export.schema import Struct


def assembled(frame: DataFrame, *, schema: Struct, leaves: str, keep: Sequence[str]) -> DataFrame:
    """The columns of ``schema`` from the values of its leaves; a struct of nulls is null (S11).

    Args:
        frame: ``keep``, and the leaves of ``schema`` in their order as ``{leaves}0, ...``.
        schema: The columns to make.
        leaves: Prefix of the leaves' names.
        keep: Other columns to keep; none begins with ``struct``.

    Returns:
        ``keep``, and the columns of ``schema`` in their order as ``a0, a1, ...``. No shuffle.
    """
    at = {path: f"{leaves}{i}" for i, (path, _) in enumerate(schema.leaves())}
    numbers = count()
    for level in _deepest_first(schema):
        made = {}
        for path, struct in level.items():
            members = [(f.name, at.pop(f"{path}.{f.name}")) for f in struct.fields]
            values = F.struct(*(F.col(column).alias(name) for name, column in members))
            is_known = any_of([F.col(column).isNotNull() for _, column in members])
            made[path] = (f"struct{next(numbers)}", F.when(is_known, values))
        columns = [column.alias(name) for name, column in made.values()]
        frame = qualified(frame).select(*keep, *at.values(), *columns)
        at.update({path: name for path, (name, _) in made.items()})
    tops = [F.col(at[f.name]).alias(f"a{i}") for i, f in enumerate(schema.fields)]
    return qualified(frame).select(*keep, *tops)


def _deepest_first(schema: Struct) -> list[dict[str, Struct]]:
    """The structs inside ``schema`` by dotted path, those of one depth together."""
    levels: list[dict[str, Struct]] = []
    here = {field.name: field.type for field in schema.fields}
    while structs := {path: type_ for path, type_ in here.items() if isinstance(type_, Struct)}:
        levels.insert(0, structs)
        here = {f"{path}.{f.name}": f.type for path, s in structs.items() for f in s.fields}
    return levels
