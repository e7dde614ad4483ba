"""A sign-up that asks an inline hook before it creates a user. Tenterhook runs inside this application."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from tenterhook import Tenterhook, inline

RULES = os.environ.get("RULES_URL", "http://127.0.0.1:9101/")

#: dev: hooks may call this machine, without TLS.
hooks = Tenterhook.at("sign-up-data", dev=True)
users: dict[str, dict[str, Any]] = {}


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[None]:
    """Start Tenterhook with the application, and have the hook that this one asks."""
    async with hooks:
        channel = {"type": "HTTP", "version": "1.0.0", "config": {"uri": RULES}}
        hook = {"name": "Who may sign up", "type": inline.REGISTRATION, "version": "1.0.0", "channel": channel}
        await hooks.put_inline_hook(hook)
        yield


app = FastAPI(lifespan=running)


@app.post("/sign-up")
async def sign_up(request: Request) -> JSONResponse:
    """Create a user of what the form holds, unless the hook says no; it may add to the profile."""
    try:
        form = await request.json()
    except ValueError:
        form = None
    if not isinstance(form, dict) or not isinstance(form.get("login"), str):
        return JSONResponse({"errorSummary": 'Send a JSON object with at least a "login".'}, 400)
    asked = {"method": "POST", "url": {"value": str(request.url)}, "ipAddress": request.client and request.client.host}
    data = {"context": {"request": asked}, "userProfile": form, "action": "ALLOW"}
    result = await hooks.call_inline(inline.REGISTRATION, data)
    if result.outcome in ("DENIED", "FAILED"):
        return JSONResponse(result.error, 403)
    profile = result.data["userProfile"]
    users[form["login"]] = profile
    return JSONResponse(profile, 201)


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "9100")))
