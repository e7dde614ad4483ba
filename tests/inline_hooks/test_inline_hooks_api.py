from __future__ import annotations

import asyncio
import re

import sqlalchemy as sa
from api_rig import Api, with_api
from inline_rig import HOOKS, act, causes, create, create_key, logged, org_of, token_of_another_org
from inline_samples import OAUTH_BODY, SIGNED_BODY, body

from tenterhook.domain.inline.kind import IMPORT, KINDS, PASSWORD_IMPORT, TELEPHONY, TOKEN
from tenterhook.domain.timestamp import DAY_MS
from tenterhook.platform import Tenterhook
from tenterhook.store.schema import inline_hook

SCHEME = {"type": "HEADER", "key": "Authorization"}


@with_api()
async def test_a_created_inline_hook_is_answered_with_200_in_oktas_shape(api: Api) -> None:
    made = await api.call("POST", HOOKS, json=body(status="INACTIVE"))
    assert made.status_code == 200
    assert made.headers["content-type"] == "application/json"
    assert "x-tenterhook-hint" not in made.headers
    shown = made.json()
    assert re.fullmatch("cal[A-Za-z0-9]{17}", shown["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", shown["created"])
    assert (shown["status"], shown["lastUpdated"]) == ("ACTIVE", shown["created"])
    assert shown["_links"]["self"]["href"] == f"{api.pipeline.public_url}{HOOKS}/{shown['id']}"
    assert list(shown) == ["id", "status", "name", "type", "version", "channel", "created", "lastUpdated", "_links"]
    assert list(shown["channel"]["config"]) == ["uri", "headers", "method", "authScheme"]
    assert "s3cret" not in made.text
    assert (await api.call("GET", f"{HOOKS}/{shown['id']}")).content == made.content
    assert (await api.call("GET", HOOKS)).json() == [shown]


@with_api()
async def test_the_whole_life_of_an_inline_hook_as_terraform_leads_it(api: Api) -> None:
    hook = await create(api, status="INACTIVE")
    path = f"{HOOKS}/{hook['id']}"
    assert (await act(api, hook, "deactivate")).json()["status"] == "INACTIVE"
    renamed = await api.call("PUT", path, json=body(name="Renamed", status="ACTIVE"))
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["status"]) == (200, "Renamed", "INACTIVE")
    for _ in range(2):
        on = await act(api, hook, "activate")
        assert (on.status_code, list(on.json()["_links"])) == (200, ["self", "execute", "deactivate"])
    assert causes(await api.call("DELETE", path)) == [
        "status: An active inline hook cannot be deleted. Deactivate it first."
    ]
    for _ in range(2):
        off = await act(api, hook, "deactivate")
        assert (off.status_code, list(off.json()["_links"])) == (200, ["activate", "self", "delete"])
    gone = await api.call("DELETE", path)
    assert (gone.status_code, gone.content, "content-type" in gone.headers) == (204, b"", False)
    for method, target in (("DELETE", path), ("GET", path), ("POST", f"{path}/lifecycle/deactivate")):
        again = await api.call(method, target)
        assert (again.status_code, again.json()["errorCode"]) == (404, "E0000007")
        assert again.json()["errorSummary"] == f"Not found: Resource not found: {hook['id']} (InlineHook)"
    assert (await api.call("GET", HOOKS)).json() == []
    assert (await create(api, name="Renamed"))["id"] != hook["id"]


@with_api()
async def test_what_a_hook_shows_can_be_written_back_as_it_is(api: Api) -> None:
    key = await create_key(api)
    for of in (body(), body(OAUTH_BODY), body(SIGNED_BODY, channel__config__hookKeyId=key["id"])):
        hook = await create(api, of)
        for method in ("PUT", "POST"):
            again = await api.call(method, f"{HOOKS}/{hook['id']}", json=hook)
            assert (again.status_code, again.json()) == (200, hook), again.text


@with_api()
async def test_a_change_by_post_keeps_what_it_leaves_out(api: Api) -> None:
    hook = await create(api)
    path = f"{HOOKS}/{hook['id']}"
    renamed = (await api.call("POST", path, json={"name": "New", "version": "1.0.1"})).json()
    assert renamed == hook | {"name": "New", "version": "1.0.1", "lastUpdated": renamed["lastUpdated"]}
    moved = await api.call("POST", path, json={"channel": {"config": {"uri": "https://new.example.com/"}}})
    config = hook["channel"]["config"] | {"uri": "https://new.example.com/"}
    assert moved.json()["channel"]["config"] == config
    assert "the stored secret will be sent to the new host" in moved.headers["x-tenterhook-hint"]
    stored = api.pipeline.active_inline_hooks.get(await org_of(api), hook["id"])
    assert stored is not None
    assert stored.secret is not None
    assert (stored.name, stored.secret.reveal()) == ("New", "s3cret-value")
    assert causes(await api.call("POST", path, json={"channel": {"config": {"uri": ""}}})) == [
        "channel.config.uri: The field cannot be left blank"
    ]


@with_api()
async def test_every_act_on_an_inline_hook_is_a_log_event_with_it_as_target(api: Api) -> None:
    hook = await create(api)
    path = f"{HOOKS}/{hook['id']}"
    await api.call("PUT", path, json=body())
    await api.call("POST", path, json={"name": "Claims from the CRM"})
    for verb in ("activate", "deactivate", "activate", "deactivate"):
        await act(api, hook, verb)
    await api.call("DELETE", path)
    counts = {"created": 1, "updated": 2, "activated": 1, "deactivated": 2, "deleted": 1, "verified": 0, "executed": 0}
    for verb, count in counts.items():
        events = await logged(api, f"inline_hook.{verb}")
        assert len(events) == count, verb
        for event in events:
            target = event["target"][0]
            assert (target["id"], target["type"]) == (hook["id"], "InlineHook")
            assert event["debugContext"]["debugData"]["inlineHookType"] == TOKEN.type
            assert event["actor"]["type"] == "User"
            assert event["outcome"]["result"] == "SUCCESS"
            assert event["displayMessage"] == f"Inline hook {verb}"
            assert "s3cret" not in str(event)


@with_api()
async def test_a_refused_inline_hook_gets_all_its_causes_and_stores_nothing(api: Api) -> None:
    hook = await create(api)
    found = causes(await api.call("POST", HOOKS, json=body(name=None, version="2.0.0")))
    assert [cause.split(":")[0] for cause in found] == ["name", "version"]
    for method in ("PUT", "POST"):
        bad = await api.call(method, f"{HOOKS}/{hook['id']}", json=body(channel__config__verify=False))
        assert causes(bad)[0].startswith("channel.config.verify: ")
    assert (await api.call("GET", HOOKS)).json() == [hook]
    assert len(await logged(api, "inline_hook.created")) == 1
    assert await logged(api, "inline_hook.updated") == []


@with_api()
async def test_a_name_is_taken_once_among_the_living_inline_hooks_of_an_org(api: Api) -> None:
    first, second = await create(api, name="One"), await create(api, name="Two")
    told = ["name: An inline hook with this name already exists."]
    assert causes(await api.call("POST", HOOKS, json=body(name="One"))) == told
    for method in ("PUT", "POST"):
        assert causes(await api.call(method, f"{HOOKS}/{second['id']}", json=body(name="One"))) == told
        assert (await api.call(method, f"{HOOKS}/{first['id']}", json=body(name="One"))).status_code == 200
    theirs = {"Authorization": f"SSWS {await token_of_another_org(api)}"}
    assert (await api.client.post(HOOKS, json=body(name="One"), headers=theirs)).status_code == 200
    answers = await asyncio.gather(*(api.call("POST", HOOKS, json=body(name="Race")) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [200] + [400] * 7


@with_api()
async def test_the_list_goes_by_type_and_by_pages(api: Api) -> None:
    ids = [(await create(api, type=kind))["id"] for kind in (TOKEN.type, IMPORT.type, TOKEN.type)]
    assert [one["id"] for one in (await api.call("GET", HOOKS)).json()] == ids
    tokens = await api.call("GET", f"{HOOKS}?type={TOKEN.type}")
    assert [one["id"] for one in tokens.json()] == [ids[0], ids[2]]
    assert (await api.call("GET", f"{HOOKS}?type={TELEPHONY.type}")).json() == []
    for wrong in ("", "x", TOKEN.type.upper()):
        (told,) = causes(await api.call("GET", f"{HOOKS}?type={wrong}"))
        assert told == f"type: must be {' or '.join(KINDS)}"
    page = await api.call("GET", f"{HOOKS}?type={TOKEN.type}&limit=1")
    following = page.headers.get_list("link")[-1]
    assert 'rel="next"' in following
    target = following.partition(api.pipeline.public_url)[2].partition(">")[0]
    last = await api.call("GET", target)
    assert [one["id"] for one in last.json()] == [ids[2]]
    assert 'rel="next"' not in "".join(last.headers.get_list("link"))
    assert causes(await api.call("GET", f"{HOOKS}?limit=0")) == ["limit: must be a whole number from 1 to 1,000"]


@with_api()
async def test_an_org_has_one_active_telephony_hook(api: Api) -> None:
    first = await create(api, type=TELEPHONY.type)
    document = body(type=TELEPHONY.type, name="second")
    (told,) = causes(await api.call("POST", HOOKS, json=document))
    assert told.startswith("type: An org has one active hook of the type com.okta.telephony.provider")
    assert first["id"] in told
    assert told.endswith("Deactivate that one first.")
    assert (await api.call("PUT", f"{HOOKS}/{first['id']}", json=document)).status_code == 200
    await act(api, first, "deactivate")
    second = await create(api, type=TELEPHONY.type)
    (told,) = causes(await act(api, first, "activate"))
    assert told.startswith("status: An org has one active hook of the type com.okta.telephony.provider")
    assert (await act(api, second, "activate")).status_code == 200
    await act(api, second, "deactivate")
    answers = await asyncio.gather(*(act(api, hook, "activate") for hook in (first, second) * 3))
    assert sorted(one.status_code for one in answers) == [200] * 3 + [400] * 3


@with_api()
async def test_an_org_has_one_password_import_hook_active_or_not(api: Api) -> None:
    first = await create(api, type=PASSWORD_IMPORT.type)
    await act(api, first, "deactivate")
    (told,) = causes(await api.call("POST", HOOKS, json=body(type=PASSWORD_IMPORT.type)))
    assert told.startswith("type: An org has one hook of the type com.okta.user.credential.password.import")
    assert told.endswith("Delete that one first.")
    assert (await act(api, first, "activate")).status_code == 200
    await act(api, first, "deactivate")
    assert (await api.call("DELETE", f"{HOOKS}/{first['id']}")).status_code == 204
    await create(api, type=PASSWORD_IMPORT.type)
    theirs = {"Authorization": f"SSWS {await token_of_another_org(api)}"}
    other = await api.client.post(HOOKS, json=body(type=PASSWORD_IMPORT.type), headers=theirs)
    assert other.status_code == 200


@with_api(limit_inline_hooks=3)
async def test_inline_hooks_beyond_the_limit_are_refused_with_its_setting(api: Api) -> None:
    hook = await create(api)
    await act(api, hook, "deactivate")
    answers = await asyncio.gather(*(api.call("POST", HOOKS, json=body(name=f"n{at}")) for at in range(8)))
    refused = [one for one in answers if one.status_code != 200]
    assert len(refused) == 6
    assert causes(refused[0]) == [
        "inlineHooks: This org has 3 inline hooks, as many as the setting TENTERHOOK_LIMIT_INLINE_HOOKS allows. Delete "
        "another one first."
    ]
    assert (await act(api, hook, "activate")).status_code == 200
    limits = {one["name"]: one for one in (await api.call("GET", "/api/v1/limits")).json()}
    assert (limits["inlineHooks"]["used"], limits["inlineHooks"]["limit"]) == (3, 3)
    await act(api, hook, "deactivate")
    await api.call("DELETE", f"{HOOKS}/{hook['id']}")
    await create(api)


@with_api()
async def test_a_change_of_an_inline_hook_heeds_if_match(api: Api) -> None:
    made = await api.call("POST", HOOKS, json=body())
    path, old = f"{HOOKS}/{made.json()['id']}", made.headers["etag"]
    assert (await api.call("GET", path)).headers["etag"] == old
    puts = [api.call("PUT", path, json=body(name=f"n{at}"), headers={"If-Match": old}) for at in range(6)]
    answers = await asyncio.gather(*puts)
    assert sorted(one.status_code for one in answers) == [200] + [412] * 5
    now = (await api.call("GET", path)).headers["etag"]
    calls = [("POST", f"{path}/lifecycle/{verb}", None) for verb in ("deactivate", "activate")]
    for method, target, sent in [*calls, ("POST", path, {"name": "x"}), ("DELETE", path, None)]:
        for value in (old, f"W/{now}", '"x"'):
            refused = await api.call(method, target, json=sent, headers={"If-Match": value})
            assert (refused.status_code, refused.json()["errorCode"]) == (412, "E0000002")
            assert now in refused.json()["errorSummary"]
    changed = await api.call("POST", path, json={"name": "x"}, headers={"If-Match": now})
    assert changed.status_code == 200
    off = await api.call("POST", f"{path}/lifecycle/deactivate", headers={"If-Match": changed.headers["etag"]})
    assert len({old, now, changed.headers["etag"], off.headers["etag"]}) == 4
    assert (await api.call("DELETE", path, headers={"If-Match": "*"})).status_code == 204


@with_api(dev=False)
async def test_outside_development_an_inline_hook_goes_to_public_https_only(api: Api) -> None:
    for uri in ("http://svc.example.com/", "https://127.0.0.1/", "https://localhost/", "https://svc.example.com:22/"):
        (told,) = causes(await api.call("POST", HOOKS, json=body(channel__config__uri=uri)))
        assert told.startswith("channel.config.uri: must ")
        (told,) = causes(await api.call("POST", HOOKS, json=body(OAUTH_BODY, channel__config__tokenUrl=uri)))
        assert told.startswith("channel.config.tokenUrl: must ")
    await create(api)


@with_api()
async def test_the_active_hooks_in_memory_follow_every_change_and_come_back_at_a_start(api: Api) -> None:
    org_id, active = await org_of(api), api.pipeline.active_inline_hooks
    first, second = await create(api), await create(api)
    await act(api, first, "deactivate")
    assert [one.id for one in active.of(org_id, TOKEN.type)] == [second["id"]]
    await act(api, first, "activate")
    assert {one.id for one in active.of(org_id, TOKEN.type)} == {first["id"], second["id"]}
    await api.call("POST", HOOKS, json=body(name=None))
    await api.call("PUT", f"{HOOKS}/{second['id']}", json=body(name="Renamed", channel__config__authScheme=SCHEME))
    renamed = active.get(org_id, second["id"])
    await act(api, first, "deactivate")
    await api.call("DELETE", f"{HOOKS}/{first['id']}")
    assert active.of(org_id, TOKEN.type) == (renamed,)
    await api.hooks.stop()
    async with Tenterhook.from_settings(api.hooks.settings) as again:
        assert again.pipeline.active_inline_hooks.of(org_id, TOKEN.type) == (renamed,)
        assert renamed is not None
        assert renamed.secret is not None
        assert (renamed.name, renamed.secret.reveal()) == ("Renamed", "s3cret-value")


@with_api()
async def test_a_deleted_hook_leaves_nothing_but_its_place_and_that_for_a_day(api: Api) -> None:
    async def delete(name: str) -> None:
        hook = await create(api, name=name)
        await act(api, hook, "deactivate")
        assert (await api.call("DELETE", f"{HOOKS}/{hook['id']}")).status_code == 204

    async def left() -> list[tuple[bytes, bytes | None]]:
        rows = sa.select(inline_hook.c.definition, inline_hook.c.sealed)
        return [tuple(row) for row in await api.pipeline.database.read(lambda tx: tx.connection.execute(rows).all())]

    await delete("first")
    assert await left() == [(b"{}", None)]
    now_ms = api.pipeline.now_ms()
    api.pipeline.now_ms = lambda: now_ms + DAY_MS + 1_000
    await delete("second")
    assert len(await left()) == 1
