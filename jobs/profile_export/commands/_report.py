"""The table at the end of a run or a dry run: batches and persons; then what lies where."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from profile_export.commands import _say
from profile_export.plain_text import plain

if TYPE_CHECKING:
    from profile_export.catalog import Sandbox
    from profile_export.commands._export import DoneJob
    from profile_export.document import Document

_NO_SEGMENT = "All who are exported"


def of_job(done: "DoneJob") -> None:
    """Say what a job has done, on stdout."""
    manifest, document, sandbox = done.manifest(), done.document, done.sandbox
    metrics = _mapping(document["metrics"])
    table = _table()
    for batch in (_mapping(batch) for batch in _items(manifest["batches"])):
        name = _segment(_mapping(batch["segment"]), sandbox)
        name.append(f"\nbatch {batch['batchId']}", "dim")
        table.add_row(name, _number(batch["recordCount"]))
    _add_counts(table, metrics["candidates"], _mapping(metrics["exclusions"]))
    _say.result(plain(_headline(document, sandbox, manifest)))
    _say.rendered(table)
    for line in _left_out(metrics, manifest, sandbox):
        _say.result(plain(line))
    places = done.places
    _say.result(f"Dataset   {places.dataset} (version {manifest['deltaVersion']})")
    _say.result(f"Manifest  {places.manifest}\nJob       {places.job}")


def of_dry_run(counted: Mapping[str, object], sandbox: "Sandbox") -> None:
    """Say what a job would do, on stdout; ``counted`` as ``--json`` prints it."""
    plan, counts = _mapping(counted["plan"]), _mapping(counted["counts"])
    table = _table()
    for batch in (_mapping(batch) for batch in _items(counts["batches"])):
        name = _segment(_mapping(batch["segment"]), sandbox)
        table.add_row(name, _number(batch["recordCount"]))
    _add_counts(table, counts["candidates"], _mapping(counts["exclusions"]))
    policy = _policy(_mapping(plan["mergePolicy"]), sandbox)
    _say.result(plain(f"Dry run: nothing was written. {policy}"))
    _say.rendered(table)


def to_try(commands: Iterable[str]) -> None:
    """Commands to copy, one a line."""
    _say.result("\n".join(("To try next:", *(f"  {line}" for line in commands))))


def _table() -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("Batches", overflow="fold")
    table.add_column("Records", justify="right", overflow="fold")
    return table


def _add_counts(table: Table, candidates: object, exclusions: Mapping[str, object]) -> None:
    """Every candidate once: exported, or under one reason; what is zero is there, but dim."""
    excluded = sum(int(str(number)) for number in exclusions.values())
    exported = int(str(candidates)) - excluded
    table.add_row()
    table.add_row(Text("Persons", "bold"))
    table.add_row("candidates", _number(candidates))
    table.add_row("exported", _number(exported), style="" if exported else "dim")
    for reason, number in exclusions.items():
        table.add_row(f"not: {reason}", _number(number), style="" if number else "dim")


def _segment(item: Mapping[str, object], sandbox: "Sandbox") -> Text:
    if not item:
        return Text(_NO_SEGMENT)
    segment_id = str(item["segmentId"])
    statuses = ", ".join(map(str, _items(item["status"])))
    words = Text(plain(f"{item['segmentNs']}:{segment_id} ({statuses})"))
    known = sandbox.segment(segment_id)
    if known is None or known.name == segment_id:
        return words
    return Text(f"{plain(known.name)}\n").append_text(Text(str(words), "dim"))


def _headline(document: "Document", sandbox: "Sandbox", manifest: Mapping[str, object]) -> str:
    engine, metrics = _mapping(manifest["engine"]), _mapping(document["metrics"])
    took = int(str(_mapping(metrics["totalTime"])["totalTimeInMs"])) / 1000
    policy = _policy(_mapping(document["mergePolicy"]), sandbox)
    on = f"on {engine['name']} {engine['version']}"
    return f"Job {document['id']} {document['status']} in {took:.1f} s {on}. {policy}"


def _policy(pinned: Mapping[str, object], sandbox: "Sandbox") -> str:
    versions = sandbox.versions(str(pinned["id"]))
    name = versions[-1].name if versions else pinned["id"]
    return f"Merge policy: {name}, version {pinned['version']}."


def _left_out(
    metrics: Mapping[str, object], manifest: Mapping[str, object], sandbox: "Sandbox"
) -> Iterator[str]:
    """What else did not come through: told only where it happened."""
    truncated = _mapping(metrics["eventsTruncated"])
    if truncated["events"]:
        yield (
            f"Left out: {_number(truncated['events'])} oldest events of"
            f" {_number(truncated['profiles'])} persons (maxEventsPerProfile)."
        )
    for dataset_id, rows in _mapping(manifest["rowsWithoutIdentity"]).items():
        dataset = sandbox.dataset(dataset_id)
        if rows:
            name = dataset.label if dataset else dataset_id
            yield f"Left out: {_number(rows)} rows of {name} without a primary identity."
    yield ""


def _number(value: object) -> str:
    return f"{int(str(value)):,}"


def _mapping(value: object) -> Mapping[str, object]:
    assert isinstance(value, Mapping)
    return value


def _items(value: object) -> Sequence[object]:
    assert isinstance(value, list | tuple)
    return value
