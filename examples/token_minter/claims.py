"""The endpoint of a token inline hook: what the access tokens of a client say beside."""

from __future__ import annotations

import os

import uvicorn
from fastapi import FastAPI, Request, Response

from tenterhook import inline

PLANS = {"billing": "gold"}

app = FastAPI()


@app.post("/")
async def answer(request: Request) -> Response:
    """Put the client's plan into its access tokens, which live ten minutes; a client that nobody knows gets none."""
    call = inline.read_call(await request.body())
    client = call.context["protocol"]["client"]["id"]
    if client not in PLANS:
        reply = inline.reply(error=inline.error(f"{client} has no plan."))
    else:
        reply = inline.reply(inline.add_claim("plan", PLANS[client]), inline.set_lifetime(600))
    return Response(reply.to_json(), media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "9201")))
