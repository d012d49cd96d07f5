"""What an export can write: names that a Delta table may have, types that both engines have."""

from collections.abc import Sequence

from profile_export.errors import Problem
from profile_export.schema import INTEGRAL, Array, DataType, Map, Struct, atoms
from profile_export.shape import quote

_UNUSABLE = frozenset(". ,;{}()\n\t=\0")
"""What Delta refuses in names, the dot, and what Arrow's readers find no name behind."""
_TYPES = {
    *("string", "varchar", "char", "binary", "boolean", *INTEGRAL, "float", "double", "decimal"),
    *("date", "timestamp", "timestamp_ntz", "void"),
}
"""Atomic types, without what is in brackets. ``void`` is refused with its dataset."""
MOST_LISTS = 8
"""Levels of lists in a field. With each Sail 0.7.2 takes four times as long to plan the hash of its
rows: some seconds for eight, a minute for ten; of as many maps it cannot even read the question."""
MOST_LEVELS = 30
"""Levels of any kind: a schema that Sail answers with takes three of a message for each, and those
nest at most 100 deep."""


def unwritable(
    output: Struct, at: str, *, taken: Sequence[str] = (), under: str = ""
) -> list[Problem]:
    """Names and types that the export could not write, told before anything is read.

    ``name-clash``: two names that differ in case only, which a Delta table cannot hold.
    ``unusable-name``: a character that no Delta column may have, or a dot, which parts paths here.
    ``unusable-type``: a type that not both engines read, hash and write (``variant``).

    Args:
        output: A projected schema; structs in it, and in its arrays, are looked into.
        at: Pointer of the text that asked for it.
        taken: Names that the export itself puts beside these.
        under: Dotted path of ``output``, with its last dot.
    """
    problems: list[Problem] = []
    seen = {name.lower(): name for name in taken}
    for field in output.fields:
        path, other = f"{under}{field.name}", seen.get(field.name.lower())
        seen.setdefault(field.name.lower(), field.name)
        if other is not None:
            detail = (
                f"Field {quote(path)} cannot stand beside {quote(under + other)}: column names "
            )
            detail += "of an export are compared without case. Ask only for the fields you need."
            problems.append(Problem("name-clash", detail, at))
        if not field.name or _UNUSABLE & set(field.name):
            detail = f"The name of field {quote(path)} has a dot, a blank, U+0000 or one of"
            detail += " ,;{}()=, which an export cannot write. Ask only for other fields, or rename"
            problems.append(Problem("unusable-name", f"{detail} the column.", at))
        inner = field.type
        while isinstance(inner, Array):
            inner = inner.element
        if isinstance(inner, Struct):
            problems += unwritable(inner, at, under=f"{path}.")
        elif unknown := next((t for _, t in atoms(inner) if t.partition("(")[0] not in _TYPES), ""):
            detail = f"Field {quote(path)} is of type {unknown}, which an export cannot write. "
            detail += "Ask only for other fields, or cast the column in its table."
            problems.append(Problem("unusable-type", detail, at))
    return problems


def too_deep(output: Struct, at: str, *, lists: int = 0) -> list[Problem]:
    """Fields of which an engine could not hash the rows that it has committed: ``unusable-type``.

    Args:
        output: A projected schema.
        at: Pointer of the text that asked for it.
        lists: Levels of lists that the export itself puts ``output`` into.
    """
    problems: list[Problem] = []
    for field in output.fields:
        deep = _depth(field.type, struct=1, map_=1) + 2 * lists
        # Of a map two, as its entries are sorted before they are hashed.
        in_lists = _depth(field.type, struct=0, map_=2) + lists
        if in_lists > MOST_LISTS:
            what = f"nests lists {in_lists} levels deep (a map counts as two), of which an export"
            what += f" can write {MOST_LISTS}"
        elif deep > MOST_LEVELS:
            what = f"is nested {deep} levels deep, of which an export can write {MOST_LEVELS}"
        else:
            continue
        detail = f"Field {quote(field.name)} {what}. Ask only for other fields, or flatten it in"
        problems.append(Problem("unusable-type", f"{detail} its table.", at))
    return problems


def _depth(type_: DataType, *, struct: int, map_: int) -> int:
    """How deep a type is nested, where a list is one level, and the others as many as is said."""
    match type_:
        case Struct():
            outer, inner = struct, [field.type for field in type_.fields]
        case Array():
            outer, inner = 1, [type_.element]
        case Map():
            outer, inner = map_, [type_.key, type_.value]
        case _:
            return 0
    return outer + max((_depth(each, struct=struct, map_=map_) for each in inner), default=0)
