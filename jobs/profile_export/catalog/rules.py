"""What must agree between the parts of a sandbox file."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from profile_export.catalog import BUILT_IN_POLICY
from profile_export.catalog.file import DatasetPart, MergePart, PolicyPart, SegmentPart
from profile_export.errors import Problem, nearest
from profile_export.shape import MOST_HINTS, pointer, quote


@dataclass(frozen=True)
class Parts:
    """The parts by their place in the file, and every id.

    As :func:`~.well_formed.well_formed` gives them: what is faulty is None, whatever types say.
    """

    datasets: Mapping[int, DatasetPart]
    policies: Mapping[int, PolicyPart]
    segments: Mapping[int, SegmentPart]
    dataset_ids: frozenset[str]
    policy_ids: frozenset[str]


def cross_problems(parts: Parts) -> Iterator[Problem]:
    """Every disagreement between members that are each well-formed."""
    yield from _repeated("datasets", {i: (part.id,) for i, part in parts.datasets.items()})
    policies = {i: (part.id, part.version) for i, part in parts.policies.items()}
    yield from _repeated("mergePolicies", policies)
    yield from _repeated("segments", {i: (part.id,) for i, part in parts.segments.items()})
    for index, dataset in parts.datasets.items():
        if dataset.table is not None:
            yield from _table_problems(index, dataset)
        if dataset.class_ is not None:
            yield from _class_problems(index, dataset)
    exports = {d.id for d in parts.datasets.values() if d.class_ == "export"}
    for index, policy in parts.policies.items():
        at = pointer("mergePolicies", index, "attributeMerge", "order")
        if policy.attribute_merge is not None:
            yield from merge_problems(policy.attribute_merge, parts.dataset_ids, exports, at)
    yield from _default_problems(parts.policies)
    policy_ids = parts.policy_ids | {BUILT_IN_POLICY.id}
    for index, segment in parts.segments.items():
        asked = segment.merge_policy_id
        if asked is not None and asked not in policy_ids:
            detail = f"There is no merge policy {quote(asked)}. {nearest(asked, parts.policy_ids)}"
            yield Problem("unknown-policy", detail, pointer("segments", index, "mergePolicyId"))


def _repeated(where: str, keys: Mapping[int, tuple[object, ...]]) -> Iterator[Problem]:
    first: dict[tuple[object, ...], int] = {}
    for index, key in keys.items():
        if None in key:
            continue
        earlier = first.setdefault(key, index)
        if earlier != index:
            what = f"id {quote(str(key[0]))}" + (f" and version {key[1]}" if key[1:] else "")
            detail = f"The {what} is that of {pointer(where, earlier)} too; each needs its own."
            yield Problem("duplicate-id", detail, pointer(where, index, "id"))


def _table_problems(index: int, dataset: DatasetPart) -> Iterator[Problem]:
    table, at = dataset.table, pointer("datasets", index, "table")
    given = table.model_fields_set & {"path", "name"}
    if not given:
        yield Problem("missing", "A table needs a 'path' (or a 'name' on spark).", at)
    if len(given) == 2:
        yield Problem("bad-value", "A table has a 'path' or a 'name', not both.", at)
    if dataset.class_ == "export" and table.format == "parquet":
        yield Problem(
            "bad-value", "An export dataset is a Delta table: format delta.", f"{at}/format"
        )


def _class_problems(index: int, dataset: DatasetPart) -> Iterator[Problem]:
    at = pointer("datasets", index)
    if dataset.class_ != "export":
        if "ingest_time" not in dataset.model_fields_set:
            detail = f"Name the column that holds the ingest time of class {dataset.class_} (S5)."
            yield Problem("missing", detail, f"{at}/ingestTime")
        return
    for name in ("primaryIdentity", "identities", "ingestTime", "lastUpdated"):
        if name in {DatasetPart.model_fields[f].alias or f for f in dataset.model_fields_set}:
            detail = f"An export dataset is only written to; {name} has no meaning in it."
            yield Problem("bad-value", detail, f"{at}/{name}")


def merge_problems(
    merge: MergePart, known: Collection[str], exports: Collection[str], at: str
) -> Iterator[Problem]:
    """What is wrong with the order of a policy's datasets.

    Args:
        merge: The policy's ``attributeMerge``, as :func:`~.well_formed.well_formed` gives it.
        known: Ids of all datasets.
        exports: Those of them that hold no fragments.
        at: Pointer of the order.
    """
    if merge.type == "dataSetPrecedence" and merge.order == ():
        yield Problem("missing", "dataSetPrecedence needs the 'order' of its data sets (S10).", at)
    seen: set[str] = set()
    for place, dataset_id in enumerate(merge.order or ()):
        here = at + pointer(place)
        if dataset_id is None:
            continue
        if dataset_id not in known:
            hint = nearest(dataset_id, known) if place < MOST_HINTS else ""
            detail = f"There is no dataset {quote(dataset_id)}. {hint}".rstrip()
            yield Problem("unknown-dataset", detail, here)
        elif dataset_id in exports:
            detail = f"Dataset {quote(dataset_id)} is an export dataset; it holds no fragments."
            yield Problem("bad-value", detail, here)
        elif dataset_id in seen:
            detail = f"Dataset {quote(dataset_id)} stands in the order already."
            yield Problem("bad-value", detail, here)
        seen.add(dataset_id)


def _default_problems(policies: Mapping[int, PolicyPart]) -> Iterator[Problem]:
    latest: dict[str, int] = {}
    for index, policy in policies.items():
        if policy.id is None or policy.version is None:
            continue
        here = latest.setdefault(policy.id, index)
        if policy.version > policies[here].version:
            latest[policy.id] = index
    defaults: dict[str, list[int]] = defaultdict(list)
    for index in sorted(latest.values()):
        if policies[index].default and policies[index].schema_ is not None:
            defaults[policies[index].schema_.name].append(index)
    for schema, found in defaults.items():
        for index in found[1:]:
            detail = (
                f"Schema {schema} has a default already, policy {quote(policies[found[0]].id)}; "
                "only one may be default at its latest version (S9)."
            )
            yield Problem("several-defaults", detail, pointer("mergePolicies", index, "default"))
