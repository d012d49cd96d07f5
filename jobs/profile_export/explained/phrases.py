"""The fixed phrases of an account: policies, and what decided between values or entries."""

from profile_export.explained.account import Entry, Value
from profile_export.explained.reasons import By

JOINS = {
    "none": "Identity graph none: a person is a primary identity (S6).",
    "pdg": "Identity graph pdg: rows that share an identity, directly or through other rows, are"
    " one person (S6).",
}
DECIDES = {
    "timestampOrdered": "timestampOrdered: for each field the newest value wins; on equal times the"
    " greatest dataset id, then the greatest primary identity (S11).",
    "dataSetPrecedence": "dataSetPrecedence: for each field the earliest dataset of the order wins;"
    " within it the newest value, then the greatest primary identity (S11).",
}
_VALUE_WON: dict[By, str] = {
    "onlyOne": "the only value",
    "order": "its dataset is the first in the order",
    "time": "the newest",
    "datasetId": "the greatest dataset id of the newest",
    "primaryIdentity": "the greatest primary identity of the newest",
}
_ENTRY_WON: dict[By, str] = {
    "onlyOne": "the only entry",
    "time": "the latest",
    "status": "of equal times, exited goes before existing before realized",
    "datasetId": "of equal ones, the greatest dataset id",
    "primaryIdentity": "of equal ones, the greatest primary identity",
    "validUntil": "of equal ones, the greatest validUntil",
}


def value_won(by: By) -> str:
    """Why a value is exported."""
    return _VALUE_WON[by]


def value_lost(value: Value) -> str:
    """Why a value is not."""
    match value.by:
        case "order":
            return "later in the order"
        case "time":
            return "older" if value.update_time else "its update time is unknown"
        case "datasetId":
            return "as new, smaller dataset id"
        case _:
            return "as new, smaller primary identity"


def entry_won(by: By) -> str:
    """Why a membership entry is the merged one."""
    return _ENTRY_WON[by]


def entry_lost(entry: Entry) -> str:
    """Why a membership entry is not."""
    match entry.by:
        case "time":
            return "earlier" if entry.last_qualification_time else "its time is unknown"
        case "status":
            return "same time, but its status goes behind"
        case "datasetId":
            return "same time and status, smaller dataset id"
        case "primaryIdentity":
            return "same time and status, smaller primary identity"
        case _:
            return "the same, with a smaller validUntil"


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 record``, ``2 records``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
