"""Times as users write them: RFC 3339, always with an offset."""

import re
from datetime import UTC, datetime, timedelta, timezone

from pydantic_core import PydanticCustomError

from profile_export.shape import must_be, quote

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)


def rfc3339(value: object) -> datetime:
    """A time with an offset (RFC 3339) as UTC; digits beyond microseconds are cut.

    Raises:
        PydanticCustomError: ``wrong-type`` or ``bad-time``, for use as a pydantic validator.
    """
    if not isinstance(value, str):
        raise PydanticCustomError("wrong-type", "{text}", {"text": must_be("a string", value)})
    text = f"{quote(value)} is no time. Write an RFC 3339 time with an offset, such as"
    text = f"{text} 2019-09-01T00:00:00Z."
    if (match := _TIME.fullmatch(value)) is not None:
        try:
            return _instant(match)
        except OverflowError:
            text = f"{quote(value)} lies outside the years 1 to 9999 of UTC, which a time can have."
        except ValueError:
            pass
    raise PydanticCustomError("bad-time", "{text}", {"text": text})


def _instant(match: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, off_hours, off_minutes = match.groups()[6:]
    offset = timedelta(hours=int(off_hours or 0), minutes=int(off_minutes or 0))
    if offset >= timedelta(days=1) or int(off_minutes or 0) > 59:
        raise ValueError("offset out of range")
    if year == 0:
        raise OverflowError("a year that datetime does not have")
    leap = second == 60  # RFC 3339 knows leap seconds, datetime does not
    zone = timezone(-offset if sign == "-" else offset)
    micros = int((fraction or "")[:6].ljust(6, "0"))
    local = datetime(year, month, day, hour, minute, 59 if leap else second, micros, tzinfo=zone)
    instant = local.astimezone(UTC)
    if leap and (instant.hour, instant.minute) != (23, 59):
        raise ValueError("no leap second there")
    return instant + timedelta(seconds=1) if leap else instant
