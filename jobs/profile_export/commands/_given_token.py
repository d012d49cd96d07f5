"""The token that a command sends to a service: of a file that only its user may read, or of the
environment."""

import os
import stat

from profile_export.errors import Problem, Refused

TOKEN = "PROFILE_EXPORT_TOKEN"


def token_from(file: str | None) -> str:
    """The token, of a file or of the environment.

    Raises:
        Refused: there is none, or others may read the file.
    """
    if file is None:
        found = os.environ.get(TOKEN, "").strip()
        if not found:
            detail = f"Set {TOKEN}, or name a file with --token-file that only you may read."
            raise Refused([Problem("no-token", detail, parameter="--token-file")])
        return _checked(found, TOKEN)
    try:
        with open(file, encoding="utf-8") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            if mode & 0o177:
                detail = (
                    f"The token file {file} has mode {mode:03o}, and a token is for its user alone:"
                    f" the mode must be 600 or 400. Run: chmod 600 {file}"
                )
                raise Refused([Problem("token-file-mode", detail, parameter="--token-file")])
            return _checked(stream.read(8192).strip(), "--token-file")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        detail = f"The token file {file!r} cannot be read: {why}."
        raise Refused([Problem("file-unreadable", detail, parameter="--token-file")]) from error


def _checked(token: str, given_by: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Refused([Problem("no-token", "What is there is no token.", parameter=given_by)])
    return token
