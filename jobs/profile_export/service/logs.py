"""Logs of the service: one JSON object a line, on stderr."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import TextIO

from profile_export.plain_text import plain_json

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonLines(logging.Formatter):
    """Time, level, logger, message, and what the caller gave as ``extra``: the path of a call, say,
    so that letters which steer a terminal are escaped, wherever they are."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _USUAL}
        if record.exc_info and record.exc_info[0] is not None:
            line["trace"] = "".join(traceback.format_exception(*record.exc_info))
        return plain_json(json.dumps(line, ensure_ascii=False, default=str))


def to_stderr(*, verbose: bool = False) -> None:
    """Write our logs and uvicorn's there, ``info`` and above; others' warnings only."""
    handler = _Stderr()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    ours = logging.DEBUG if verbose else logging.INFO
    logging.getLogger("profile_export").setLevel(ours)
    logging.getLogger("uvicorn").setLevel(logging.INFO if verbose else logging.WARNING)
    for noisy in ("py4j", "pyspark", "alembic", "httpx"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


class _Stderr(logging.StreamHandler[TextIO]):
    """Looks ``sys.stderr`` up for every line: an engine may have moved it (``engines/stderr``)."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """A reader that went away ends the talking, not the work."""
