"""What an export can write: names that a Delta table may have, types that both engines have."""

from collections.abc import Sequence

from profile_export.errors import Problem
from profile_export.schema import INTEGRAL, Array, Struct, atoms
from profile_export.shape import quote

_UNUSABLE = frozenset(". ,;{}()\n\t=")
"""What Delta refuses in names, and the dot."""
_TYPES = {
    *("string", "varchar", "char", "binary", "boolean", *INTEGRAL, "float", "double", "decimal"),
    *("date", "timestamp", "timestamp_ntz", "void"),
}
"""Atomic types, without what is in brackets. ``void`` is refused with its dataset."""


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
            detail = (
                f"The name of field {quote(path)} has a dot, a blank or one of ,;{{}}()=, which "
            )
            detail += "an export cannot write. Ask only for other fields, or rename the column."
            problems.append(Problem("unusable-name", detail, at))
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
