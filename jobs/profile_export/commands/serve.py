"""``serve``: the REST API and the page, and one worker."""

import signal
from typing import Annotated

import typer

from profile_export.commands import _options, _store

Sandboxes = Annotated[
    list[str] | None,
    typer.Option(
        "--sandbox",
        metavar="FILE",
        help="A sandbox file to load; may be given again. demo is the demo sandbox below ./demo,"
        " built if it is not there.",
    ),
]
Host = Annotated[str, typer.Option("--host", metavar="HOST", help="Where it listens.")]
Port = Annotated[
    int, typer.Option("--port", metavar="N", min=0, max=65535, help="0 is any free port.")
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Where datasets lie that the API makes in a sandbox without a file.",
    ),
]
NoWorker = Annotated[
    bool, typer.Option("--no-worker", help="Start no worker: others do the jobs of this store.")
]
JwksUrl = Annotated[
    str | None,
    typer.Option(
        "--jwks-url",
        metavar="URL",
        help="Key set of an identity provider: its JWTs are accepted beside our own tokens.",
    ),
]
JwtIssuer = Annotated[
    str | None, typer.Option("--jwt-issuer", metavar="ISS", help="What iss those must have.")
]
JwtAudience = Annotated[
    str | None, typer.Option("--jwt-audience", metavar="AUD", help="What aud those must have.")
]
PublicUrl = Annotated[
    str | None,
    typer.Option(
        "--public-url",
        metavar="URL",
        help="How clients name this service, where a proxy is between: for links in answers.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add ``serve``."""
    app.command(
        "serve",
        epilog=_options.examples(
            "serve --sandbox demo",
            "serve --sandbox sandbox.yml --store postgresql://export@db/export --host 0.0.0.0",
        ),
    )(serve)


def serve(
    sandbox: Sandboxes = None,
    store: _store.StoreUrl = _store.DEFAULT,
    engine: _options.EngineName = None,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    data: Data = None,
    no_worker: NoWorker = False,
    jwks_url: JwksUrl = None,
    jwt_issuer: JwtIssuer = None,
    jwt_audience: JwtAudience = None,
    public_url: PublicUrl = None,
    verbose: _options.Verbose = False,
) -> None:
    """Serve the REST API and the web page, and do the jobs with one worker.

    A store that has no token yet gets one for each organisation of the loaded sandboxes, which is
    printed, once. Ctrl-C or SIGTERM ends it all in good order. Logs go to stderr, a JSON object a
    line.
    """
    name = _options.engine_name(engine)
    from profile_export.service.config import ServiceConfig

    config = ServiceConfig(
        engine=name,
        data_root=data,
        jwks_url=jwks_url,
        jwt_issuer=jwt_issuer,
        jwt_audience=jwt_audience,
        public_url=public_url,
    )
    from profile_export.commands import _serving

    words = _serving.Words(tuple(sandbox or ()), store, host, port, not no_worker, verbose)
    heard = _serving.run(words, config)
    raise typer.Exit(130 if heard == signal.SIGINT else 0)
