"""``verify``: are the files of an export what its job wrote?"""

from typing import Annotated

import typer

from profile_export.commands import _options, _say
from profile_export.errors import Different

Manifest = Annotated[
    str, typer.Argument(metavar="MANIFEST", help="The manifest of a job, or its folder.")
]
Deep = Annotated[
    bool, typer.Option("--deep", help="Also compute the row-set hashes from the rows.")
]


def register(app: typer.Typer) -> None:
    """Add ``verify``."""
    app.command(
        "verify",
        epilog=_options.examples(
            "verify exports/profile/_profile_export/24115/manifest.json",
            "verify exports/profile/_profile_export/24115 --deep",
        ),
    )(verify)


def verify(manifest: Manifest, deep: Deep = False, json: _options.Json = False) -> None:
    """Hold an export against its manifest, offline: files, digests, rows, strays, the commit.

    Nothing is written. Exit codes: 0 all is as it was written; 3 something differs, one line for
    each finding; 2 there is no manifest.
    """
    from profile_export import verify as verification

    found = verification.verify(manifest, deep=deep)
    told = found.as_json()
    if json:
        _say.result_json(told)
    else:
        for finding in found.findings:
            _say.result(str(finding))
        if not found.findings:
            hashed = " Row-set hashes computed from the rows." if deep else ""
            _say.result(
                f"Verified: job {told['jobId']}, {told['batches']} batches, {told['files']} files,"
                f" {told['rows']:,} rows, {told['bytes']:,} bytes.{hashed}"
            )
    if found.findings:
        number = len(found.findings)
        _say.note(f"{number} finding{'s' if number > 1 else ''}.")
        raise typer.Exit(Different.exit_code)
