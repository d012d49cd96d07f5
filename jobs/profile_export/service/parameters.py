"""Query parameters: all bad ones at once; unknown ones are ignored, of two the last counts."""

import re
from collections.abc import Collection

from fastapi import Request
from pydantic_core import PydanticCustomError

from profile_export.document import epoch_ms
from profile_export.errors import Problem, Refused
from profile_export.rfc3339 import rfc3339
from profile_export.shape import quote

_DIGITS = re.compile(r"\d{1,15}", re.ASCII)
_CURSOR = re.compile(r"(\d{1,15})_(\d{1,16})", re.ASCII)


class Parameters:
    """The query of a call, read member by member; :meth:`check` refuses what was bad."""

    def __init__(self, request: Request) -> None:
        self._sent = request.query_params
        self.problems: list[Problem] = []

    def number(self, name: str, default: int, *, least: int = 0, most: int = 10**15) -> int:
        """A whole number between two others."""
        text = self._sent.get(name)
        if text is None:
            return default
        if _DIGITS.fullmatch(text) and least <= int(text) <= most:
            return int(text)
        self.bad(name, f"{quote(text)} is no whole number of {least} to {most}.")
        return default

    def text(self, name: str) -> str | None:
        """Any text that can be stored, or None where the parameter is not sent."""
        text = self._sent.get(name)
        if text is not None and "\0" in text:
            self.bad(name, "U+0000 can be part of no text.")
            return None
        return text

    def moment(self, name: str) -> int | None:
        """Epoch milliseconds, or a time with an offset (RFC 3339); None where it is not sent."""
        text = self._sent.get(name)
        if text is None:
            return None
        if _DIGITS.fullmatch(text):
            return int(text)
        try:
            return epoch_ms(rfc3339(text))
        except PydanticCustomError:
            detail = f"{quote(text)} is neither epoch milliseconds nor a time with an offset."
            self.bad(name, detail)
            return None

    def one_of(self, name: str, known: Collection[str]) -> str | None:
        """One of the known words, or None where the parameter is not sent."""
        text = self._sent.get(name)
        if text is not None and text not in known:
            self.bad(name, f"{quote(text)} must be one of {', '.join(known)}.")
            return None
        return text

    def truth(self, name: str) -> bool:
        """``true`` or ``false``, which is the default."""
        text = self._sent.get(name, "false").lower()
        if text not in ("true", "false"):
            self.bad(name, f"{quote(text)} is neither true nor false.")
        return text == "true"

    def place(self, name: str) -> tuple[tuple[int, int] | None, int]:
        """A cursor ``{time}_{id}`` of a page's last record, or a number of records to skip."""
        text = self._sent.get(name)
        if text is None:
            return None, 0
        if (cursor := _CURSOR.fullmatch(text)) is not None:
            return (int(cursor[1]), int(cursor[2])), 0
        if _DIGITS.fullmatch(text):
            return None, int(text)
        self.bad(name, f"{quote(text)} is neither the cursor of a page nor a number of records.")
        return None, 0

    def bad(self, name: str, detail: str) -> None:
        self.problems.append(Problem("bad-parameter", detail, parameter=name))

    def check(self) -> None:
        """Refuse the call if anything was bad.

        Raises:
            Refused: with all of it.
        """
        if self.problems:
            raise Refused(self.problems)
