"""Options that commands share, and the one check of what they cannot say by type."""

import os
import re
from typing import Annotated

import typer

from profile_export.errors import Problem, Refused

LARGEST_JOB_ID = 2**53 - 1
"""As in planning.py, which is too slow to import for ``--help``."""

_LIMIT = "PROFILE_EXPORT_SAIL_MEMORY=2GiB limits what sail holds in memory."
Request = Annotated[
    str, typer.Argument(metavar="REQUEST", help="The request, a JSON file; - is stdin.")
]
SandboxFile = Annotated[
    str, typer.Option("--sandbox", metavar="FILE", help="The sandbox file (YAML).")
]
EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="ENGINE",
        help="sail (embedded, no Java), spark, or sc://HOST:PORT of a Spark Connect server."
        f" Default: sail; spark under spark-submit. {_LIMIT}",
    ),
]
EngineOfJob = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="ENGINE",
        help="sail (embedded, no Java), spark, sc://HOST:PORT of a Spark Connect server, or auto:"
        " sail where the inputs fit in memory, else spark."
        f" Default: sail; spark under spark-submit. {_LIMIT}",
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        help="The creation time that rules compare with: RFC 3339 with an offset. Default: now.",
    ),
]
JobId = Annotated[
    int | None,
    typer.Option(
        "--job-id",
        metavar="N",
        min=1,
        max=LARGEST_JOB_ID,
        help="The id of the job. Of an earlier run that died: finish or repeat it, once; of one"
        " that succeeded: its document again.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Only JSON on stdout; all else on stderr.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Show the engine's own output, and the trace of an error.")
]


def engine_name(asked: str | None, *, for_job: bool = False) -> str:
    """The engine to open: as asked, else the one at hand.

    Args:
        asked: By the user.
        for_job: Whether a plan will say how much there is to do: then it may be ``auto``.

    Raises:
        Refused: there is none of that name, or the limit of its memory is no size.
    """
    name = _named(asked, for_job=for_job)
    if name in ("sail", "auto") and "PROFILE_EXPORT_SAIL_MEMORY" in os.environ:
        from profile_export.engines import sail_memory

        sail_memory.limit()  # told now, not when a worker or a child is started with it
    return name


def _named(asked: str | None, *, for_job: bool) -> str:
    if asked is None:
        return "spark" if "PYSPARK_GATEWAY_PORT" in os.environ else "sail"
    if for_job and asked == "auto":
        return "spark" if "PYSPARK_GATEWAY_PORT" in os.environ else asked
    if asked in ("sail", "spark") or re.fullmatch(r"sc://[^/\s]+.*", asked):
        return asked
    known = "sail, spark, auto" if for_job else "sail, spark"
    detail = f"No engine is called {asked!r}; choose {known} or sc://HOST:PORT."
    raise Refused([Problem("unknown-engine", detail, parameter="--engine")])


def examples(*lines: str) -> str:
    """The end of a command's help: commands as they can be typed."""
    return "\b\nExamples:\n" + "\n".join(f"  profile-export {line}" for line in lines)
