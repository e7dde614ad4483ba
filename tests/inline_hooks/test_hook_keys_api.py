from __future__ import annotations

import asyncio
import base64
import re
from pathlib import Path
from threading import Event

import pytest
from api_rig import Api, until, with_api
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from inline_rig import HOOKS, KEYS, act, causes, create, create_key, logged
from inline_samples import SIGNED_BODY, body

from tenterhook.engine.inline import hook_keys as engine_of_keys
from tenterhook.platform import Tenterhook
from tenterhook.store import hook_keys


def number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@with_api()
async def test_a_created_key_is_answered_with_its_public_half_in_oktas_shape(api: Api) -> None:
    made = await api.call("POST", KEYS, json={"name": "My key", "id": "x", "isUsed": True})
    assert made.status_code == 200
    shown = made.json()
    assert list(shown) == ["id", "keyId", "name", "created", "lastUpdated", "isUsed", "_embedded"]
    assert re.fullmatch("HKY[A-Za-z0-9]{17}", shown["id"])
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", shown["keyId"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", shown["created"])
    assert (shown["name"], shown["isUsed"], shown["lastUpdated"]) == ("My key", False, shown["created"])
    jwk = shown.pop("_embedded")
    assert list(jwk) == ["kty", "alg", "kid", "use", "e", "n"]
    assert (jwk["kty"], jwk["alg"], jwk["kid"], jwk["use"], jwk["e"]) == ("RSA", "RSA", shown["keyId"], None, "AQAB")
    assert number(jwk["n"]).bit_length() == 2048
    path = f"{KEYS}/{shown['id']}"
    assert (await api.call("GET", path)).json() == shown
    assert (await api.call("GET", f"{path}?expand=publickey")).content == made.content
    assert (await api.call("GET", KEYS)).json() == [shown]
    assert (await api.call("GET", f"{KEYS}/public/{shown['keyId']}")).json() == jwk


@with_api()
async def test_the_private_half_fits_the_public_one_and_is_never_shown(api: Api) -> None:
    key = await create_key(api)
    org_id = (await api.call("GET", "/api/v1/orgs")).json()[0]["id"]
    vault = api.pipeline.vault
    pem = await api.pipeline.database.read(lambda tx: hook_keys.private_key(tx, vault, org_id, key["id"]))
    assert pem is not None
    private = load_pem_private_key(pem.encode(), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    public = private.public_key().public_numbers()
    assert (public.n, public.e) == (number(key["_embedded"]["n"]), number(key["_embedded"]["e"]))
    paths = [KEYS, f"{KEYS}/{key['id']}?expand=publickey", f"{KEYS}/public/{key['keyId']}", "/api/v1/logs"]
    shown = "".join([(await api.call("GET", path)).text for path in paths])
    assert key["keyId"] in shown
    assert "PRIVATE" not in shown
    assert not {'"d"', '"p"', '"q"'} & set(re.findall(r'"\w+"', shown))
    await api.hooks.stop()
    files = b"".join(path.read_bytes() for path in api.hooks.settings.data_dir.rglob("*") if path.is_file())
    assert key["_embedded"]["n"].encode() in files
    assert pem.splitlines()[1].encode() not in files
    async with Tenterhook.from_settings(api.hooks.settings) as again:
        vault, database = again.pipeline.vault, again.pipeline.database
        assert await database.read(lambda tx: hook_keys.private_key(tx, vault, org_id, key["id"])) == pem


@with_api()
async def test_only_the_name_of_a_key_changes(api: Api) -> None:
    key = await create_key(api, "Old")
    renamed = (await api.call("PUT", f"{KEYS}/{key['id']}", json={"name": "New", "keyId": "x"})).json()
    assert renamed == key | {"name": "New", "lastUpdated": renamed["lastUpdated"]}
    assert (await api.call("GET", f"{KEYS}/{key['id']}")).json()["name"] == "New"
    await create_key(api, "Old")


@with_api()
async def test_a_key_in_use_says_so_and_stays(api: Api) -> None:
    key, other = await create_key(api), await create_key(api)
    hook = await create(api, SIGNED_BODY, channel__config__hookKeyId=key["id"], name="Signs")
    path = f"{KEYS}/{key['id']}"
    assert {one["id"]: one["isUsed"] for one in (await api.call("GET", KEYS)).json()} == {
        key["id"]: True,
        other["id"]: False,
    }
    assert (await api.call("GET", path)).json()["isUsed"] is True
    assert (await api.call("PUT", path, json={"name": "Renamed"})).json()["isUsed"] is True
    told = f"isUsed: Inline hooks sign with this key: 'Signs' ({hook['id']})."
    assert causes(await api.call("DELETE", path), "hookKey")[0].startswith(told)
    moved = {"channel": {"config": {"hookKeyId": other["id"]}}}
    assert (await api.call("POST", f"{HOOKS}/{hook['id']}", json=moved)).status_code == 200
    gone = await api.call("DELETE", path)
    assert (gone.status_code, gone.content) == (204, b"")
    await act(api, hook, "deactivate")
    assert (await api.call("GET", f"{KEYS}/{other['id']}")).json()["isUsed"] is True
    await api.call("DELETE", f"{HOOKS}/{hook['id']}")
    assert (await api.call("DELETE", f"{KEYS}/{other['id']}")).status_code == 204


@with_api()
async def test_a_key_is_named_by_hooks_or_deleted_but_never_both(api: Api) -> None:
    for _ in range(5):
        key = await create_key(api)
        document = body(SIGNED_BODY, channel__config__hookKeyId=key["id"], name=key["id"])
        made, deleted = await asyncio.gather(
            api.call("POST", HOOKS, json=document), api.call("DELETE", f"{KEYS}/{key['id']}")
        )
        assert {made.status_code, deleted.status_code} in ({200, 400}, {400, 204}), (made.text, deleted.text)


@with_api()
async def test_a_deleted_key_is_found_by_nothing(api: Api) -> None:
    key = await create_key(api)
    assert (await api.call("DELETE", f"{KEYS}/{key['id']}")).status_code == 204
    for method, path in (("GET", key["id"]), ("PUT", key["id"]), ("DELETE", key["id"]), ("GET", "HKYx"), ("GET", "x")):
        answer = await api.call(method, f"{KEYS}/{path}", json={"name": "x"} if method == "PUT" else None)
        assert (answer.status_code, answer.json()["errorCode"]) == (404, "E0000007")
        assert answer.json()["errorSummary"] == f"Not found: Resource not found: {path} (HookKey)"
    for kid in (key["keyId"], "x", key["keyId"].replace("-", "")):
        answer = await api.call("GET", f"{KEYS}/public/{kid}")
        assert answer.json()["errorSummary"] == f"Not found: Resource not found: {kid} (HookKey)"
    (told,) = causes(await api.call("POST", HOOKS, json=body(SIGNED_BODY, channel__config__hookKeyId=key["id"])))
    assert told.startswith("channel.config.hookKeyId: names no hook key of this org")
    assert (await api.call("GET", KEYS)).json() == []


@with_api()
async def test_a_bad_key_body_or_query_is_refused_in_words(api: Api) -> None:
    key = await create_key(api, "Taken")
    other = await create_key(api)
    calls = (("POST", KEYS), ("PUT", f"{KEYS}/{other['id']}"))
    refused = [
        ({}, "name: The field cannot be left blank"),
        ({"name": None}, "name: The field cannot be left blank"),
        ({"name": "  "}, "name: The field cannot be left blank"),
        ({"name": 5}, "name: must be a string, not a number"),
        ({"name": "x" * 256}, "name: must be at most 255 characters long, it has 256"),
        ([], "body: must be a JSON object, not an array"),
        ({"name": "Taken"}, "name: A hook key with this name already exists."),
    ]
    for document, told in refused:
        for method, path in calls:
            assert causes(await api.call(method, path, json=document), "hookKey") == [told]
    assert (await api.call("PUT", f"{KEYS}/{key['id']}", json={"name": "Taken"})).status_code == 200
    expanded = await api.call("GET", f"{KEYS}/{key['id']}?expand=all")
    assert causes(expanded, "hookKey") == ["expand: must be publickey"]
    assert len(await logged(api, "tenterhook.hook_key.created")) == 2


@with_api(limit_hook_keys=2)
async def test_hook_keys_beyond_the_limit_are_refused_with_its_setting(api: Api) -> None:
    answers = await asyncio.gather(*(api.call("POST", KEYS, json={"name": f"n{at}"}) for at in range(5)))
    refused = [one for one in answers if one.status_code != 200]
    assert len(refused) == 3
    assert causes(refused[0], "hookKey") == [
        "hookKeys: This org has 2 hook keys, as many as the setting TENTERHOOK_LIMIT_HOOK_KEYS allows. Delete another "
        "one first."
    ]
    limits = {one["name"]: one for one in (await api.call("GET", "/api/v1/limits")).json()}
    assert (limits["hookKeys"]["used"], limits["hookKeys"]["limit"]) == (2, 2)


@with_api()
async def test_hook_keys_are_listed_by_pages(api: Api) -> None:
    ids = [(await create_key(api))["id"] for _ in range(3)]
    page = await api.call("GET", f"{KEYS}?limit=2")
    listed = [one["id"] for one in page.json()]
    target = page.headers.get_list("link")[-1].partition(api.pipeline.public_url)[2].partition(">")[0]
    listed += [one["id"] for one in (await api.call("GET", target)).json()]
    assert sorted(listed) == sorted(ids)
    assert [one["id"] for one in (await api.call("GET", KEYS)).json()] == listed


@with_api()
async def test_every_act_on_a_key_is_a_log_event_with_it_as_target(api: Api) -> None:
    key = await create_key(api, "Old")
    await api.call("PUT", f"{KEYS}/{key['id']}", json={"name": "New"})
    await api.call("DELETE", f"{KEYS}/{key['id']}")
    for verb, name in (("created", "Old"), ("updated", "New"), ("deleted", "New")):
        (event,) = await logged(api, f"tenterhook.hook_key.{verb}")
        target = event["target"][0]
        assert (target["id"], target["type"], target["displayName"]) == (key["id"], "HookKey", name)
        assert event["debugContext"]["debugData"] == {"keyId": key["keyId"]}
    forged = await api.call("POST", "/api/v1/events", json={"eventType": "tenterhook.hook_key.created"})
    assert forged.status_code == 400


def test_the_event_loop_answers_others_while_a_key_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pair, begun, answered = engine_of_keys._make_pair, Event(), Event()

    def make_after_the_others() -> tuple[str, str]:
        begun.set()
        assert answered.wait(30), "nobody was answered while a key was made"
        return make_pair()

    @with_api()
    async def walk(api: Api) -> None:
        monkeypatch.setattr(engine_of_keys, "_make_pair", make_after_the_others)
        making = asyncio.create_task(api.call("POST", KEYS, json={"name": "Slow"}))
        await until(begun.is_set)
        assert (await api.call("GET", KEYS)).json() == []
        answered.set()
        assert (await making).status_code == 200
        assert [one["name"] for one in (await api.call("GET", KEYS)).json()] == ["Slow"]

    walk(tmp_path)
