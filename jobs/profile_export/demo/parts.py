"""What the documents of the three profile datasets have in common."""

from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from profile_export.demo.sources import FebrlPerson

Document: TypeAlias = dict[str, object]

OPENED = datetime(2018, 1, 1, tzinfo=UTC)


def contact(person: FebrlPerson, address: str | None) -> Document:
    """``person``, ``homeAddress`` and ``personalEmail``; errors and gaps stay as they are."""
    born = person.date_of_birth
    street = " ".join(part for part in (person.street_number, person.address_1) if part)
    full = " ".join(part for part in (person.given_name, person.surname) if part)
    return {
        "person": {
            "name": {
                "firstName": person.given_name,
                "lastName": person.surname,
                "fullName": full or None,
            },
            "birthDate": _date(born),
            "birthYear": int(born[:4]) if born else None,
        },
        "homeAddress": {
            "street1": street or None,
            "street2": person.address_2,
            "city": person.suburb,
            "postalCode": person.postcode,
            "stateProvince": person.state,
            "countryCode": "AU",
        },
        "personalEmail": {"address": address},
    }


def _date(text: str | None) -> date | None:
    """``yyyymmdd`` as a date; a typing error can make it impossible, then None."""
    if text is None:
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def whole(text: str | None) -> int | None:
    """Digits as a number; None stays None."""
    return int(text) if text else None


def audit(seed: int, before: datetime) -> tuple[datetime, datetime]:
    """Times when a record was created and last updated in its source, both before ``before``."""
    created = spread(seed, OPENED, min(before, OPENED + timedelta(days=200)))
    return created, spread(seed * 31 + 5, created, before)


def spread(seed: int, start: datetime, end: datetime) -> datetime:
    """A time in [start, end), whole seconds, that looks random and depends on ``seed`` alone."""
    share = (seed * 2654435761 % 2**32) / 2**32
    return start + timedelta(seconds=int((end - start).total_seconds() * share))
