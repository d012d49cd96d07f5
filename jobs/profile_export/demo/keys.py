"""Who is who: how FEBRL's persons, CDNOW's customers and their identities meet.

The two sources know nothing of each other. A FEBRL person N (0..1999) is made the CDNOW customer
10 * (N + 1), seven of eight persons that is; all other customers stay without a profile record.
"""

import re

from profile_export.demo.sources import FebrlPerson

PERSONS = 2000
SHOP_TERMINAL = "shop-terminal-1"
MAIL_HOSTS = ("example.com", "example.org", "example.net")


def customer_of(number: int) -> int | None:
    """The CDNOW customer that person ``number`` is, or None for a person who never bought."""
    return 10 * (number + 1) if number % 8 != 7 else None


def crm_id(number: int) -> str:
    return f"C-{number:05d}"


def loyalty_id(number: int, copy: int) -> str | None:
    """The card number of a loyalty account; a few accounts (1 %) wait for their card."""
    return f"L-{number:05d}-{copy}" if number % 100 != 50 else None


def visitor(customer: int) -> str | None:
    """The ecid of a customer's browser; a few customers refuse cookies."""
    return f"visitor-{customer:05d}" if customer % 1000 != 999 else None


def sign_up_visitor(number: int, copy: int) -> str | None:
    """The ecid of a web sign-up: the first from the buyer's own browser, others from elsewhere."""
    if number % 100 == 51:
        return None
    customer = customer_of(number)
    return visitor(customer) if customer and copy == 1 else f"visitor-p{number:04d}-{copy}"


def at_shop_terminal(number: int) -> bool:
    """Whether a person signed up at the shared terminal in the shop, which glues them (S7)."""
    return number % 40 == 39


def email(person: FebrlPerson) -> str | None:
    """An address made of name and year of birth AS WRITTEN, so that a typing error breaks it."""
    if not (person.given_name and person.surname and person.date_of_birth):
        return None
    given, family = (re.sub("[^a-z]", "", n) for n in (person.given_name, person.surname))
    year = person.date_of_birth[:4]
    return f"{given}.{family}.{year}@{MAIL_HOSTS[int(year) % len(MAIL_HOSTS)]}"
