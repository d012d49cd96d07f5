"""An account in words, second half: where values come from, what segments say, the verdict."""

from collections.abc import Iterator

from profile_export.explained.account import Account, Entry, InBatch, Leaf, SegmentTest, Value
from profile_export.explained.phrases import entry_lost, entry_won, value_lost, value_won
from profile_export.explained.shown import quoted, some


def leaves(account: Account) -> Iterator[str]:
    """Every exported leaf: its winner and what it won over."""
    if not account.verdict.exported:
        yield "None: the person is not exported."
        return
    for leaf in account.leaves:
        if leaf.winner is not None:
            yield from _leaf(leaf, leaf.winner)
    empty = [leaf.path for leaf in account.leaves if leaf.winner is None]
    if empty:
        yield f"Null, as no current record has a value: {', '.join(empty)}"
    if not account.leaves:
        yield "No attribute is asked for."


def _leaf(leaf: Leaf, winner: Value) -> Iterator[str]:
    yield f"{leaf.path} = {quoted(winner.value)}"
    yield f"  from {_value(winner)}: {value_won(winner.by)}"
    yield from some([f"  over {_loser(v, winner)}" for v in leaf.losers], leaf.losers_total)


def _loser(value: Value, winner: Value) -> str:
    shown = "the same" if value.value == winner.value else quoted(value.value)
    return f"{shown} from {_value(value)}: {value_lost(value)}"


def _value(value: Value) -> str:
    return f"{value.dataset}, {value.primary_identity}, updated {value.update_time or 'unknown'}"


def segments(account: Account) -> Iterator[str]:
    """Every asked segment, and whether it matches."""
    if not account.verdict.candidate:
        yield "Not looked at: the person is no candidate."
    elif not account.segments:
        yield "None is asked for: everyone passes."
    for test in account.segments:
        yield from _segment(test)


def _segment(test: SegmentTest) -> Iterator[str]:
    named = f" ({test.name})" if test.name else ""
    yield f"{test.segment_ns}:{test.segment_id}{named}: {'matches' if test.matches else 'no match'}"
    yield f"  {test.because}"
    if test.failed != "noEntry":
        yield f"  {_stated(test)}"
    if test.entries_total > 1:
        yield f"  Its merged entry is one of {test.entries_total} (S13):"
        told = [f"    {'this:' if e.won else 'over:'} {_entry(e)}" for e in test.entries]
        yield from some(told, test.entries_total)


def _stated(test: SegmentTest) -> str:
    told = f"The entry: {test.status or 'no status'}"
    told += f", qualified at {test.last_qualification_time or 'an unknown time'}"
    if test.valid_until is not None:
        told += f", valid until {test.valid_until}"
    if test.window is None:
        return f"{told}; any time is asked for."
    if test.failed != "status":
        return f"{told}."  # the window is told with its outcome
    start, end = test.window["startTime"] or "any time", test.window["endTime"] or "any time"
    return f"{told}; asked for is the window from {start}, before {end}."


def _entry(entry: Entry) -> str:
    told = f"{entry.status or 'without status'}"
    told += f" at {entry.last_qualification_time or 'an unknown time'}"
    if entry.valid_until:
        told += f", valid until {entry.valid_until}"
    why = entry_won(entry.by) if entry.won else entry_lost(entry)
    return f"{told}, from {entry.dataset}, {entry.primary_identity}: {why}"


def verdict(account: Account) -> Iterator[str]:
    """The tests in order, and the batches."""
    for check in account.checks:
        outcome = f"excludes it ({check.reason})" if check.excludes else "passes"
        yield f"{check.rule} {outcome}: {check.because}"
    if not account.checks:
        yield account.verdict.because
    if account.verdict.exported:
        yield account.verdict.because
    for batch in account.verdict.batches:
        yield f"  {_batch(batch)}"


def _batch(batch: InBatch) -> str:
    called = f"batch {batch.batch_id or batch.batch + 1}"
    if not batch.segment:
        return called
    return f"{called}, segment {batch.segment['segmentNs']}:{batch.segment['segmentId']}"
