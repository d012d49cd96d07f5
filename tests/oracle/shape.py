"""The shape of a request body: every member that it may have, and what each must be."""

from typing import Any

from .values import parse_time

Problem = dict[str, str]

# A trailing ! marks a member that must be there.
SHAPE: dict[str, Any] = {
    "fields": "text",
    "mergePolicy": {"id!": "text", "version": "number"},
    "filter": {
        "segments": [{"segmentId!": "text", "segmentNs": "text", "status": ["status"]}],
        "segmentQualificationTime": {"startTime": "time", "endTime": "time"},
        "fromIngestTimestamp": "time",
        "emptyProfiles": "flag",
    },
    "additionalFields": {
        "eventList": {
            "fields": "text",
            "filter": {"fromIngestTimestamp": "time", "toIngestTimestamp": "time"},
        }
    },
    "destination!": {"datasetId!": "text", "segmentPerBatch": "flag"},
    "schema!": {"name!": "text"},
    "evaluationInfo": {"segmentation": "flag"},
}
STATUSES = ["realized", "existing", "exited"]
PYTHON_TYPES: dict[str, type] = {"number": int, "flag": bool}


def shape_problems(body: Any) -> list[Problem]:
    problems: list[Problem] = []
    _check(SHAPE, body, "", problems)
    return problems


def _check(shape: Any, value: Any, pointer: str, problems: list[Problem]) -> None:
    if isinstance(shape, dict):
        _check_object(shape, value, pointer, problems)
    elif isinstance(shape, list):
        _check_array(shape[0], value, pointer, problems)
    elif type(value) is not PYTHON_TYPES.get(shape, str):
        problems.append({"pointer": pointer, "code": "wrong-type"})
    elif shape == "status" and value not in STATUSES:
        problems.append({"pointer": pointer, "code": "bad-value"})
    elif shape == "time" and not _is_time(str(value)):
        problems.append({"pointer": pointer, "code": "bad-time"})


def _check_object(shape: dict[str, Any], value: Any, pointer: str, problems: list[Problem]) -> None:
    if not isinstance(value, dict):
        problems.append({"pointer": pointer, "code": "wrong-type"})
        return
    known = {name.rstrip("!"): inner for name, inner in shape.items()}
    for name, item in value.items():
        # Older clients spell it dataSetId.
        inner = known.get("datasetId" if name == "dataSetId" else name)
        if inner is None:
            problems.append({"pointer": f"{pointer}/{_escaped(name)}", "code": "unknown-member"})
        else:
            _check(inner, item, f"{pointer}/{name}", problems)
    for name in shape:
        plain = name.rstrip("!")
        spelled_otherwise = plain == "datasetId" and "dataSetId" in value
        if name.endswith("!") and plain not in value and not spelled_otherwise:
            problems.append({"pointer": f"{pointer}/{plain}", "code": "missing"})


def _check_array(inner: Any, value: Any, pointer: str, problems: list[Problem]) -> None:
    if not isinstance(value, list):
        problems.append({"pointer": pointer, "code": "wrong-type"})
        return
    if inner == "status" and not value:
        problems.append({"pointer": pointer, "code": "empty"})
    for place, item in enumerate(value):
        _check(inner, item, f"{pointer}/{place}", problems)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except ValueError:
        return False
    return "T" in text.upper()
