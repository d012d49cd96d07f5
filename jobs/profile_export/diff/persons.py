"""Who is in a row of an export: the key by which two exports' persons are matched.

The key is the smallest (namespace lower-cased, value) among the row's PRIMARY identities: those
that were the primary identity of one of the person's rows. Persons have disjoint primary
identities, stitched (``pdg``, S6) or not (``none``), so no two rows of a batch share a key. The
smallest of all identities (S8) would not do: in ``none``, persons can share an e-mail address.
Where an export does not tell which are primary, all identities count, and rows can share a key.

A person who gets or loses the smallest primary identity between two exports is another person to
this key: one removed, one added.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from profile_export.errors import Problem, Refused
from profile_export.identity_keys import SEPARATOR
from profile_export.outputs import IDENTITY_MAP_TYPE
from profile_export.schema import Array, Struct


@dataclass(frozen=True)
class KeySource:
    """Where persons' identities stand in an export."""

    column: Literal["identityMap", "identities"]
    tells_primary: bool


def key_source(columns: Struct, *, job: str) -> KeySource:
    """The column that tells persons apart.

    Raises:
        Refused: ``no-identities``: the export has none that can.
    """
    if columns.get("identityMap") == IDENTITY_MAP_TYPE:
        return KeySource("identityMap", tells_primary=True)
    listed = columns.get("identities")
    if isinstance(listed, Array) and isinstance(listed.element, Struct):
        entry = listed.element
        if entry.get("id") == "string" and entry.at("namespace.code") == "string":
            return KeySource("identities", tells_primary=entry.get("primary") is not None)
    detail = (
        f"{job} has no column that tells its persons apart. Export identityMap too (add it to"
        " fields), or identities with namespace.code and id."
    )
    raise Refused([Problem("no-identities", detail, parameter="JOB")])


def person_keys(rows: pa.RecordBatch, source: KeySource, *, by_primary: bool) -> pa.Array:
    """The key of each row: lower-cased namespace, U+0000, value; empty where a row has no identity.

    Args:
        rows: With the column of ``source``.
        source: Of these rows.
        by_primary: Whether both exports tell which identities are primary.
    """
    owner, namespace, value, primary = _flat(rows.column(source.column), source)
    others = pa.nulls(len(value), pa.bool_()).fill_null(False)
    last = pc.invert(primary.fill_null(False)) if by_primary else others
    keys = pc.binary_join_element_wise(_lowered(namespace), value, SEPARATOR)
    entries = pa.table({"owner": owner, "last": last, "key": keys.cast(pa.large_binary())})
    order = [(name, "ascending") for name in ("owner", "last", "key")]
    ordered = entries.take(pc.sort_indices(entries, sort_keys=order))
    owners = ordered.column("owner").to_numpy()
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    place = np.full(rows.num_rows, -1, np.int64)
    place[owners[first]] = first
    chosen = pa.array(place, mask=place < 0)
    return ordered.column("key").combine_chunks().cast(pa.large_string()).take(chosen).fill_null("")


def _lowered(namespaces: pa.Array) -> pa.Array:
    """As engines and Python do it, which Arrow does not for letters such as İ (S2)."""
    known = namespaces.dictionary_encode()
    lowered = [None if name is None else name.lower() for name in known.dictionary.to_pylist()]
    return pa.array(lowered, pa.string()).take(known.indices)


def _flat(column: pa.Array, source: KeySource) -> tuple[pa.Array, pa.Array, pa.Array, pa.Array]:
    """Row number, namespace, value and primary of every identity of every row."""
    if source.column == "identities":
        entries = column.flatten()
        owner = pc.list_parent_indices(column)
        namespace, value = _member(entries, "namespace", "code"), _member(entries, "id")
    else:
        owner, namespace, entries = _of_map(column)
        value = _member(entries, "id")
    primary = _member(entries, "primary") if source.tells_primary else pa.nulls(len(value))
    return owner.cast(pa.int64()), namespace, value, primary.cast(pa.bool_())


def _of_map(column: pa.MapArray) -> tuple[pa.Array, pa.Array, pa.StructArray]:
    """Row number, namespace and entry of every entry of every array in a map."""
    rows = pa.array(np.arange(len(column))).filter(column.is_valid())
    maps = column.drop_null()
    offsets = np.asarray(maps.offsets)
    first, count = (
        int(offsets[0]) if len(maps) else 0,
        int(offsets[-1] - offsets[0]) if len(maps) else 0,
    )
    of_key = rows.take(pa.array(np.repeat(np.arange(len(maps)), np.diff(offsets))))
    lists = maps.items.slice(first, count)
    inner = pc.list_parent_indices(lists)
    return of_key.take(inner), maps.keys.slice(first, count).take(inner), lists.flatten()


def _member(structs: pa.StructArray, *path: str) -> pa.Array:
    return pc.struct_field(structs, list(path))
