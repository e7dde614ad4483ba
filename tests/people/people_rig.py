"""People at the API: admins, their tokens, orgs, and what happened in the log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api_rig import Api

ADMINS, TOKENS, ORGS, SIGN_IN = "/api/v1/admins", "/api/v1/api-tokens", "/api/v1/orgs", "/api/v1/sign-in"
EVENTS, HOOKS, LOGS = "/api/v1/events", "/api/v1/eventHooks", "/api/v1/logs"
PASSWORD = "correct horse battery"


@dataclass
class Caller:
    """Somebody with a token."""

    api: Api
    token: str

    async def call(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"SSWS {self.token}", **options.pop("headers", {})}
        return await self.api.client.request(method, path, headers=headers, **options)

    async def status(self, method: str = "GET", path: str = TOKENS, **options: Any) -> int:
        return (await self.call(method, path, **options)).status_code


def first(api: Api) -> Caller:
    """The operator's first super admin."""
    return Caller(api, api.token)


async def made(caller: Caller, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Post *body*, which must be accepted, and return the answer."""
    answer = await caller.call("POST", path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def add_admin(caller: Caller, login: str, role: str = "SUPER_ADMIN", **more: Any) -> dict[str, Any]:
    return await made(caller, ADMINS, {"login": login, "name": login.title(), "role": role, **more})


async def token_of(caller: Caller, **body: Any) -> Caller:
    """A new token of the caller's."""
    asked = {"name": "made", **({} if "scopes" in body else {"role": "SUPER_ADMIN"}), **body}
    return Caller(caller.api, (await made(caller, TOKENS, asked))["token"])


async def signed_in(caller: Caller, admin: dict[str, Any]) -> Caller:
    """The admin, signed in by a link that *caller* made."""
    link = await made(caller, f"{ADMINS}/{admin['id']}/sign-in-link", {})
    answer = await caller.api.client.post(SIGN_IN, json={"link": link["link"]})
    assert answer.status_code == 200, answer.text
    return Caller(caller.api, answer.json()["token"])


async def other_org(caller: Caller, name: str = "Other") -> tuple[dict[str, Any], Caller]:
    """A new org, and its first super admin."""
    org = await made(caller, ORGS, {"name": name})
    token = await made(caller, f"{ORGS}/{org['id']}/api-tokens", {"name": "first", "role": "SUPER_ADMIN"})
    return org, Caller(caller.api, token["token"])


async def logged(caller: Caller, prefix: str) -> list[dict[str, Any]]:
    """The log events whose type begins with *prefix*, oldest first."""
    answer = await caller.call("GET", f"{LOGS}?limit=1000")
    assert answer.status_code == 200, answer.text
    return [event for event in answer.json() if event["eventType"].startswith(prefix)]


def causes(answer: Any) -> list[str]:
    return [cause["errorSummary"] for cause in answer.json()["errorCauses"]]


def fields(answer: Any) -> set[str]:
    """The fields that an answer complains of."""
    return {cause.partition(":")[0] for cause in causes(answer)}


def files_with(folder: Path, text: str) -> list[Path]:
    """The files of a data directory that hold *text*; the one that is there to hold a token is not looked at."""
    return [path for path in folder.iterdir() if path.name != "admin-token" and text.encode() in path.read_bytes()]
