"""The three profile datasets, made of FEBRL's rows: one function from row to document each.

Originals are the CRM, duplicates with an even number loyalty accounts, those with an odd number
web sign-ups; their typing errors stay. What FEBRL lacks (times, cards, tiers) follows from the
row's numbers and from the purchases, by rules only: two builds give the same tables.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from profile_export.demo import keys, schemas
from profile_export.demo.parts import OPENED, Document, audit, contact, spread, whole
from profile_export.demo.segments import FIRST, SECOND, Evaluation
from profile_export.demo.sources import FebrlPerson

CRM_LOADED = datetime(2018, 10, 1, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIERS = ((200.0, "gold"), (50.0, "silver"), (0.0, "basic"))
PAGES = ("/register", "/newsletter", "/checkout")


def crm(people: Sequence[FebrlPerson], segments: Evaluation) -> pa.Table:
    """2,000 current records, and for every 40th person the older one that it replaces (S4)."""
    originals = [person for person in people if person.copy is None]
    rows = [_replaced_crm(p, segments) for p in originals if p.number % 40 == 0]
    rows += [_crm(person, segments) for person in originals]
    return pa.Table.from_pylist(rows, schema=schemas.CRM)


def loyalty(
    people: Sequence[FebrlPerson], segments: Evaluation, spent: Mapping[int, float]
) -> pa.Table:
    """1,874 accounts; ``spent`` gives dollars by customer, for points and tier."""
    rows = [
        _loyalty(person, person.copy, segments, spent)
        for person in people
        if person.copy is not None and person.copy % 2 == 0
    ]
    return pa.Table.from_pylist(rows, schema=schemas.LOYALTY)


def web_sign_ups(people: Sequence[FebrlPerson]) -> pa.Table:
    """1,126 sign-ups, which know a visitor and an address, and no number of the other systems."""
    rows = [_web(person, person.copy) for person in people if person.copy and person.copy % 2]
    return pa.Table.from_pylist(rows, schema=schemas.WEB_SIGN_UPS)


def _crm(person: FebrlPerson, segments: Evaluation) -> Document:
    customer = keys.customer_of(person.number)
    # Buyers are written again with each evaluation; the others lie as they were loaded (S16).
    ingested = SECOND + HOUR if customer else CRM_LOADED
    created, updated = audit(person.number, ingested)
    return {
        "_id": person.rec_id,
        "_acme": {"crmId": keys.crm_id(person.number), "socSecId": whole(person.soc_sec_id)},
        **contact(person, keys.email(person)),
        "extSourceSystemAudit": {"createdDate": created, "lastUpdatedDate": updated},
        "segmentMembership": segments.at_second(customer, "ups"),
        "_ingestedAt": ingested,
    }


def _replaced_crm(person: FebrlPerson, segments: Evaluation) -> Document:
    """The record of the first evaluation, with a mail address that the person gave up."""
    created, _ = audit(person.number, FIRST)
    return _crm(person, segments) | {
        "personalEmail": {"address": f"{keys.crm_id(person.number).lower()}@old.example.com"},
        "extSourceSystemAudit": {"createdDate": created, "lastUpdatedDate": created},
        "segmentMembership": segments.at_first(keys.customer_of(person.number), "ups"),
        "_ingestedAt": FIRST + HOUR,
    }


def _loyalty(
    person: FebrlPerson, copy: int, segments: Evaluation, spent: Mapping[int, float]
) -> Document:
    # A person's purchases count for the first account; further ones are doubles that lie idle.
    customer = keys.customer_of(person.number) if copy == 0 else None
    dollars = spent.get(customer, 0.0) if customer else 0.0
    ingested = SECOND + 2 * HOUR if customer else FIRST + 2 * HOUR
    created, updated = audit(person.number * 7 + copy + 1, ingested)
    known = person.number % 10 != 3  # S5: where it is not known, the ingest time stands in
    # The card system has AAM's view of the second date, but only an old copy of ups' view.
    membership = segments.at_first(customer, "ups") | segments.at_second(customer, "AAM")
    return {
        "_id": person.rec_id,
        "_acme": {
            "socSecId": whole(person.soc_sec_id),
            "loyalty": {
                "loyaltyId": keys.loyalty_id(person.number, copy),
                "tier": next(tier for least, tier in TIERS if dollars >= least),
                "points": int(dollars),
                "joinDate": created.date(),
            },
        },
        **contact(person, keys.email(person)),
        "extSourceSystemAudit": {
            "createdDate": created,
            "lastUpdatedDate": updated if known else None,
        },
        "segmentMembership": membership,
        "_ingestedAt": ingested,
    }


def _web(person: FebrlPerson, copy: int) -> Document:
    address = keys.email(person)
    time = spread(person.number * 11 + copy, OPENED + timedelta(days=58), SECOND)
    return {
        "_id": person.rec_id,
        "identityMap": _identity_map(person.number, copy, address),
        "_acme": {
            "signUp": {
                "time": time,
                "page": PAGES[person.number % len(PAGES)],
                "newsletter": person.number % 3 != 0,
            }
        },
        **contact(person, address),
        "_ingestedAt": time + HOUR,
    }


def _identity_map(number: int, copy: int, address: str | None) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    ecid = keys.sign_up_visitor(number, copy)
    if ecid is not None:
        found["ECID"] = [{"id": ecid, "authenticatedState": "ambiguous", "primary": True}]
    if address is not None:
        state = "authenticated" if number % 2 else "loggedOut"
        found["Email"] = [{"id": address, "authenticatedState": state, "primary": False}]
    if keys.at_shop_terminal(number):
        found["deviceId"] = [{"id": keys.SHOP_TERMINAL, "primary": False}]
    return found
