"""`tenterhook openapi`: the API's description, without a server."""

from __future__ import annotations

from typing import Annotated

import typer

from tenterhook.cli import options
from tenterhook.cli.output import print_json

commands = typer.Typer()


@commands.command()
def openapi(
    url: Annotated[str, typer.Option(help="Where the API is to be called.")] = "http://localhost:8080",
    as_json: options.Json = False,  # it is JSON anyway; taken because every command takes it
) -> None:
    """Print the OpenAPI 3.1 document of this version. A server answers the same at /openapi.json."""
    from tenterhook.api.app import resource_routes
    from tenterhook.api.openapi.document import document

    print_json(document(resource_routes(), url.rstrip("/")))
