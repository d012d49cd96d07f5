"""Decode a JSON body strictly: duplicate keys, depth, odd numbers and unusable text are problems.

What Python's ``json`` lets through and a job record could not hold (NaN, infinite or endless
numbers, lone surrogates, U+0000) is refused here, so that nothing behind has to think of it.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import NoReturn

from profile_export.errors import Problem, Refused
from profile_export.shape import pointer, quote

MAX_DEPTH = 100
_MAX_DIGITS = 400


class _Pairs(dict[str, object]):
    """An object that remembers which of its members were written more than once."""

    twice: tuple[str, ...] = ()


def decode(body: bytes | str | Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    """The body as an object, and the problems of its text.

    Args:
        body: JSON text, or an object that someone else decoded.

    Returns:
        A copy of the object without the members that cannot be used (of duplicate keys the last
        stays), and ``duplicate-key`` and ``bad-value`` problems at their pointers.

    Raises:
        Refused: ``not-json``, ``too-deep`` or ``wrong-type`` at pointer ``""``; nothing is left.
    """
    clean, problems = _decoded(body)
    if not isinstance(clean, dict):
        raise Refused([Problem("wrong-type", "The body must be a JSON object.")])
    return clean, problems


def decode_array(body: bytes | str) -> tuple[list[object], list[Problem]]:
    """As :func:`decode`, of a body that is an array."""
    clean, problems = _decoded(body)
    if not isinstance(clean, list):
        raise Refused([Problem("wrong-type", "The body must be a JSON array.")])
    return clean, problems


def _decoded(body: bytes | str | Mapping[str, object]) -> tuple[object, list[Problem]]:
    value = body if isinstance(body, Mapping) else _loads(body)
    problems: list[Problem] = []
    return _clean(value, (), problems), problems


def _loads(body: bytes | str) -> object:
    try:
        text = body.decode("utf-8-sig") if isinstance(body, bytes) else body
        return json.loads(
            text, object_pairs_hook=_pairs, parse_int=_whole, parse_constant=_no_constant
        )
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError:
        raise _not_json("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg} at line {error.lineno}, column {error.colno}") from None


def _pairs(pairs: list[tuple[str, object]]) -> _Pairs:
    made = _Pairs(pairs)
    if len(made) < len(pairs):
        made.twice = tuple(
            name for name, times in Counter(n for n, _ in pairs).items() if times > 1
        )
    return made


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else math.inf


def _no_constant(name: str) -> NoReturn:
    raise _not_json(f"{name} is no JSON value")


def _not_json(why: str) -> Refused:
    return Refused([Problem("not-json", f"The body is not JSON: {why}.")])


def _too_deep() -> Refused:
    return Refused([Problem("too-deep", f"The body is nested deeper than {MAX_DEPTH} levels.")])


def _clean(value: object, at: tuple[str | int, ...], problems: list[Problem]) -> object:
    """A copy of ``value``; what cannot be used becomes a problem and None."""
    if isinstance(value, Mapping | list) and len(at) >= MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, Mapping):
        return _clean_object(value, at, problems)
    if isinstance(value, list):
        return [_clean(item, (*at, index), problems) for index, item in enumerate(value)]
    if (fault := _fault(value)) is not None:
        problems.append(Problem("bad-value", f"The value {fault}.", pointer(*at)))
        return None
    return value


def _clean_object(
    value: Mapping[str, object], at: tuple[str | int, ...], problems: list[Problem]
) -> dict[str, object]:
    usable: dict[str, object] = {}
    for name, item in value.items():
        if (fault := _fault(name)) is not None:  # the name cannot even be part of a pointer
            problems.append(Problem("bad-value", f"The name of a member {fault}.", pointer(*at)))
        else:
            usable[name] = _clean(item, (*at, name), problems)
    for name in value.twice if isinstance(value, _Pairs) else ():
        if name in usable:
            detail = f"Member {quote(name)} is written more than once; keep one."
            problems.append(Problem("duplicate-key", detail, pointer(*at, name)))
    return usable


def _fault(value: object) -> str | None:
    if isinstance(value, str):
        if "\0" in value:
            return "contains the character U+0000, which no text may have"
        if any("\ud800" <= char <= "\udfff" for char in value):
            return "contains half of a surrogate pair, which is no character"
    if isinstance(value, float) and not math.isfinite(value):
        return "is a number too large to be kept"
    return None
