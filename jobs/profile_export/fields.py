"""From dotted paths to a projected schema (S21).

A choice of paths is a tree: each name leads to a smaller tree, or to None for the whole below it.
Arrays have no level of their own in it, as they have none in a path.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from profile_export.errors import Problem, nearest
from profile_export.schema import Array, DataType, Field, Map, Struct
from profile_export.shape import MOST_HINTS, quote

Tree: TypeAlias = dict[str, "Tree"] | None


@dataclass(frozen=True)
class _Fault:
    code: str
    detail: str


def project(
    schema: Struct, paths: Sequence[str], *, at: str, vague: Sequence[str] = ()
) -> tuple[Struct, list[Problem]]:
    """The schema with only the asked paths, in its own order; overlapping paths unite.

    Args:
        schema: What can be asked.
        paths: Dotted paths; each names a leaf or a subtree, through arrays of structs too.
        at: Pointer of the text that holds them.
        vague: Paths of unknown type, which are not called unknown (they have a problem already).

    Returns:
        The projection, and ``unknown-field`` and ``into-map`` problems, one for each faulty path.
    """
    chosen: dict[str, Tree] = {}
    faults: dict[str, _Fault] = {}
    for path in dict.fromkeys(paths):
        fault = _choose(schema, path, chosen)
        if fault is not None and not any(_overlap(path, other) for other in vague):
            faults[path] = fault
    known = list(all_paths(schema)) if faults else []
    problems: list[Problem] = []
    for path, fault in faults.items():
        hinted = fault.code == "unknown-field" and len(problems) < MOST_HINTS
        hint = f" {nearest(path, known)}" if hinted else ""
        problems.append(Problem(fault.code, fault.detail + hint, at))
    projected = _pick(schema, chosen)
    assert isinstance(projected, Struct)
    return projected, problems


def all_paths(type_: DataType, prefix: str = "") -> Iterator[str]:
    """Every path that can be asked: leaves, subtrees, members of structs in arrays."""
    match type_:
        case Array():
            yield from all_paths(type_.element, prefix)
        case Struct():
            for field in type_.fields:
                yield f"{prefix}{field.name}"
                yield from all_paths(field.type, f"{prefix}{field.name}.")


def without_path(schema: Struct, path: str) -> Struct:
    """The schema without one leaf or subtree; a struct that is left empty goes too."""
    kept: list[Field] = []
    for field in schema.fields:
        if path == field.name:
            continue
        type_ = field.type
        if isinstance(type_, Struct) and path.startswith(f"{field.name}."):
            type_ = without_path(type_, path[len(field.name) + 1 :])
            if not type_.fields:
                continue
        kept.append(Field(field.name, type_))
    return Struct(tuple(kept))


def _overlap(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _choose(type_: DataType, path: str, chosen: dict[str, Tree]) -> _Fault | None:
    """Add ``path`` to ``chosen``, or say why it cannot be asked."""
    steps = _steps(type_, path)
    if isinstance(steps, _Fault):
        into_map = steps.code == "into-map"
        why = f"No field {quote(path)} can be asked."
        return _Fault(steps.code, f"{quote(path)} {steps.detail}" if into_map else why)
    here = chosen
    for name in steps[:-1]:
        below = here.setdefault(name, {})
        if below is None:
            return None  # the whole of it is chosen already
        here = below
    here[steps[-1]] = None
    return None


def _steps(type_: DataType, path: str) -> list[str] | _Fault:
    """The names on the way. A name may itself have dots, so it is matched, never split off."""
    while isinstance(type_, Array):
        type_ = type_.element
    if isinstance(type_, Map):
        return _Fault("into-map", "goes into a map; ask for the whole map (S21).")
    fault = _Fault("unknown-field", "")
    for field in type_.fields if isinstance(type_, Struct) else ():
        if field.name == path:
            return [path]
        if path.startswith(f"{field.name}."):
            below = _steps(field.type, path[len(field.name) + 1 :])
            if not isinstance(below, _Fault):
                return [field.name, *below]
            fault = below if below.code == "into-map" else fault
    return fault


def _pick(type_: DataType, chosen: Tree) -> DataType:
    if chosen is None:
        return type_
    if isinstance(type_, Array):
        return Array(_pick(type_.element, chosen))
    assert isinstance(type_, Struct)
    return Struct(
        tuple(
            Field(f.name, _pick(f.type, chosen[f.name])) for f in type_.fields if f.name in chosen
        )
    )
