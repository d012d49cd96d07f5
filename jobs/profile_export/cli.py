"""The command line: the commands, and what a process of it ends with.

    0    done
    1    the job failed, or a fault of ours
    2    the request, the sandbox or the command is wrong
    3    verification or comparison found a difference
    130  interrupted (Ctrl-C, SIGTERM)

Results go to stdout, all else to stderr: ``commands/_tell.py`` has the words.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from profile_export.commands import _process, _say
from profile_export.commands._tell import Teller
from profile_export.errors import ExportError

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


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after the program's name; those of this process unless given.

    Returns:
        The exit code. Nothing is raised.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    teller = Teller.of(words)
    command = typer.main.get_command(app)
    with _process.signals_interrupt(), _process.warnings_of_libraries(shown=teller.verbose):
        try:
            code = command.main(words, prog_name="profile-export", standalone_mode=False)
        except typer.TyperException as error:
            return teller.usage(error)
        except ExportError as error:
            return teller.tell(error)
        except (KeyboardInterrupt, typer.Abort):
            _say.note(_process.INTERRUPTED)
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


if __name__ == "__main__":
    entry()
