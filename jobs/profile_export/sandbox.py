"""Load a sandbox file: its shape, what must agree in it, and the frozen sandbox that it makes."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from profile_export.catalog import (
    BUILT_IN_POLICY,
    PROFILE_SCHEMA,
    UNION_SCHEMA,
    Dataset,
    Declared,
    MergePolicy,
    Sandbox,
    SegmentDefinition,
    Settings,
)
from profile_export.catalog.file import (
    DatasetPart,
    IdentityPart,
    PolicyPart,
    SandboxPart,
    SegmentPart,
)
from profile_export.catalog.paths import patterns, shared, table_ref
from profile_export.catalog.rules import Parts, cross_problems
from profile_export.catalog.well_formed import well_formed
from profile_export.catalog.yamlfile import YamlFile, read_yaml
from profile_export.errors import Problem, Refused
from profile_export.plan import IdentityField
from profile_export.shape import problems_of

__all__ = [
    "BUILT_IN_POLICY",
    "PROFILE_SCHEMA",
    "UNION_SCHEMA",
    "Dataset",
    "MergePolicy",
    "Sandbox",
    "SegmentDefinition",
    "Settings",
    "load_sandbox",
]

_Part = TypeVar("_Part", bound=BaseModel)


def load_sandbox(path: str | Path) -> Sandbox:
    """The sandbox of a file. Tables are not looked at: that is the plan's.

    Raises:
        Refused: Every mistake of the file at once, each with ``file:line`` and its path in it.
    """
    file = read_yaml(Path(path))
    if not isinstance(file.value, dict):
        fault = "The file is empty." if file.value is None else "The file must hold a mapping."
        file.add("wrong-type", f"{fault} It needs imsOrgId, name and datasets.", "")
        raise Refused(file.problems)
    try:
        whole = SandboxPart.model_validate(file.value)
    except ValidationError as error:
        whole = None
        known = {problem.pointer for problem in file.problems}
        for problem in problems_of(error.errors(), SandboxPart, quotes_help=True):
            if problem.pointer not in known:
                file.add(problem.code, problem.detail, problem.pointer)
    parts = _parts(file.value)
    folder = _folder(path)
    for problem in (*cross_problems(parts), *patterns(parts, folder), *shared(parts, folder)):
        file.add(problem.code, problem.detail, problem.pointer)
    if whole is None or file.problems:
        raise Refused(sorted(file.problems, key=_line))
    return _sandbox(whole, file, Path(path))


def _line(problem: Problem) -> int:
    return int((problem.source or ":0").rpartition(":")[2])


def _parts(value: dict[str, object]) -> Parts:
    """What is well-formed, with its place: cross checks run beside complaints about the rest."""
    return Parts(
        datasets=dict(_each(value.get("datasets"), DatasetPart)),
        policies=dict(_each(value.get("mergePolicies"), PolicyPart)),
        segments=dict(_each(value.get("segments"), SegmentPart)),
        dataset_ids=_ids(value.get("datasets")),
        policy_ids=_ids(value.get("mergePolicies")),
    )


def _each(items: object, model: type[_Part]) -> Iterator[tuple[int, _Part]]:
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if (part := well_formed(model, item)) is not None:
            yield index, part


def _folder(path: str | Path) -> str:
    return os.path.dirname(os.path.abspath(path))


def _ids(items: object) -> frozenset[str]:
    found = (
        (item.get("id") for item in items if isinstance(item, dict))
        if isinstance(items, list)
        else ()
    )
    return frozenset(str(each) for each in found if each is not None)


def _sandbox(whole: SandboxPart, file: YamlFile, path: Path) -> Sandbox:
    folder = _folder(path)
    return Sandbox(
        ims_org_id=whole.ims_org_id,
        name=whole.name,
        datasets=tuple(
            _dataset(part, folder, file, f"/datasets/{i}")
            for i, part in enumerate(whole.datasets)
        ),
        merge_policies=tuple(_policy(part) for part in whole.merge_policies),
        segments=tuple(
            SegmentDefinition(
                part.id, part.name or part.id, part.description, part.merge_policy_id
            )
            for part in whole.segments
        ),
        settings=Settings(whole.settings.max_identities, whole.settings.max_events_per_profile),
    )  # fmt: skip


def _dataset(part: DatasetPart, folder: str, file: YamlFile, at: str) -> Dataset:
    identities = (f"/identities/{n}/field" for n in range(len(part.identities)))
    columns = ("/primaryIdentity/field", *identities, "/ingestTime", "/lastUpdated")
    members = ("/class", "/table", *columns)
    return Dataset(
        id=part.id,
        name=part.name or part.id,
        kind=part.class_,
        table=table_ref(part.table, folder),
        primary_identity=_identity(part.primary_identity) if part.primary_identity else None,
        identities=tuple(_identity(identity) for identity in part.identities),
        ingest_time=part.ingest_time,
        last_updated=part.last_updated,
        schema_ref=part.schema_ref.id if part.schema_ref else None,
        source=file.source(at),
        declared=Declared(at, tuple((member, file.source(at + member)) for member in members)),
    )


def _identity(part: IdentityPart) -> IdentityField:
    return IdentityField(namespace=part.namespace, field=part.field)


def _policy(part: PolicyPart) -> MergePolicy:
    return MergePolicy(
        id=part.id,
        name=part.name or part.id,
        version=part.version,
        graph=part.identity_graph.type,
        attribute_merge=part.attribute_merge.type,
        order=part.attribute_merge.order,
        default=part.default,
        schema_name=part.schema_.name,
        is_active_on_edge=part.is_active_on_edge,
    )
