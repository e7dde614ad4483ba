"""The options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="TENTERHOOK_URL",
        show_default=False,
        help="The server. On the same machine it is found by itself.",
    ),
]
Token = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="TENTERHOOK_TOKEN",
        show_default=False,
        help="An API token. On the same machine the data directory's admin-token is used.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="TENTERHOOK_DATA_DIR",
        show_default=False,
        help="The server's data directory, where its address and admin token are found. [default: ./tenterhook-data]",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on standard output.")]
