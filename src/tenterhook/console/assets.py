"""The files that pages load: each under an address that holds its own hash, so that a browser keeps it for good."""

from __future__ import annotations

import gzip
from hashlib import sha256
from importlib.resources import files
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PREFIX = "/console/static/"

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_FOR_GOOD = "public, max-age=31536000, immutable"


class _Asset(NamedTuple):
    media_type: str
    digest: str
    plain: bytes
    packed: bytes


def _load() -> dict[str, _Asset]:
    found = {}
    for file in (files("tenterhook.console") / "static").iterdir():
        kind = _TYPES.get(file.name.rpartition(".")[2])
        if kind is not None:
            plain = file.read_bytes()
            digest = sha256(plain).hexdigest()[:16]
            found[file.name] = _Asset(kind, digest, plain, gzip.compress(plain, 9, mtime=0))
    return found


_ASSETS = _load()


def address(name: str) -> str:
    """Return the path that a file is loaded from."""
    return f"{PREFIX}{_ASSETS[name].digest}/{name}"


def answer_asset(request: Request) -> Response:
    """Return the file that is asked for. There are only those that were there at the start: no path is looked up.

    Raises: HTTPException 404 or 405.
    """
    digest, _, name = request.scope["path"].removeprefix(PREFIX).partition("/")
    asset = _ASSETS.get(name)
    if asset is None or digest != asset.digest:
        raise HTTPException(404)
    if request.method not in ("GET", "HEAD"):
        raise HTTPException(405, headers={"Allow": "GET, HEAD"})
    headers = {"cache-control": _FOR_GOOD, "etag": f'"{asset.digest}"', "vary": "accept-encoding"}
    if f'"{asset.digest}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    # Pages are not packed: they hold a token beside what others may have written (BREACH). These hold neither.
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, media_type=asset.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(asset.plain, media_type=asset.media_type, headers=headers)
