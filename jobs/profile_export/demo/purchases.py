"""CDNOW's purchases as ExperienceEvents: 70,000 rows, so built by column."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from profile_export.demo import keys, schemas

BROWSERS = (("Chrome", "76.0"), ("Firefox", "68.0"), ("Safari", "12.1"), ("Edge", "18.0"))

Columns: TypeAlias = Mapping[str, "pa.Array | Columns"]


def events(purchases: pa.Table, card_holders: Collection[int]) -> pa.Table:
    """One event per purchase; those of the last day are delivered twice (S23).

    Args:
        purchases: As ``sources.read_purchases`` gives them; the position makes the event's ``_id``.
        card_holders: FEBRL persons with a first loyalty account, whose card a purchase may name.
    """
    days = pc.floor_temporal(purchases["time"], unit="day")
    ingested = pc.add(days, pa.scalar(timedelta(days=1, hours=1)))  # 01:00 of the next night
    once = _table({**_columns(purchases, card_holders), "_ingestedAt": ingested})
    last = once.filter(pc.equal(days, pc.max(days)))
    later = pc.add(last["_ingestedAt"], pa.scalar(timedelta(days=1)))
    again = last.drop_columns(["_ingestedAt"]).append_column("_ingestedAt", later)
    return pa.concat_tables([once, again])


def _columns(purchases: pa.Table, card_holders: Collection[int]) -> Columns:
    count = purchases.num_rows
    number = pc.utf8_lpad(pa.array(range(1, count + 1)).cast(schemas.TEXT), 6, "0")
    known = _by_customer(pc.max(purchases["customer"]).as_py(), card_holders)
    ecid, crm_id, card, browser, version = (c.take(purchases["customer"]) for c in known)
    return {
        "_id": pc.binary_join_element_wise("cdnow", number, "-"),
        "timestamp": purchases["time"],
        "eventType": pa.repeat("commerce.purchases", count),
        "_acme": {"ecid": ecid, "crmId": crm_id, "loyalty": {"loyaltyId": card}},
        "commerce": {
            "order": {
                "purchaseOrderNumber": pc.binary_join_element_wise("PO", number, "-"),
                "priceTotal": purchases["dollars"],
                "currencyCode": pa.repeat("USD", count),
            },
            "purchases": {"value": pa.repeat(1.0, count)},
        },
        "productListItems": _items(purchases),
        "environment": {"browserDetails": {"name": browser, "version": version}},
        "web": {"webPageDetails": {"name": pa.repeat("checkout", count)}},
    }


def _by_customer(greatest: int, card_holders: Collection[int]) -> list[pa.Array]:
    """ecid, CRM id, card, browser, version: arrays of text whose position is the customer id.

    Of eight persons four are signed in when they buy, two show their card (if they have one), one
    is known by the browser alone, and one never buys; see ``keys.customer_of``.
    """
    customers = range(greatest + 1)
    crm_ids: list[str | None] = [None] * len(customers)
    cards = crm_ids.copy()
    for number in range(keys.PERSONS):
        if (customer := keys.customer_of(number)) is None:
            continue
        if number % 8 < 4:
            crm_ids[customer] = keys.crm_id(number)
        elif number % 8 in (4, 5) and number in card_holders:
            cards[customer] = keys.loyalty_id(number, 0)
    browsers = [BROWSERS[customer % len(BROWSERS)] for customer in customers]
    columns = [list(map(keys.visitor, customers)), crm_ids, cards, *zip(*browsers, strict=True)]
    return [pa.array(column, schemas.TEXT) for column in columns]


def _items(purchases: pa.Table) -> pa.Array:
    """CDNOW tells the number of CDs and their sum, so every purchase has one item."""
    count = purchases.num_rows
    item: Columns = {
        "SKU": pa.repeat("CD", count),
        "name": pa.repeat("Compact disc", count),
        "quantity": purchases["cds"],
        "priceTotal": purchases["dollars"],
    }
    return pa.ListArray.from_arrays(pa.array(range(count + 1), pa.int32()), _struct(item))


def _table(columns: Columns) -> pa.Table:
    return pa.Table.from_struct_array(_struct(columns))


def _struct(columns: Columns) -> pa.StructArray:
    """Named arrays, and mappings of them, as one struct array."""
    arrays = [_struct(c) if isinstance(c, Mapping) else _whole(c) for c in columns.values()]
    return pa.StructArray.from_arrays(arrays, names=list(columns))


def _whole(column: "pa.Array | pa.ChunkedArray") -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
