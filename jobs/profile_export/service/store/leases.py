"""Leases, of jobs and of workers' presence, by a clock that may be set."""

from sqlalchemy import Column, ColumnElement

from profile_export.service.config import LONGEST_LEASE

_SLACK = 60.0
"""Seconds by which a clock may be set back while the longest lease still lasts."""


def lasts(until: "Column[int]", at: int) -> ColumnElement[bool]:
    """Whether a lease lasts: it has not run out, nor is it longer than any that is given.

    One that is was given before the clock was set back, and its holder is gone: who lives renews it
    at once. Nobody waits for it until the clock is there again.

    Args:
        until: When leases run out, in epoch milliseconds.
        at: Now, by the clock of the store.
    """
    return until.between(at, at + int((LONGEST_LEASE + _SLACK) * 1000))
