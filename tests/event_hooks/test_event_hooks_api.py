from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from hook_rig import HOOKS, Rig, causes, echo, endpoint, with_rig
from hook_samples import body

from tenterhook.domain.principal import Role
from tenterhook.engine.authenticate import authenticate
from tenterhook.engine.verify import verify_event_hook
from tenterhook.platform import Tenterhook

URI = "channel__config__uri"
NAME_TAKEN = "name: An event hook with this name already exists."


@with_rig(public_url="https://hooks.example.com")
async def test_a_created_hook_is_answered_with_200_in_oktas_shape(rig: Rig) -> None:
    made = await rig.call("POST", HOOKS, body(description=None))
    assert made.status_code == 200
    assert made.headers["content-type"] == "application/json"
    assert "x-tenterhook-hint" not in made.headers
    shown = made.json()
    assert re.fullmatch("who[A-Za-z0-9]{17}", shown["id"])
    assert re.fullmatch("00u[A-Za-z0-9]{17}", shown["createdBy"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", shown["created"])
    assert (shown["status"], shown["verificationStatus"]) == ("ACTIVE", "UNVERIFIED")
    assert shown["lastUpdated"] == shown["created"]
    assert shown["_links"]["self"]["href"] == f"https://hooks.example.com{HOOKS}/{shown['id']}"
    assert list(shown) == [
        *("id", "status", "verificationStatus", "name", "description", "created", "createdBy", "lastUpdated"),
        *("events", "channel", "deliveryPolicy", "_links"),
    ]
    assert (await rig.call("GET", f"{HOOKS}/{shown['id']}")).content == made.content
    assert json.loads((await rig.call("GET", HOOKS)).content) == [shown]


@with_rig()
async def test_the_whole_life_of_a_hook_as_terraform_leads_it(rig: Rig) -> None:
    hook = await rig.create(status="ACTIVE")
    path = f"{HOOKS}/{hook['id']}"
    renamed = await rig.call("PUT", path, body(name="Renamed", status="ACTIVE"))
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Renamed")
    assert causes(await rig.call("DELETE", path)) == [
        "status: An active event hook cannot be deleted. Deactivate it first."
    ]
    for _ in range(2):
        off = await rig.act(hook, "deactivate")
        assert (off.status_code, off.json()["status"]) == (200, "INACTIVE")
        assert list(off.json()["_links"]) == ["activate", "self", "delete"]
    for _ in range(2):
        assert (await rig.act(hook, "activate")).json()["status"] == "ACTIVE"
    await rig.act(hook, "deactivate")
    gone = await rig.call("DELETE", path)
    assert (gone.status_code, gone.content, "content-type" in gone.headers) == (204, b"", False)
    again = await rig.call("DELETE", path)
    assert (again.status_code, again.json()["errorCode"]) == (404, "E0000007")
    assert again.json()["errorSummary"] == f"Not found: Resource not found: {hook['id']} (Webhook)"
    assert (await rig.call("GET", HOOKS)).json() == []
    assert (await rig.create(name="Renamed"))["id"] != hook["id"]


@with_rig()
async def test_every_act_is_a_log_event_with_the_hook_as_its_target(rig: Rig) -> None:
    hook = await rig.create()
    path = f"{HOOKS}/{hook['id']}"
    await rig.call("PUT", path, body(status="INACTIVE"))
    await rig.act(hook, "activate")
    await rig.act(hook, "activate")
    await rig.act(hook, "deactivate")
    await rig.call("DELETE", path)
    counts = {"created": 1, "updated": 1, "activated": 1, "deactivated": 2, "deleted": 1, "verified": 0}
    for verb, count in counts.items():
        events = await rig.log(f"event_hook.{verb}")
        assert len(events) == count, verb
        for event in events:
            target = event["target"][0]
            assert (target["id"], target["type"]) == (hook["id"], "EventHook")
            assert target["displayName"] == "Event Hook Test"
            assert event["actor"]["id"] == hook["createdBy"]
            assert event["outcome"]["result"] == "SUCCESS"


@with_rig()
async def test_a_refused_body_gets_all_its_causes_and_stores_nothing(rig: Rig) -> None:
    hook = await rig.create()
    found = causes(await rig.call("POST", HOOKS, body(name=None, events__items=["no"])))
    assert [cause.split(":")[0] for cause in found] == ["name", "events.items[0]"]
    bad = body(channel__config__verify=False)
    assert causes(await rig.call("PUT", f"{HOOKS}/{hook['id']}", bad))[0].startswith("channel.config.verify: ")
    assert (await rig.call("GET", HOOKS)).json() == [hook]
    assert len(await rig.log("event_hook.created")) == 1
    assert await rig.log("event_hook.updated") == []


@with_rig()
async def test_a_body_that_is_no_json_or_no_object_is_a_4xx(rig: Rig) -> None:
    auth = {"Authorization": f"SSWS {rig.token}", "Content-Type": "application/json"}
    for content in ("", "{", "[1,]", '{"name":1,"name":2}', '{"name":"\\ud800"}', "{} {}"):
        answer = await rig.client.post(HOOKS, content=content, headers=auth)
        assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000003"), content
    documents: list[object] = [[], "x", 1, True]
    for document in documents:
        assert causes(await rig.call("POST", HOOKS, document))[0].startswith("body: must be a JSON object")


@with_rig()
async def test_what_names_no_hook_of_the_org_is_not_found_whatever_is_done_to_it(rig: Rig) -> None:
    hook = await rig.create()
    other = await rig.other_org()
    ids = [
        "who" + "a" * 17,
        "junk",
        "who" + "a" * 18,
        "x" * 3000,
        "%27%20OR%201=1",
        "who%C3%A9",
        hook["id"].upper(),
    ]
    asked = [(hook["id"], other), *[(one, rig.token) for one in ids]]
    for hook_id, token in asked:
        path = f"{HOOKS}/{hook_id}"
        answers = [
            await rig.call("GET", path, token=token),
            await rig.call("PUT", path, body(), token=token),
            await rig.call("DELETE", path, token=token),
            *[await rig.call("POST", f"{path}/lifecycle/{verb}", token=token) for verb in ("activate", "verify")],
        ]
        assert [one.status_code for one in answers] == [404] * 5, hook_id[:40]
        assert {one.json()["errorCode"] for one in answers} == {"E0000007"}, hook_id[:40]
    assert (await rig.call("GET", HOOKS, token=other)).json() == []
    assert await rig.read(hook) == hook


@with_rig()
async def test_only_super_admins_may_register_or_read_hooks(rig: Rig) -> None:
    hook = await rig.create()
    publisher = await rig.token_of(Role.PUBLISHER)
    answers = [
        await rig.call("GET", HOOKS, token=publisher),
        await rig.call("POST", HOOKS, body(name="x"), token=publisher),
        await rig.call("POST", f"{HOOKS}/{hook['id']}/lifecycle/verify", token=publisher),
    ]
    assert [(one.status_code, one.json()["errorCode"]) for one in answers] == [(403, "E0000006")] * 3
    assert (await rig.client.get(HOOKS)).status_code == 401
    assert (await rig.call("GET", HOOKS)).json() == [hook]


@with_rig()
async def test_a_name_belongs_to_one_living_hook_of_the_org_even_in_a_race(rig: Rig) -> None:
    answers = await asyncio.gather(*(rig.call("POST", HOOKS, body()) for _ in range(10)))
    assert sorted(one.status_code for one in answers) == [200] + [400] * 9
    refused = next(one for one in answers if one.status_code == 400)
    assert causes(refused) == [NAME_TAKEN]
    second = await rig.create(name="Second")
    assert causes(await rig.call("PUT", f"{HOOKS}/{second['id']}", body())) == [NAME_TAKEN]
    assert (await rig.call("PUT", f"{HOOKS}/{second['id']}", body(name="Second"))).status_code == 200
    other = await rig.other_org()
    assert (await rig.call("POST", HOOKS, body(), token=other)).status_code == 200


@with_rig()
async def test_replacements_at_once_leave_one_version_each(rig: Rig) -> None:
    hook = await rig.create()
    path = f"{HOOKS}/{hook['id']}"
    bodies = [body(description=str(number), deliveryPolicy={"maxConcurrency": number + 1}) for number in range(12)]
    answers = await asyncio.gather(*(rig.call("PUT", path, one) for one in bodies))
    assert [one.status_code for one in answers] == [200] * 12
    current = rig.pipeline.subscriptions.committed[hook["id"]]
    assert current.version == 13
    assert (await rig.read(hook))["description"] == current.description
    assert current.delivery_policy.max_concurrency == int(str(current.description)) + 1


@with_rig()
async def test_partial_delivery_policies_sent_at_once_all_take_effect(rig: Rig) -> None:
    hook = await rig.create()
    parts: list[dict[str, Any]] = [{"maxConcurrency": 5}, {"timeoutSeconds": 7}, {"retry": "okta"}, {"paused": True}]
    await asyncio.gather(*(rig.call("PUT", f"{HOOKS}/{hook['id']}", body(deliveryPolicy=part)) for part in parts))
    policy = (await rig.read(hook))["deliveryPolicy"]
    assert policy == {"maxEventsPerRequest": 100} | parts[0] | parts[1] | parts[2] | parts[3]


@with_rig()
async def test_another_channel_has_to_be_verified_anew_and_the_same_one_has_not(rig: Rig) -> None:
    async with endpoint() as receiver:
        hook = await rig.create(**{URI: receiver.url})
        path = f"{HOOKS}/{hook['id']}"
        await rig.act(hook, "verify")

        async def put(**changes: Any) -> str:
            answer = await rig.call("PUT", path, body(**{URI: receiver.url, **changes}))
            assert answer.status_code == 200, answer.text
            return str(answer.json()["verificationStatus"])

        key = {"type": "HEADER", "key": "Authorization"}
        assert await put(name="Other", events__items=["user.lifecycle.deactivate"]) == "VERIFIED"
        assert await put(channel__config__authScheme=key) == "VERIFIED"
        assert await put(deliveryPolicy={"paused": True}, status="INACTIVE") == "VERIFIED"
        changes: list[dict[str, Any]] = [
            {URI: receiver.url + "2"},
            {"channel__config__headers": []},
            {"channel__config__authScheme": {**key, "value": "another"}},
            {"channel__config__authScheme": None},
        ]
        for change in changes:
            assert await put() in ("VERIFIED", "UNVERIFIED")
            assert (await rig.act(hook, "verify")).status_code == 200
            assert await put(**change) == "UNVERIFIED"


@with_rig()
async def test_what_was_verified_once_holds_its_events_until_it_is_verified_again(rig: Rig) -> None:
    async with endpoint() as receiver:
        hook = await rig.create(**{URI: receiver.url})
        await rig.act(hook, "verify")
        moved = await rig.call("PUT", f"{HOOKS}/{hook['id']}", body(**{URI: receiver.url + "2"}))
        assert moved.json()["verificationStatus"] == "UNVERIFIED"
        await rig.hooks.publish({"eventType": "user.lifecycle.create"})
        (held,) = (await rig.call("GET", f"{HOOKS}/{hook['id']}/deliveries")).json()
        assert (held["status"], held["holdReason"]) == ("HELD", "UNVERIFIED")
        assert receiver.posts == []
        assert (await rig.act(hook, "verify")).status_code == 200
        await receiver.posted.wait()
        assert receiver.posts[0].startswith(b"POST /in2 HTTP/1.1")


@with_rig()
async def test_a_list_is_a_bare_array_and_pages_when_asked_to(rig: Rig) -> None:
    made = [(await rig.create(name=str(number)))["id"] for number in range(5)]
    whole = await rig.call("GET", HOOKS)
    found = [one["id"] for one in whole.json()]
    assert sorted(found) == sorted(made)
    assert 'rel="next"' not in whole.headers["link"]
    pages: list[str] = []
    path = f"{HOOKS}?limit=2"
    while path:
        page = await rig.call("GET", path)
        pages += [one["id"] for one in page.json()]
        link = re.search(r'<([^>]+)>; rel="next"', page.headers["link"])
        path = link[1].removeprefix(rig.pipeline.public_url) if link else ""
    assert pages == found
    for query in ("limit=0", "limit=x", "limit=1001", "after="):
        assert len(causes(await rig.call("GET", f"{HOOKS}?{query}"))) == 1


@with_rig()
async def test_the_secret_is_in_no_answer_and_no_log_event(rig: Rig) -> None:
    async with endpoint(lambda got: b"HTTP/1.1 400 s3cret-value\r\nContent-Length: 0\r\n\r\n", echo) as receiver:
        texts = []
        made = await rig.call("POST", HOOKS, body(**{URI: receiver.url}))
        hook = made.json()
        path = f"{HOOKS}/{hook['id']}"
        texts += [made.text, (await rig.call("PUT", path, body(name=5))).text]
        texts += [(await rig.act(hook, verb)).text for verb in ("verify", "verify", "deactivate", "activate")]
        texts += [(await rig.call("GET", one)).text for one in (path, HOOKS, "/api/v1/logs")]
        assert b"s3cret-value" in receiver.requests[0]
        assert not any("s3cret" in text for text in texts)


@with_rig(delivery_retry="okta", limit_event_types=2)
async def test_settings_decide_the_default_policy_and_the_number_of_event_types(rig: Rig) -> None:
    shown = await rig.create()
    assert shown["deliveryPolicy"]["retry"] == "okta"
    items = ["user.lifecycle.create", "user.lifecycle.activate", "user.lifecycle.deactivate"]
    (cause,) = causes(await rig.call("POST", HOOKS, body(name="x", events__items=items)))
    assert cause.endswith("TENTERHOOK_LIMIT_EVENT_TYPES")


@with_rig(dev=False)
async def test_outside_development_a_hook_goes_to_public_https_only(rig: Rig) -> None:
    uris = ["http://svc.example.com/", "https://127.0.0.1/", "https://localhost/", "https://svc.example.com:22/"]
    for uri in uris:
        (cause,) = causes(await rig.call("POST", HOOKS, body(**{URI: uri})))
        assert cause.startswith("channel.config.uri: must ")
    await rig.create()


@with_rig()
async def test_hooks_survive_a_restart_with_their_secret(rig: Rig) -> None:
    async with endpoint() as receiver:
        hook = await rig.create(**{URI: receiver.url})
        await rig.hooks.stop()
        async with Tenterhook.from_settings(rig.hooks.settings) as again:
            principal = await authenticate(again.pipeline, f"SSWS {rig.token}")
            shown = await verify_event_hook(again.pipeline, principal, hook["id"])
            assert shown.verification_status == "VERIFIED"
        assert b"\r\nAuthorization: s3cret-value\r\n" in receiver.gets[0]
