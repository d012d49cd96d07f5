"""Compares what an export gave with what a golden vector expects, value by value."""

import json
from typing import Any

from .audience import REASONS
from .spark_types import StructType, parse_type
from .values import decode, encode

COUNTS = {
    "candidates": "candidates",
    "exclusions": "exclusions",
    "rowsWithoutIdentity": "rowsWithoutIdentity",
    "eventsTruncated": "eventsTruncated",
    "namespaces": "exportedProfileByNamespaceCounter",
    "mergePolicy": "mergePolicy",
    "schema": "schema",
}


def differences(expect: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """One line per difference. Only what the vector states is compared, but rows wholly."""
    if "problems" in expect or "error" in result:
        wanted, got = expect.get("problems", []), result.get("error", [])
        return _unlike("problems", _problem_set(wanted), _problem_set(got))
    found: list[str] = []
    for name, member in COUNTS.items():
        if name in expect:
            found += _unlike(name, _in_full(name, expect[name]), result.get(member))
    if "batches" in expect:
        found += _batch_differences(expect["batches"], result)
    return found


def _unlike(what: str, wanted: Any, got: Any) -> list[str]:
    return [] if wanted == got else [f"{what}: expected {wanted}, got {got}"]


def _problem_set(problems: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted({(problem["pointer"], problem["code"]) for problem in problems})


def _in_full(name: str, wanted: Any) -> Any:
    """A vector may leave out the reasons that count nobody, and write types as it likes."""
    if name == "schema":
        return str(parse_type(wanted))
    if name != "exclusions":
        return wanted
    return {reason: wanted.get(reason, 0) for reason in REASONS} | wanted


def _batch_differences(wanted: list[dict[str, Any]], result: dict[str, Any]) -> list[str]:
    got = result["batches"]
    schema = parse_type(result["schema"])
    assert isinstance(schema, StructType)
    found = _unlike(
        "segments", [batch.get("segment", {}) for batch in wanted], [b["segment"] for b in got]
    )
    if found:
        return found
    for place, (left, right) in enumerate(zip(wanted, got, strict=True)):
        expected = sorted(_canonical(schema, row) for row in left.get("rows") or [])
        actual = sorted(_canonical(schema, row) for row in right["rows"])
        missing = [row for row in expected if row not in actual]
        surplus = [row for row in actual if row not in expected]
        found += [f"batch {place}: missing {row}" for row in missing]
        found += [f"batch {place}: not expected {row}" for row in surplus]
        found += _unlike(f"batch {place}: number of rows", len(expected), len(actual))
    return found


def _canonical(schema: StructType, row: dict[str, Any]) -> str:
    """One text per value, however it was written: 1.5 and "1.50", +00:00 and Z are the same."""
    return json.dumps(encode(schema, decode(schema, row)), sort_keys=True)
