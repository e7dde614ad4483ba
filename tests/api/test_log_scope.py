"""Who may not read the log learns nothing of it by way of hooks."""

from __future__ import annotations

from typing import Any

from api_rig import Api, with_api
from test_frame import assert_error

HOOKS = "/api/v1/eventHooks"


async def caller(api: Api, **body: Any) -> dict[str, str]:
    made = await api.call("POST", "/api/v1/api-tokens", json={"name": "made", **body})
    assert made.status_code == 200, made.text
    return {"Authorization": f"SSWS {made.json()['token']}"}


@with_api()
async def test_trying_a_filter_and_previewing_an_event_of_the_log_ask_for_the_log(api: Api) -> None:
    hook = await api.add_hook("http://127.0.0.1:4321/")
    (uuid,) = await api.publish()
    trial, preview = f"{HOOKS}/{hook.id}/filter/test", f"{HOOKS}/{hook.id}/preview"
    alone = await caller(api, scopes=["okta.eventHooks.manage"])
    for path, body in ((trial, {}), (preview, {"uuid": uuid})):
        told = assert_error(await api.client.post(path, json=body, headers=alone), 403, "E0000006")
        assert "okta.logs.read" in str(told)
    for body in ({"eventType": "user.session.start"}, {"event": {"eventType": "user.session.start"}}):
        assert (await api.client.post(preview, json=body, headers=alone)).status_code == 200
    both = {"scopes": ["okta.eventHooks.manage", "okta.logs.read"]}
    for good in (await caller(api, **both), await caller(api, role="HOOKS_ADMIN")):
        assert (await api.client.post(trial, json={}, headers=good)).json()["tested"] == 1
        assert (await api.client.post(preview, json={"uuid": uuid}, headers=good)).status_code == 200
