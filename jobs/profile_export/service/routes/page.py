"""The web page at ``/``: a client of the API, with a token that a person types in."""

from functools import cache
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, select_autoescape

from profile_export.errors import NotFound

router = APIRouter(include_in_schema=False)
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SAFE = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@router.get("/")
def page() -> Response:
    """The page; it holds nothing of any sandbox."""
    return HTMLResponse(_page(), headers={**_SAFE, "Cache-Control": "no-cache"})


@router.get("/static/{stamp}/{name}")
def static(stamp: str, name: str) -> Response:
    """A script or a style sheet of the page.

    Args:
        stamp: Changes when any of them does: a browser keeps them for good. That of another version
            finds nothing, as what is here would be kept under its name.
        name: Of the file.

    Raises:
        NotFound: it has none of that name, or they are of another version.
    """
    found = _static().get(name)
    if found is None or stamp != _stamp():
        raise NotFound("There is nothing at this address.")
    suffix = name[name.rindex(".") :]
    kept = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(found, media_type=_TYPES[suffix], headers={**_SAFE, **kept})


@cache
def _static() -> dict[str, bytes]:
    folder = files("profile_export.service") / "page" / "static"
    return {
        file.name: file.read_bytes()
        for file in folder.iterdir()
        if any(file.name.endswith(suffix) for suffix in _TYPES)
    }


@cache
def _stamp() -> str:
    return sha256(b"".join(_static()[name] for name in sorted(_static()))).hexdigest()[:12]


@cache
def _page() -> str:
    """The page with its assets under names that change when they do, so that they can be cached."""
    environment = Environment(
        loader=PackageLoader("profile_export.service", "page/templates"),
        autoescape=select_autoescape(),
    )
    template = environment.get_template("index.html")
    return template.render(version=version("profile-export"), stamp=_stamp())
