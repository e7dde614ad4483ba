"""A token endpoint that mints JWTs with claims out of an inline hook, which it asks through a Tenterhook server."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx2
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import RSAKey

from tenterhook import inline

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:9200")
CLAIMS = os.environ.get("CLAIMS_URL", "http://127.0.0.1:9201/")
#: The server's address and its first admin's token: of the one that was started in this directory.
SERVER = os.environ.get("TENTERHOOK_URL", "http://127.0.0.1:8080")
TOKEN = os.environ.get("TENTERHOOK_TOKEN") or Path("tenterhook-data/admin-token").read_text().strip()
KEY = RSAKey.generate_key(2048)

server = httpx2.AsyncClient(base_url=f"{SERVER}/api/v1", headers={"Authorization": f"SSWS {TOKEN}"}, timeout=40)


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """Register the hook, unless an earlier start has."""
    async with server:
        channel = {"type": "HTTP", "version": "1.0.0", "config": {"uri": CLAIMS}}
        hook = {"name": "Claims of the minter", "type": inline.TOKEN, "version": "1.0.0", "channel": channel}
        known = (await server.get("/inlineHooks", params={"type": inline.TOKEN})).raise_for_status().json()
        if hook["name"] not in [one["name"] for one in known]:
            (await server.post("/inlineHooks", json=hook)).raise_for_status()
        yield


app = FastAPI(lifespan=running)


@app.post("/token")
async def token(request: Request) -> JSONResponse:
    """Mint an access token for a client, with what the hook adds."""
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    client = form.get("client_id", "")
    result = await _asked(client, str(request.url))
    if result["outcome"] == "DENIED":
        return JSONResponse({"error": "server_error", "error_description": result["error"]["errorSummary"]}, 400)
    access = result["data"]["access"]  # of SUCCESS and UNCHANGED alike
    now, lifetime = int(time.time()), access["token"]["lifetime"]["expiration"]
    claims = {**access["claims"], "iat": now, "exp": now + lifetime}
    minted = jwt.encode({"alg": "RS256", "kid": KEY.thumbprint()}, claims, KEY)
    return JSONResponse({"access_token": minted, "token_type": "Bearer", "expires_in": lifetime})


@app.get("/keys")
async def keys() -> dict[str, Any]:
    """Publish the key that proves these tokens."""
    return {"keys": [{**KEY.as_dict(private=False), "kid": KEY.thumbprint(), "use": "sig", "alg": "RS256"}]}


async def _asked(client: str, url: str) -> Any:
    """Ask the hook what becomes of the token that is about to be minted."""
    protocol = {
        "type": "OAUTH2.0",
        "request": {"client_id": client, "grant_type": "client_credentials"},
        "issuer": {"uri": ISSUER},
        "client": {"id": client, "name": client, "type": "PUBLIC"},
    }
    data = {
        "context": {"request": {"method": "POST", "url": {"value": url}}, "protocol": protocol},
        "access": {
            "claims": {"iss": ISSUER, "sub": client, "aud": "api://shop"},
            "token": {"lifetime": {"expiration": 3600}},
        },
    }
    answer = await server.post("/inlineCalls", json={"type": inline.TOKEN, "data": data})
    return answer.raise_for_status().json()


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "9200")))
