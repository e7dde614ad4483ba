"""The endpoint of a registration inline hook: who may sign up, and what their profile gets beside."""

from __future__ import annotations

import os

import uvicorn
from fastapi import FastAPI, Request, Response

from tenterhook import inline

DEPARTMENTS = {"example.com": "Home", "example.org": "Friends"}

app = FastAPI()


@app.post("/")
async def answer(request: Request) -> Response:
    """Let people of known domains in, each with a department."""
    call = inline.read_call(await request.body())
    login = str(call.data["userProfile"].get("login", ""))
    department = DEPARTMENTS.get(login.rpartition("@")[2])
    if department is None:
        why = inline.cause(
            "Use the address of your company.", location="data.userProfile.login", reason="UNKNOWN_DOMAIN"
        )
        reply = inline.reply(error=inline.error("This address cannot sign up here.", [why]))
    else:
        reply = inline.reply(inline.update_profile({"department": department}), inline.allow())
    return Response(reply.to_json(), media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "9101")))
