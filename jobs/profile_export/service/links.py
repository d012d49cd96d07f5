"""Where clients find what an answer speaks of, also behind a proxy that has a path of its own."""

from urllib.parse import urlsplit

from fastapi import Request


def path_to(request: Request, path: str) -> str:
    """A path of this service as clients spell it: below that of ``public_url``, if it has one."""
    public = request.app.state.config.public_url or ""
    return f"{urlsplit(public).path.rstrip('/')}{path}"


def href_to(request: Request, path: str) -> str:
    """Likewise with scheme and host: of ``public_url``, else those that were called."""
    base = request.app.state.config.public_url or str(request.base_url)
    return f"{base.rstrip('/')}{path}"
