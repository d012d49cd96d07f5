"""An account in words, for a terminal: the answer first, then how it came about."""

from collections.abc import Iterable, Iterator, Sequence

from profile_export.explained.account import Account, EventGroup, Link, Policy, Record
from profile_export.explained.phrases import DECIDES, JOINS, counted
from profile_export.explained.shown import quoted, some
from profile_export.explained.text_outcome import leaves, segments, verdict
from profile_export.plain_text import plain


def words(account: Account) -> str:
    """The whole account, as lines of text."""
    return "\n".join(plain(line) for line in _lines(account))


def _lines(account: Account) -> Iterator[str]:
    yield from _answer(account)
    yield from _section("1. Who it is", _who(account))
    yield from _section("2. Records and events", _rows(account))
    yield from _section("3. Merge policy", _policy(account.policy, account))
    yield from _section("4. Exported fields", leaves(account))
    yield from _section("5. Asked segments", segments(account))
    yield from _section("6. Verdict", verdict(account))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield title
    for line in lines:
        yield f"  {line}"


def _answer(account: Account) -> Iterator[str]:
    outcome = account.verdict
    of = f"an export made {account.as_of}"
    is_in, is_out = "would be in", "would not be in"
    if account.job_id is not None:
        of = f"the export of job {account.job_id}, made {account.as_of}"
        is_in, is_out = "is in", "is not in"
    if outcome.exported:
        yield f"{account.identity} {is_in} {of}."
    else:
        yield f"{account.identity} {is_out} {of}: {outcome.reason or 'no candidate'}."
    yield outcome.because


def _who(account: Account) -> Iterator[str]:
    person = account.person
    if account.asked != str(account.identity):
        yield f"Asked was {quoted(account.asked)}, understood as {account.identity}."
    number = counted(person.identities_total, "identity", "identities")
    yield f"The person {person.key}, with {number}:"
    yield from some([f"  {key}" for key in person.identities], person.identities_total)
    if account.policy.identity_graph == "none":
        yield "Nothing is joined: under this merge policy a person is a primary identity (S6)."
    elif person.links_total:
        yield "How they are joined; each line tells which row has it and the identity above it:"
        yield f"  {account.identity}"
        yield from some([_link(link) for link in person.links], person.links_total)
        yield from _glue(account)


def _glue(account: Account) -> Iterator[str]:
    """For a person of too many identities: what has joined them."""
    if account.verdict.reason != "tooManyIdentities" or not account.person.most_shared:
        return
    yield "What joins the most (one that many people share, as of a terminal, is no identity):"
    for shared in account.person.most_shared:
        yield f"  {shared.identity} stands in rows of {shared.primaries} primary identities"


def _link(link: Link) -> str:
    return f"  {'  ' * min(link.depth, 20)}{link.joined}  by {_row(link)}"


def _row(link: Link) -> str:
    row = "the record" if link.kind == "record" else "an event of"
    return f"{row} {link.primary_identity} of {link.dataset}"


def _rows(account: Account) -> Iterator[str]:
    person = account.person
    if person.records_total:
        yield f"{counted(person.records_total, 'current record')}:"
        yield from some([f"  {_record(r)}" for r in person.records], person.records_total)
    else:
        yield "No current record."
    if person.replaced_total:
        yield f"{counted(person.replaced_total, 'record')} that they replaced, of no effect (S4):"
        yield from some([f"  {_record(r)}" for r in person.replaced], person.replaced_total)
    if person.events_total:
        total = sum(group.count for group in person.events)
        yield f"{counted(total, 'event')}:"
        yield from some([f"  {_events(group)}" for group in person.events], person.events_total)
    else:
        yield "No event."
    if account.attached is not None and person.events_total:
        yield from _attached(account)


def _record(record: Record) -> str:
    told = f"{record.dataset}, {record.primary_identity}"
    told += f": ingested {record.ingest_time or 'at an unknown time'}"
    if record.update_time != record.ingest_time:
        told += f", updated {record.update_time or 'unknown'}"
    if record.record_id is not None:
        told += f", _id {record.record_id}"
    return told + _joins_only(record.participates)


def _events(group: EventGroup) -> str:
    told = f"{group.dataset}, {group.primary_identity}: {group.count}"
    if group.first is not None and group.first == group.last:
        told += f", at {group.first}"
    elif group.first is not None:
        told += f", from {group.first} to {group.last}"
    return told + _joins_only(group.participates)


def _joins_only(participates: bool) -> str:
    return "" if participates else " (only joins identities: the policy leaves this dataset out)"


def _attached(account: Account) -> Iterator[str]:
    attached = account.attached
    assert attached is not None
    left = {
        "superseded by another event of the same _id (S23)": attached.superseded,
        "outside the asked ingest times (S24)": attached.outside_ingest_times,
        "older than the newest that maxEventsPerProfile keeps (S25)": attached.truncated,
    }
    out = [f"{count} {why}" for why, count in left.items() if count]
    yield f"{attached.attached} of them are in timeSeriesEvents{_but(out)}."


def _but(out: Sequence[str]) -> str:
    return f"; left out: {', '.join(out)}" if out else ""


def _policy(policy: Policy, account: Account) -> Iterator[str]:
    named = f"{policy.name} ({policy.id}, version {policy.version})"
    yield named if policy.name else f"{policy.id}, version {policy.version}"
    yield policy.because
    yield JOINS[policy.identity_graph]
    yield DECIDES[policy.attribute_merge]
    if policy.order:
        names = {read.dataset_id: read.dataset for read in account.read}
        yield f"The order: {', '.join(names.get(i, i) for i in policy.order)}."
