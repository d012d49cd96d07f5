"""Paths that engines would take for others. Nothing heavy is imported, as the demo asks first."""

import os
import re

URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PATTERN = re.compile(r"[^/]*?([][{}*?])[^/]*")
"""A whole name, and the first letter in it that makes a pattern."""
_ESCAPE = re.compile(r"[^/]*?(\\|%[0-9A-Fa-f]{2})[^/]*")
"""Likewise what makes an escape, in a path that is no URI."""
_IN_URIS = ((_PATTERN, "a pattern"),)
_IN_PATHS = (*_IN_URIS, (_ESCAPE, "an escape"))


def pattern_in(location: str) -> str | None:
    """What is wrong with a path of which engines would make another; None where nothing is.

    Sail takes ``a{1}`` for ``a1``, and writes there; delta-rs writes to ``a%20b``, and then looks
    for the log in ``a b``. Links are followed, since delta-rs does.
    """
    is_uri = URI.match(location)
    places = (location,) if is_uri else (location, os.path.realpath(location))
    for letter, kind in _IN_URIS if is_uri else _IN_PATHS:
        for place in places:
            if found := letter.search(place):
                from profile_export.shape import quote

                return (
                    f"The path has {quote(found[0])}, in which engines take {found[1]} for {kind}:"
                    " rows would be read or written elsewhere. Rename that file or folder."
                )
    return None
