"""The catalogue over HTTP, and an org's own types from their making to their end."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from api_rig import Api, receiving, until, with_api
from test_frame import assert_error

from tenterhook.domain.event_hook import Events
from tenterhook.domain.principal import Principal, Role, permissions_of
from tenterhook.engine import define_event_type
from tenterhook.engine.define_event_type import MAX_CUSTOM
from tenterhook.engine.found_org import found_org
from tenterhook.engine.issue_token import TokenDraft, create_token
from tenterhook.engine.register import create_event_hook
from tenterhook.errors import InvalidError
from tenterhook.store import event_types, orgs
from tenterhook.store.event_types import CustomType
from tenterhook.store.transaction import Tx

TYPES = "/api/v1/eventTypes"
OWN = {"name": "acme.order.paid", "displayName": "Order paid", "description": "Money came in."}
KEYS = ["name", "displayName", "description", "eligible", "group", "custom", "release", "created"]


async def define(api: Api, **changes: Any) -> dict[str, Any]:
    made = await api.call("POST", TYPES, json={**OWN, **changes})
    assert made.status_code == 200, made.text
    found: dict[str, Any] = made.json()
    return found


async def listed(api: Api, query: str = "") -> list[dict[str, Any]]:
    found = await api.call("GET", f"{TYPES}?limit=1000&{query}")
    assert found.status_code == 200, found.text
    types: list[dict[str, Any]] = found.json()
    return types


async def causes(api: Api, method: str, path: str, **options: Any) -> list[str]:
    told = assert_error(await api.call(method, path, **options), 400, "E0000001")
    assert told["errorSummary"] == "Api validation failed: eventType"
    return [cause["errorSummary"] for cause in told["errorCauses"]]


async def log(api: Api, event_type: str) -> list[dict[str, Any]]:
    found = await api.call("GET", "/api/v1/logs", params={"filter": f'eventType eq "{event_type}"'})
    events: list[dict[str, Any]] = found.json()
    return events


async def another_org(api: Api) -> dict[str, str]:
    def found(tx: Tx) -> str:
        _, admin = found_org(tx, "other", 1)
        return create_token(tx, admin, TokenDraft("other", Role.SUPER_ADMIN, None), 1)[0]

    return {"Authorization": f"SSWS {await api.pipeline.database.write(found)}"}


@with_api()
async def test_the_catalogue_is_paged_in_the_order_of_names(api: Api) -> None:
    seen: list[str] = []
    path: str | None = f"{TYPES}?limit=500"
    while path:
        page = await api.call("GET", path)
        assert all(list(one) == KEYS for one in page.json())
        seen += [one["name"] for one in page.json()]
        following = page.links.get("next")
        path = following["url"] if following else None
    assert len(seen) == 1178
    assert seen == sorted(seen)


@with_api()
async def test_the_list_is_narrowed_by_words_eligibility_and_origin(api: Api) -> None:
    await define(api)
    by_display = {one["name"] for one in await listed(api, "q=SIGNS%20IN")}
    assert "user.session.start" in by_display
    assert all(
        "session" in one["name"] for one in await listed(api, "q=Session&eligible=true") if not one["displayName"]
    )
    assert len(await listed(api, "eligible=true")) == 265
    assert [one["name"] for one in await listed(api, "custom=true")] == ["acme.order.paid"]
    assert await listed(api, "custom=true&eligible=false") == []
    assert await listed(api, "q=nothing%20is%20like%20this") == []
    assert await causes(api, "GET", f"{TYPES}?eligible=yes&custom=") == [
        "eligible: must be true or false",
        "custom: must be true or false",
    ]
    assert await causes(api, "GET", f"{TYPES}?q={'x' * 256}") == ["q: must be at most 255 characters long"]


@with_api()
async def test_one_type_is_shown_with_a_sample(api: Api) -> None:
    shown = (await api.call("GET", f"{TYPES}/user.lifecycle.create")).json()
    assert list(shown) == [*KEYS, "sample"]
    assert (shown["displayName"], shown["eligible"], shown["group"]) == ("Create user", True, "Users")
    assert (shown["custom"], shown["created"], shown["description"]) == (False, None, None)
    published = await api.call("POST", "/api/v1/events", json=shown["sample"])
    assert published.json()["accepted"] == 1
    missing = assert_error(await api.call("GET", f"{TYPES}/no.such"), 404, "E0000007")
    assert missing["errorSummary"] == "Not found: Resource not found: no.such (EventType)"


@with_api()
async def test_a_type_of_ones_own_is_made_logged_and_shown(api: Api) -> None:
    made = await define(api, sample={"displayMessage": "Paid", "data": {"amount": 1}, "uuid": "x", "published": "y"})
    assert list(made) == [*KEYS, "sample"]
    assert (made["displayName"], made["description"]) == ("Order paid", "Money came in.")
    assert (made["eligible"], made["custom"], made["group"], made["release"]) == (True, True, "Custom", None)
    assert made["sample"]["eventType"] == "acme.order.paid"
    assert made["sample"]["data"] == {"amount": 1}
    assert next(iter(made["sample"])) == "actor"
    assert len(made["sample"]["uuid"]) == 36
    [act] = await log(api, "tenterhook.event_type.created")
    assert act["target"][0]["id"] == "acme.order.paid"
    bare = await define(api, name="acme.bare", displayName=None)
    assert bare["sample"]["eventType"] == "acme.bare"
    assert bare["displayName"] is bare["sample"]["displayMessage"] is None
    assert (await api.call("POST", "/api/v1/events", json=bare["sample"])).status_code == 200


@with_api()
async def test_bad_types_are_refused_with_every_cause(api: Api) -> None:
    await define(api)
    assert await causes(api, "POST", TYPES, json=OWN) == ["name: An event type with this name already exists."]
    assert await causes(api, "POST", TYPES, json=[]) == ["body: must be a JSON object, not an array"]
    assert await causes(api, "POST", TYPES, json={}) == ["name: The field cannot be left blank"]
    told = await causes(
        api, "POST", TYPES, json={"name": "Acme", "displayName": 5, "colour": "red", "sample": {"severity": "LOUD"}}
    )
    assert [text.partition(":")[0] for text in told] == ["colour", "name", "displayName", "sample.severity"]
    for name in ("user.lifecycle.create", "event_hook.mine", "system.mine"):
        assert (await causes(api, "POST", TYPES, json={"name": name}))[0].startswith("name: ")
    for sample in ("x", [], {"eventType": "acme.other"}, {"data": {"x": "y" * 70_000}}, {"actor": 5}):
        told = await causes(api, "POST", TYPES, json={"name": "acme.new", "sample": sample})
        assert told[0].startswith("sample")
    assert [one["name"] for one in await listed(api, "custom=true")] == ["acme.order.paid"]


@with_api()
async def test_a_type_can_be_deleted_once_no_hook_asks_for_it(api: Api) -> None:
    await define(api)
    hook = await api.add_hook("https://svc.example.com/in", name="Orders", events=Events(items=("acme.order.paid",)))
    path = f"{TYPES}/acme.order.paid"
    assert await causes(api, "DELETE", path) == ["name: Event hooks subscribe to it: 'Orders'. Change them first."]
    await api.change_hook(hook, events=Events(items=("user.lifecycle.create",)))
    assert (await api.call("DELETE", path)).status_code == 204
    assert (await api.call("DELETE", path)).status_code == 404
    assert len(await log(api, "tenterhook.event_type.deleted")) == 1
    assert await listed(api, "custom=true") == []
    assert await causes(api, "DELETE", f"{TYPES}/user.lifecycle.create") == [
        "name: 'user.lifecycle.create' belongs to the catalogue and cannot be deleted"
    ]


@with_api()
async def test_hooks_can_ask_for_the_orgs_own_types_and_get_their_data(api: Api) -> None:
    body = {
        "name": "Orders",
        "events": {"type": "EVENT_TYPE", "items": ["acme.order.paid"]},
        "channel": {"type": "HTTP", "version": "1.0.0", "config": {"uri": "https://svc.example.com/in"}},
    }
    refused = await api.call("POST", "/api/v1/eventHooks", json=body)
    assert refused.json()["errorCauses"][0]["errorSummary"].startswith("events.items[0]: 'acme.order.paid' is no known")
    await define(api)
    assert (await api.call("POST", "/api/v1/eventHooks", json=body)).status_code == 200
    async with receiving(204) as receiver:
        hook = await api.add_hook(receiver.url, events=Events(items=("acme.order.paid",)))
        await api.publish({"eventType": "acme.order.paid", "data": {"amount": 12.5, "note": None}})
        await until(lambda: receiver.requests)
    [event] = json.loads(receiver.requests[0].partition(b"\r\n\r\n")[2])["data"]["events"]
    assert event["data"] == {"amount": 12.5, "note": None}
    assert hook.id in event["debugContext"]["debugData"]["targetEventHookIds"]


@with_api()
async def test_another_org_sees_nothing_of_it(api: Api) -> None:
    await define(api)
    headers = await another_org(api)
    path = f"{TYPES}/acme.order.paid"
    assert (await api.client.get(path, headers=headers)).status_code == 404
    assert (await api.client.delete(path, headers=headers)).status_code == 404
    assert (await api.client.get(f"{TYPES}?custom=true", headers=headers)).json() == []
    assert (await api.client.post(TYPES, json=OWN, headers=headers)).status_code == 200


@with_api()
async def test_an_org_has_at_most_so_many_types_of_its_own(api: Api) -> None:
    def fill(tx: Tx) -> None:
        org = orgs.first(tx)
        assert org is not None
        for number in range(MAX_CUSTOM):
            event_types.insert(tx, CustomType(org.id, f"acme.n{number}", None, None, "00u", 0))

    await api.pipeline.database.write(fill)
    [cause] = await causes(api, "POST", TYPES, json=OWN)
    assert cause == "name: This org has 1,000 event types of its own; delete one first"


@with_api()
async def test_a_type_that_is_deleted_while_a_hook_is_made_is_refused_and_never_left_hanging(api: Api) -> None:
    org = await api.pipeline.database.read(orgs.first)
    assert org is not None
    principal = Principal(
        org_id=org.id,
        admin_id="00u1",
        login="a",
        name="A",
        token_id="00T1",
        permissions=permissions_of(Role.SUPER_ADMIN, operator=True),
    )
    outcomes = set()
    for number in range(20):
        name = f"acme.race{number}"
        await define(api, name=name)
        body = {
            "name": name,
            "events": {"type": "EVENT_TYPE", "items": [name]},
            "channel": {"type": "HTTP", "version": "1.0.0", "config": {"uri": "https://svc.example.com/in"}},
        }
        made, gone = await asyncio.gather(
            create_event_hook(api.pipeline, principal, body),
            define_event_type.delete_event_type(api.pipeline, principal, name),
            return_exceptions=True,
        )
        assert isinstance(made, InvalidError) != isinstance(gone, InvalidError), (made, gone)
        outcomes.add(isinstance(made, InvalidError))
    assert outcomes


@with_api()
async def test_an_event_without_a_display_message_gets_its_types_and_repeats_are_no_conflict(api: Api) -> None:
    uuid = "0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10"
    bare = {"eventType": "user.session.start", "uuid": uuid}
    await api.publish(bare)
    [event] = await log(api, "user.session.start")
    assert event["displayMessage"] == "User signs in"
    for again in (bare, event):
        told = (await api.call("POST", "/api/v1/events", json=again)).json()["events"]
        assert told == [{"uuid": uuid, "duplicate": True}]
    other = {**bare, "displayMessage": "Something else"}
    assert (await api.call("POST", "/api/v1/events", json=other)).json()["events"][0]["conflict"] is True
    await api.publish({"eventType": "user.session.end", "displayMessage": "mine"})
    assert (await log(api, "user.session.end"))[0]["displayMessage"] == "mine"
    await api.publish({"eventType": "acme.unknown.thing"})
    assert (await log(api, "acme.unknown.thing"))[0]["displayMessage"] is None


@pytest.mark.parametrize(("role", "reads", "writes"), [("PUBLISHER", 403, 403), ("SUPER_ADMIN", 200, 200)])
def test_readers_of_the_log_read_types_and_only_hooks_admins_make_them(
    tmp_path: Any, role: str, reads: int, writes: int
) -> None:
    @with_api()
    async def story(api: Api) -> None:
        token = (await api.call("POST", "/api/v1/api-tokens", json={"name": "t", "role": role})).json()["token"]
        headers = {"Authorization": f"SSWS {token}"}
        assert (await api.client.get(TYPES, headers=headers)).status_code == reads
        assert (await api.client.post(TYPES, json=OWN, headers=headers)).status_code == writes

    story(tmp_path)
