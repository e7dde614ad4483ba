"""Calls of /api/v1/inlineHooks and /api/v1/hook-keys, and what tests ask of their answers."""

from __future__ import annotations

import itertools
from typing import Any

import httpx2
from api_rig import Api
from inline_samples import HTTP_BODY, body

HOOKS, KEYS = "/api/v1/inlineHooks", "/api/v1/hook-keys"
_names = itertools.count()


async def create(api: Api, of: dict[str, Any] = HTTP_BODY, **changes: Any) -> dict[str, Any]:
    """Create an inline hook with a name of its own, unless *changes* has one."""
    made = await api.call("POST", HOOKS, json=body(of, **{"name": f"hook {next(_names)}", **changes}))
    assert made.status_code == 200, made.text
    found: dict[str, Any] = made.json()
    return found


async def create_key(api: Api, name: str | None = None) -> dict[str, Any]:
    """Create a hook key."""
    made = await api.call("POST", KEYS, json={"name": name or f"key {next(_names)}"})
    assert made.status_code == 200, made.text
    found: dict[str, Any] = made.json()
    return found


async def org_of(api: Api) -> str:
    """Return the id of the first org."""
    org_id: str = (await api.call("GET", "/api/v1/orgs")).json()[0]["id"]
    return org_id


async def act(api: Api, hook: dict[str, Any], verb: str) -> httpx2.Response:
    """Call a lifecycle verb of a hook."""
    return await api.call("POST", f"{HOOKS}/{hook['id']}/lifecycle/{verb}")


async def logged(api: Api, event_type: str) -> list[dict[str, Any]]:
    """Return the log's events of one type, oldest first."""
    query = {"filter": f'eventType eq "{event_type}"', "sortOrder": "ASCENDING"}
    answer = await api.call("GET", "/api/v1/logs", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def causes(response: httpx2.Response, entity: str = "inlineHook") -> list[str]:
    """Return the causes of an Okta validation error."""
    assert response.status_code == 400, response.text
    told = response.json()
    assert (told["errorCode"], told["errorSummary"]) == ("E0000001", f"Api validation failed: {entity}")
    return [cause["errorSummary"] for cause in told["errorCauses"]]


async def token_of_another_org(api: Api) -> str:
    """Found another org and return a token of its super admin."""
    org = (await api.call("POST", "/api/v1/orgs", json={"name": f"org {next(_names)}"})).json()
    made = await api.call("POST", f"/api/v1/orgs/{org['id']}/api-tokens", json={"name": "t", "role": "SUPER_ADMIN"})
    assert made.status_code == 200, made.text
    return str(made.json()["token"])
