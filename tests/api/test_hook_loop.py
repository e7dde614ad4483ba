"""A receiver that publishes again what it got: the loop ends; and who published an event is the server's to say."""

from __future__ import annotations

import json
from typing import Any

from api_rig import EVENT, Api, receiving, until, with_api

from tenterhook.domain.provenance import MAX_HOPS


async def logged(api: Api, uuid: str) -> dict[str, Any]:
    (event,) = (await api.call("GET", f'/api/v1/logs?filter=uuid eq "{uuid}"')).json()
    found: dict[str, Any] = event
    return found


@with_api()
async def test_an_event_that_a_hook_brings_back_again_and_again_goes_to_no_hook_in_the_end(api: Api) -> None:
    async with receiving(204) as receiver:
        hook = await api.add_hook(receiver.url)
        (uuid,) = await api.publish({**EVENT, "displayMessage": "round and round"})
        for hop in range(1, MAX_HOPS + 1):
            await until(lambda hop=hop: len(receiver.requests) == hop)
            (element,) = json.loads(receiver.requests[-1].partition(b"\r\n\r\n")[2])["data"]["events"]
            assert element["debugContext"]["debugData"]["targetEventHookIds"] == hook.id
            del element["uuid"]
            (uuid,) = await api.publish(element)
        event = await logged(api, uuid)
        data = event["debugContext"]["debugData"]
        assert event["displayMessage"] == "round and round"
        assert (data["hops"], data["sourceTargetEventHookIds"]) == (str(MAX_HOPS), hook.id)
        assert "goes to no hook" in data["hookLoop"]
        assert "targetEventHookIds" not in data
        (told,) = (await api.call("GET", f"/api/v1/logs/{uuid}/deliveries")).json()
        assert not told["matched"]
        assert "by way of event hooks 4 times" in told["reason"]
        await api.publish(EVENT)
        await until(lambda: len(receiver.requests) == MAX_HOPS + 1)
        assert uuid.encode() not in receiver.requests[-1], "what came after it is the next one"


@with_api()
async def test_an_event_sent_again_as_it_was_is_a_duplicate_at_once(api: Api) -> None:
    async with receiving(204) as receiver:
        await api.add_hook(receiver.url)
        (uuid,) = await api.publish(EVENT)
        await until(lambda: receiver.requests)
        (element,) = json.loads(receiver.requests[-1].partition(b"\r\n\r\n")[2])["data"]["events"]
        element["client"].pop("ipChain")  # a hook's body has it elsewhere than the log
        answer = await api.call("POST", "/api/v1/events", json=element)
        assert answer.json()["events"][0]["uuid"] == uuid
        assert answer.json()["events"][0]["duplicate"]


@with_api()
async def test_an_event_names_the_token_that_published_it_whatever_it_says(api: Api) -> None:
    made = (await api.call("POST", "/api/v1/api-tokens", json={"name": "a", "role": "PUBLISHER"})).json()
    forged = {
        **EVENT,
        "actor": {"id": "00u1", "type": "User", "alternateId": "root"},
        "client": {"ipAddress": "203.0.113.1"},
        "debugContext": {"debugData": {"publishedBy": "00Tsomebody", "hookLoop": "x"}},
    }
    headers = {"Authorization": f"SSWS {made['token']}"}
    answer = await api.client.post("/api/v1/events", json=forged, headers=headers)
    event = await logged(api, answer.json()["events"][0]["uuid"])
    assert event["debugContext"]["debugData"]["publishedBy"] == made["id"]
    assert event["actor"]["id"] == "00u1", "what the token asserts is kept, and marked as its own"
    assert event["client"]["ipAddress"] == "203.0.113.1"


@with_api()
async def test_what_the_embedding_application_publishes_is_not_marked(api: Api) -> None:
    result = await api.hooks.publish(EVENT)
    event = await logged(api, str(result.events[0]["uuid"]))
    assert "publishedBy" not in event["debugContext"]["debugData"]
