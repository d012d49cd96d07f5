"""Everything that is wrong with a request, all at once, each at its JSON pointer."""

from typing import Any

from .audience import item_key
from .catalog import EVENT, PROFILE, Sandbox
from .policy import MergePolicy, Problem, participating, resolve_policy
from .projection import check_fields, event_union, record_union
from .shape import shape_problems
from .values import parse_time


class _Refusals:
    """Collects problems; a part of the body that is misshapen is not looked at further."""

    def __init__(self, body: dict[str, Any], sandbox: Sandbox) -> None:
        self.body = body
        self.sandbox = sandbox
        self.problems = shape_problems(body)

    def add(self, pointer: str, code: str) -> None:
        self.problems.append({"pointer": pointer, "code": code})

    def sound(self, pointer: str) -> bool:
        """Whether nothing at or below the pointer is misshapen."""
        return not any(
            problem["pointer"] == pointer or problem["pointer"].startswith(pointer + "/")
            for problem in self.problems
        )

    def part(self, *path: str) -> Any:
        """A member of the body, or None if it is absent or misshapen."""
        value: Any = self.body
        for place, name in enumerate(path, 1):
            if not isinstance(value, dict) or name not in value:
                return None
            value = value[name]
            if place == len(path) and not self.sound("/" + "/".join(path)):
                return None
        return value

    def check_filter(self) -> None:
        segments = self.part("filter", "segments")
        keys = [item_key(item) for item in segments or []]
        for place, key in enumerate(keys):
            if key in keys[:place]:
                self.add(f"/filter/segments/{place}", "duplicate-segment")
        window = self.part("filter", "segmentQualificationTime")
        where = "/filter/segmentQualificationTime"
        asks_segments = bool(self.part("filter", "segments"))
        if window == {}:
            self.add(where, "empty")
        elif window is not None:
            if not asks_segments:
                self.add(where, "window-without-segments")
            if len(window) == 2 and parse_time(window["startTime"]) >= parse_time(
                window["endTime"]
            ):
                self.add(where, "empty-window")
        if self.part("destination", "segmentPerBatch") and not asks_segments:
            self.add("/destination/segmentPerBatch", "batches-without-segments")

    def check_extras(self) -> None:
        if self.part("additionalFields") == {}:
            self.add("/additionalFields", "empty")
        if self.part("additionalFields", "eventList", "filter") == {}:
            self.add("/additionalFields/eventList/filter", "empty-event-filter")
        if self.part("evaluationInfo", "segmentation"):
            self.add("/evaluationInfo/segmentation", "not-offered")

    def check_target(self) -> None:
        for spelling in ("datasetId", "dataSetId"):
            target = self.part("destination", spelling)
            if target is None or target in self.sandbox.export_ids:
                continue
            known = any(dataset.id == target for dataset in self.sandbox.datasets)
            code = "not-an-export-dataset" if known else "unknown-dataset"
            self.add(f"/destination/{spelling}", code)

    def resolve(self) -> MergePolicy | None:
        if not self.sound("/mergePolicy") or not self.sound("/filter/segments"):
            return None
        return resolve_policy(self.sandbox, self.body, self.problems)

    def check_paths(self, policy: MergePolicy) -> None:
        records = record_union(participating(self.sandbox, policy, PROFILE))
        for _ in records.conflicts:
            self.add("/fields", "type-conflict")
        if not records.conflicts:
            for code in check_fields(records.offered, self.part("fields")):
                self.add("/fields", code)
        if self.part("additionalFields", "eventList") is None:
            return
        where = "/additionalFields/eventList/fields"
        events, conflicts = event_union(participating(self.sandbox, policy, EVENT))
        for _ in conflicts:
            self.add(where, "type-conflict")
        if not conflicts:
            for code in check_fields(events, self.part("additionalFields", "eventList", "fields")):
                self.add(where, code)


def refusals(body: dict[str, Any], sandbox: Sandbox) -> tuple[list[Problem], MergePolicy | None]:
    """The problems of the request, and its merge policy if that is known."""
    found = _Refusals(body, sandbox)
    if not isinstance(body, dict):
        return found.problems, None
    # Looked at together with the shape, so that one answer names everything.
    policy = found.resolve()
    if policy is not None:
        if not any(dataset.kind in (PROFILE, EVENT) for dataset in sandbox.datasets):
            found.add("", "no-inputs")
        found.check_paths(policy)
    found.check_filter()
    found.check_extras()
    found.check_target()
    return found.problems, policy
