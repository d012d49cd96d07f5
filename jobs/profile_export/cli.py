"""The command line: the commands, and the one place that turns errors into words and exit codes.

    0    done
    1    the job failed, or a fault of ours
    2    the request, the sandbox or the command is wrong
    3    verification or comparison found a difference
    130  interrupted (Ctrl-C, SIGTERM)

Results go to stdout, all else to stderr. With ``--json`` an error is JSON on stdout too: the FAILED
or CANCELLED job document where there was a job, problem+json otherwise.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from profile_export.commands import _process, _say
from profile_export.commands._ended import JobEnded
from profile_export.errors import (
    Cancelled,
    Different,
    ExportError,
    Problem,
    Refused,
    problem_json,
)

COMMANDS = (
    "run", "demo", "explain", "verify", "rerun", "diff", "query",
    "serve", "worker", "token", "jobs",
)  # fmt: skip
"""Modules of :mod:`~profile_export.commands`, in the order of the help."""
INTERRUPTED = 130


class _Group(TyperGroup):
    """Tells Ctrl-C from a command that ends with 130, which typer makes one."""

    def make_context(self, *words: Any, **extra: Any) -> Any:
        with _abort():
            return super().make_context(*words, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _abort():
            return super().invoke(ctx)


@contextmanager
def _abort() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as error:
        raise typer.Abort from error


app = typer.Typer(
    name="profile-export",
    cls=_Group,
    help="One row per person out of many lakehouse tables, on request: stitched, merged, audited.",
    epilog="\b\nFirst steps:\n  profile-export demo\n  profile-export run --help",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: fast, and safe in a pipe
)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            _say.result(f"profile-export {version('profile-export')}")
        except PackageNotFoundError:  # run from its sources, not installed
            _say.result("profile-export (not installed)")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _globals(
    context: typer.Context,
    _version: Annotated[  # its callback does all
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        _say.note(context.get_help())
        raise typer.Exit(2)


for _name in COMMANDS:
    import_module(f"profile_export.commands.{_name}").register(app)


def command_names() -> list[str]:
    """Every command that can be typed; of a group, ``group command``."""
    groups = app.registered_groups
    return [str(command.name) for command in app.registered_commands] + [
        f"{group.name} {command.name}"
        for group in groups
        if group.typer_instance is not None
        for command in group.typer_instance.registered_commands
    ]


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after the program's name; those of this process unless given.

    Returns:
        The exit code. Nothing is raised.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    teller = _Teller.of(words)
    command = typer.main.get_command(app)
    with _process.signals_interrupt(), _process.warnings_of_libraries(shown=teller.verbose):
        try:
            code = command.main(words, prog_name="profile-export", standalone_mode=False)
        except typer.TyperException as error:
            return teller.usage(error)
        except ExportError as error:
            return teller.tell(error)
        except (KeyboardInterrupt, typer.Abort):
            _say.note("Interrupted. No job was under way.")
            return INTERRUPTED
        except Exception as error:
            return teller.unexpected(error)
    return code if isinstance(code, int) else 0


def entry() -> NoReturn:
    """:func:`main` as a process."""
    _process.fill_closed_streams()
    code = main()
    _say.flush()
    # Everything is closed by now. The interpreter's own end is skipped: after `to_pyarrow_table`
    # delta-rs 1.6.6 aborts there in one run of five (measured without this package), and the exit
    # code with it.
    os._exit(code)


@dataclass(frozen=True)
class _Teller:
    """Tells of errors, as words or as JSON.

    Looks at the words themselves: a command line that cannot be parsed has its error told likewise.
    """

    json: bool
    verbose: bool

    @classmethod
    def of(cls, words: list[str]) -> "_Teller":
        options = words[: words.index("--")] if "--" in words else words
        return cls("--json" in options, "--verbose" in options)

    def usage(self, error: typer.TyperException) -> int:
        """A command line that is wrong."""
        if self.json:
            place = getattr(getattr(error, "param", None), "opts", [""])[-1]
            return self.tell(Refused([Problem("usage", error.format_message(), parameter=place)]))
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "profile-export"
        _say.note(f"{error.format_message()} See: {path} --help")
        return Refused.exit_code

    def tell(self, error: ExportError) -> int:
        """An error of ours; gives its exit code."""
        if self.json:
            _say.result_json(_as_json(error))
        for line in _words(error):
            _say.note(line)
        self._trace(error)
        return error.exit_code

    def unexpected(self, error: Exception) -> int:
        """A fault of this program."""
        more = "" if self.verbose else " Run it with --verbose for details."
        told = ExportError(f"{_fault(error)}.{more}")
        if self.json:
            _say.result_json(_as_json(told))
        _say.note(str(told))
        self._trace(error)
        return ExportError.exit_code

    def _trace(self, error: BaseException) -> None:
        if self.verbose:
            import traceback

            _say.note("".join(traceback.format_exception(error)).rstrip())


def _fault(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return f"Unexpected fault ({type(error).__name__}: {' '.join(str(error).split())[:300]})"


def _as_json(error: ExportError) -> dict[str, object]:
    from uuid import uuid4

    if isinstance(error, JobEnded):
        return error.document
    return problem_json(error, request_id=uuid4().hex)


def _words(error: ExportError) -> list[str]:
    """One line per problem, each with its place; what to do is part of every message."""
    if isinstance(error, Refused):
        return [_line(problem) for problem in error.problems]
    if isinstance(error, Different):
        return list(error.findings)
    if error.exit_code == Cancelled.exit_code:
        return ["Interrupted: nothing was written."]
    if isinstance(error, JobEnded) and error.code != "manifest-missing":
        return [f"The job failed, and nothing was written. {error}"]
    return [str(error)]


def _line(problem: Problem) -> str:
    place = problem.pointer if problem.parameter is None else problem.parameter
    places = [part for part in (problem.source, place) if part]
    return f"{': '.join([*places, ' '.join(problem.detail.split())])} [{problem.code}]"


if __name__ == "__main__":
    entry()
