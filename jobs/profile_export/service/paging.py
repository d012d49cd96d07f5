"""How lists are cut into pages, and how those that are short enough are sorted in memory."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from profile_export.service.parameters import Parameters
from profile_export.shape import quote

START: dict[str, object] = {"type": "integer", "minimum": 0, "default": 0}
"""The parameter ``start``, as OpenAPI shows it."""
_LONGEST_PAGE = 1000
_Item = TypeVar("_Item")
_ORDER = re.compile(r"(?:(asc|desc):|([-+ ]))?(.+)", re.ASCII)


def limit_of(default: int) -> dict[str, object]:
    """The parameter ``limit``, as OpenAPI shows it; ``default`` as for :func:`asked_limit`."""
    shown: dict[str, object] = {"type": "integer", "minimum": 1, "maximum": _LONGEST_PAGE}
    return {**shown, "default": default} if default else shown


def asked_limit(parameters: Parameters, default: int) -> int:
    """The parameter ``limit``: how long a page may be; a default of 0 is no limit."""
    return parameters.number("limit", default, least=1, most=_LONGEST_PAGE)


def asked_order(
    parameters: Parameters, names: Sequence[str], known: Iterable[str]
) -> list[tuple[str, bool]]:
    """What a list is sorted by: each field, and whether it descends.

    ``created``, ``desc:created``, ``-created`` and ``desc:created,name`` are understood; a field
    without a direction ascends. A plus may have become a blank on its way.

    Args:
        parameters: Of the call; a field that is not known is a problem.
        names: Spellings of the parameter; the first that was sent counts.
        known: Fields.
    """
    fields = list(known)
    for name in names:
        text = parameters.text(name)
        if not text:
            continue
        found: dict[str, bool] = {}
        for part in text.split(","):
            match = _ORDER.fullmatch(part)
            if match is None or match[3].strip() not in fields:
                parameters.bad(name, f"{quote(text)} is no list of {', '.join(fields)}.")
                return []
            # Named again, a field sorts nothing more; a database refuses thousands of them.
            found.setdefault(match[3].strip(), match[1] == "desc" or match[2] == "-")
        return list(found.items())
    return []


def in_order(
    items: Iterable[_Item],
    order: Sequence[tuple[str, bool]],
    keys: Mapping[str, Callable[[_Item], str | int]],
) -> list[_Item]:
    """The items, sorted by several fields; those that are equal stay as they came."""
    made = list(items)
    for name, descends in reversed(order):
        made.sort(key=keys[name], reverse=descends)
    return made
