"""The OpenAPI document: it says of every route what the route does, and of nothing else."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from api_rig import Api, receiving, until, with_api

import tenterhook
from tenterhook.api.app import resource_routes
from tenterhook.api.openapi.answers import ALWAYS, REFUSALS
from tenterhook.api.openapi.document import SECTIONS, calls_of, document
from tenterhook.domain.principal import Permission

CALLS = calls_of(resource_routes())
DOCUMENT = document(resource_routes(), "http://localhost:8080")
OPERATIONS = {
    f"{method.upper()} {path}": said for path, item in DOCUMENT["paths"].items() for method, said in item.items()
}
#: Answers that do not end by themselves: tests/log has them.
ENDLESS = {"GET /api/v1/logs/stream"}
#: Examples that are right only where there is more than a new org has.
NEEDS_MORE = {"POST /api/v1/sign-in", "POST /api/v1/inlineHooks/{inlineHookId}/execute"}
#: What a call makes, and the path parameter that its id is.
MAKES = {
    "POST /api/v1/eventHooks": "hookId",
    "POST /api/v1/inlineHooks": "inlineHookId",
    "POST /api/v1/hook-keys": "hookKeyId",
    "POST /api/v1/admins": "adminId",
}
DELETES = {
    "POST /api/v1/api-tokens": "DELETE /api/v1/api-tokens/{tokenId}",
    "POST /api/v1/admins": "DELETE /api/v1/admins/{adminId}",
    "POST /api/v1/hook-keys": "DELETE /api/v1/hook-keys/{hookKeyId}",
    "POST /api/v1/eventTypes": "DELETE /api/v1/eventTypes/{name}",
}
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_every_route_is_described_and_nothing_else_is() -> None:
    described = {operation.call for section in SECTIONS for operation in section.operations}
    assert described - CALLS.keys() == set(), "described, but no route"
    assert CALLS.keys() - described == set(), "a route, but not described"
    assert OPERATIONS.keys() == CALLS.keys()


def test_no_two_operations_have_one_id() -> None:
    ids = [said["operationId"] for said in OPERATIONS.values()]
    ids += [said["operationId"] for item in DOCUMENT["webhooks"].values() for said in item.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("call", sorted(OPERATIONS))
def test_an_operation_says_what_it_does_who_may_and_how_it_ends(call: str) -> None:
    said = OPERATIONS[call]
    assert said["summary"]
    assert said["description"], "the route's docstring is empty"
    assert next(tag for tag in DOCUMENT["tags"] if tag["name"] == said["tags"][0])["description"]
    good = [status for status in said["responses"] if status < "400"]
    assert len(good) == 1
    answer = said["responses"][good[0]]
    assert ("content" in answer) == (good[0] != "204")
    assert answer["headers"].keys() >= set(ALWAYS)
    statuses = set(said["responses"])
    permission = CALLS[call].permission
    if permission is not None:
        assert {"401", "403", "429", "503"} <= statuses
        scopes = [permission, *CALLS[call].also]
        assert said["security"] == [{"apiToken": scopes}, {"oauth2": scopes}]
    else:
        assert said["security"] == []
    if "{" in call:
        assert "404" in statuses
    if "requestBody" in said:
        assert {"400", "411", "413"} <= statuses


def test_everything_below_api_asks_for_a_caller() -> None:
    open_to_all = {call for call, asked in CALLS.items() if asked.permission is None}
    assert {call for call in open_to_all if " /api/" in call} == {"POST /api/v1/sign-in"}
    assert {asked.permission for asked in CALLS.values()} <= {None, *Permission}


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_every_named_schema_is_used_and_is_a_schema() -> None:
    used = {reference.rpartition("/")[2] for reference in references(DOCUMENT) if "/schemas/" in reference}
    assert SCHEMAS.keys() - used == set()
    for name in SCHEMAS:
        jsonschema_rs.meta.validate(SCHEMAS[name])


def test_every_example_is_valid() -> None:
    count = 0
    for where, schema, example in examples(DOCUMENT):
        problems = [error.message for error in validator(schema).iter_errors(example)]
        assert problems == [], where
        count += 1
    assert count > 50


def test_every_body_and_every_json_answer_has_an_example() -> None:
    for call, said in OPERATIONS.items():
        for status, answer in said["responses"].items():
            for media_type, content in answer.get("content", {}).items():
                assert "example" in content, (call, status, media_type)
        for content in list(said.get("requestBody", {}).get("content", {}).values())[:1]:
            assert "example" in content, call


def test_every_answer_of_a_refusal_names_its_codes() -> None:
    for status, refusal in REFUSALS.items():
        response = DOCUMENT["components"]["responses"][refusal.name]
        assert set(refusal.codes) <= set(SCHEMAS["Error"]["properties"]["errorCode"]["enum"])
        assert ("Retry-After" in response["headers"]) == (status in (429, 503))


def test_every_code_that_the_source_knows_is_in_the_document() -> None:
    sources = Path(tenterhook.__file__).parent.rglob("*.py")
    known = {code for source in sources for code in re.findall(r"E0000\d{3}", source.read_text("utf-8"))}
    assert known == set(SCHEMAS["Error"]["properties"]["errorCode"]["enum"])


def test_the_document_is_one_that_its_specification_accepts() -> None:
    from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(DOCUMENT)] == []


@with_api()
async def test_the_document_is_served_without_a_token(api: Api) -> None:
    answer = await api.client.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    served = answer.json()
    assert served["paths"] == DOCUMENT["paths"]
    assert served["servers"] == [{"url": api.pipeline.public_url}]
    assert set(ALWAYS) <= {name.title().replace("Id", "Id") for name in answer.headers}
    head = await api.client.head("/openapi.json")
    assert (head.status_code, head.content) == (200, b"")


def test_the_command_line_prints_the_document_without_a_server() -> None:
    command = [sys.executable, "-m", "tenterhook.cli", "openapi", "--url", "https://hooks.example.com/"]
    printed = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert json.loads(printed.stdout) == document(resource_routes(), "https://hooks.example.com")


@with_api()
async def test_real_answers_are_what_the_document_says(api: Api) -> None:
    async with receiving(204) as receiver:
        hook = await api.add_hook(receiver.url)
        (uuid,) = await api.publish()
        delivery = await api.wait_for(hook, "DELIVERED")
        key = (await api.call("POST", "/api/v1/hook-keys", json={"name": "Key"})).json()
        named = {"hookId": hook.id, "eventId": delivery["id"], "uuid": uuid}
        named |= {"inlineHookId": await make_inline_hook(api), "hookKeyId": key["id"], "keyId": key["keyId"]}
        for call in sorted(OPERATIONS):
            method, path = call.split(" ")
            if method != "GET" or call in ENDLESS or not set(re.findall(r"\{(\w+)\}", path)) <= named.keys():
                continue
            await check_answer(api, call, path.format_map(named))


@with_api()
async def test_every_example_of_a_body_is_accepted_and_answered_as_the_document_says(api: Api) -> None:
    known = {"hookId": (await api.add_hook("http://127.0.0.1:9/")).id}
    known["orgId"] = (await api.call("GET", "/api/v1/orgs")).json()[0]["id"]
    tried = set()
    # What is made first is what is changed afterwards.
    for call in sorted(OPERATIONS, key=lambda call: (call.startswith("PUT"), call)):
        if "requestBody" not in OPERATIONS[call] or call in NEEDS_MORE:
            continue
        content = next(iter(OPERATIONS[call]["requestBody"]["content"].values()))
        path = call.split(" ")[1].format_map(known)
        made = await check_answer(api, call, path, json=content["example"])
        if call in MAKES:
            known[MAKES[call]] = made["id"]
        tried.add(call)
    assert len(tried) >= 10


@with_api()
async def test_what_has_no_body_is_answered_as_the_document_says(api: Api) -> None:
    hook = await api.add_hook("http://127.0.0.1:9/")
    path = f"/api/v1/eventHooks/{hook.id}"
    for verb in ("deactivate", "activate", "deactivate"):
        await check_answer(api, "POST /api/v1/eventHooks/{hookId}/lifecycle/" + verb, f"{path}/lifecycle/{verb}")
    await check_answer(api, "DELETE /api/v1/eventHooks/{hookId}", path)
    path = f"/api/v1/inlineHooks/{await make_inline_hook(api)}"
    for verb in ("deactivate", "activate", "deactivate"):
        await check_answer(api, "POST /api/v1/inlineHooks/{inlineHookId}/lifecycle/" + verb, f"{path}/lifecycle/{verb}")
        await check_answer(api, "GET /api/v1/inlineHooks/{inlineHookId}", path)
    await check_answer(api, "DELETE /api/v1/inlineHooks/{inlineHookId}", path)
    for create, delete in DELETES.items():
        example = next(iter(OPERATIONS[create]["requestBody"]["content"].values()))["example"]
        made = (await api.call("POST", create.split(" ")[1], json=example)).json()
        path = re.sub(r"\{\w+\}", made.get("id", made.get("name")), delete.split(" ")[1])
        await check_answer(api, f"GET {delete.split(' ')[1]}", path)
        if create == "POST /api/v1/admins":
            await check_answer(api, "POST /api/v1/admins/{adminId}/sign-in-link", f"{path}/sign-in-link")
        await check_answer(api, delete, path)


@with_api()
async def test_deliveries_are_retried_and_cancelled_as_the_document_says(api: Api) -> None:
    async with receiving(500) as receiver:
        hook = await api.add_hook(receiver.url)
        await api.publish()
        delivery = await api.wait_for(hook, "RETRYING")
        path = f"/api/v1/deliveries/{delivery['id']}"
        await check_answer(api, "POST /api/v1/deliveries/{eventId}/retry", f"{path}/retry")
        await check_answer(api, "POST /api/v1/deliveries/{eventId}/cancel", f"{path}/cancel")


@with_api()
async def test_an_inline_hook_is_asked_as_the_document_says(api: Api) -> None:
    reply = json.dumps(SCHEMAS["InlineReply"]["examples"][0]).encode()
    execute = "POST /api/v1/inlineHooks/{inlineHookId}/execute"
    example = next(iter(OPERATIONS[execute]["requestBody"]["content"].values()))["example"]
    async with receiving(200, reply) as receiver:
        draft = {**SCHEMAS["InlineHookDraft"]["examples"][0], "type": example["eventType"]}
        draft["channel"] = {**draft["channel"], "config": {"uri": receiver.url}}
        hook = (await api.call("POST", "/api/v1/inlineHooks", json=draft)).json()
        path = f"/api/v1/inlineHooks/{hook['id']}"
        assert await check_answer(api, execute, f"{path}/execute", json=example) == json.loads(reply)
        preview = "POST /api/v1/inlineHooks/{inlineHookId}/preview"
        shown = await check_answer(api, preview, f"{path}/preview", json={"deliver": True})
        asked = SCHEMAS["InlineCallDraft"]["examples"][0]
        result = await check_answer(api, "POST /api/v1/inlineCalls", "/api/v1/inlineCalls", json=asked)
        said = DOCUMENT["webhooks"]["inlineHookCall"]["post"]["requestBody"]["content"]["application/json"]
        for request in receiver.requests:
            body = json.loads(request.partition(b"\r\n\r\n")[2])
            assert [error.message for error in validator(said["schema"]).iter_errors(body)] == []
    assert (shown["result"]["outcome"], result["outcome"]) == ("SUCCESS", "SUCCESS")
    assert result["data"] == SCHEMAS["InlineResult"]["examples"][0]["data"]


@with_api()
async def test_what_an_endpoint_gets_is_what_the_webhooks_say(api: Api) -> None:
    said = DOCUMENT["webhooks"]["eventHookDelivery"]["post"]
    async with receiving(204) as receiver:
        hook = await api.add_hook(receiver.url)
        await api.publish(LOG_EVENT)
        await api.wait_for(hook, "DELIVERED")
        head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
        schema = said["requestBody"]["content"]["application/json"]["schema"]
        assert [error.message for error in validator(schema).iter_errors(json.loads(body))] == []
        sent = head.decode().lower()
        for parameter in said["parameters"]:
            if parameter.get("required"):
                assert f"\r\n{parameter['name'].lower()}: " in sent
        await api.call("POST", f"/api/v1/eventHooks/{hook.id}/lifecycle/verify")
        await until(lambda: len(receiver.requests) > 1)
        asked = receiver.requests[1].decode().lower()
        assert asked.startswith("get ")
        for parameter in DOCUMENT["webhooks"]["eventHookVerification"]["get"]["parameters"]:
            if parameter.get("required"):
                assert f"\r\n{parameter['name'].lower()}: " in asked


@with_api()
async def test_a_token_is_asked_for_exactly_where_the_document_says_so(api: Api) -> None:
    for call, said in OPERATIONS.items():
        method, path = call.split(" ")
        answer = await api.client.request(method, path.replace("{", "").replace("}", ""))
        assert (answer.status_code == 401) == bool(said["security"]), call


@with_api()
async def test_refusals_are_what_the_document_says(api: Api) -> None:
    hooks = "/api/v1/eventHooks"
    unknown = f"{hooks}/who00000000000000000"
    refused = {
        400: await api.call("POST", hooks, json={}),
        401: await api.client.get(hooks),
        404: await api.call("GET", unknown),
        411: await api.client.send(bare(api, "POST", hooks)),
        413: await api.call("POST", hooks, json={"name": "x" * 2_000_000}),
        421: await api.call("GET", hooks, headers={"Host": "elsewhere.example"}),
    }
    for status, answer in refused.items():
        assert answer.status_code == status
        schema = DOCUMENT["components"]["responses"][REFUSALS[status].name]["content"]["application/json"]["schema"]
        assert [error.message for error in validator(schema).iter_errors(answer.json())] == []


def test_a_route_that_nobody_described_is_noticed(tmp_path: Path) -> None:
    kept = {call: asked for call, asked in CALLS.items() if call != "GET /healthz"}
    described = {operation.call for section in SECTIONS for operation in section.operations}
    assert described - kept.keys() == {"GET /healthz"}
    routes = [route for route in resource_routes() if getattr(route, "path", "") != "/healthz"]
    assert "/healthz" not in document(routes, "http://localhost:8080")["paths"]


# -- what the tests above share ----------------------------------------------------------------------------------------

LOG_EVENT = {
    "eventType": "user.lifecycle.create",
    "actor": {"id": "00u1", "type": "User"},
    "client": {"ipAddress": "192.0.2.1"},
    "outcome": {"result": "SUCCESS"},
    "target": [{"id": "00u2", "type": "User"}],
    "data": {"anything": [1, None]},
}


def bare(api: Api, method: str, path: str) -> Any:
    request = api.client.build_request(method, path, headers={**api.auth, "Content-Type": "application/json"})
    request.headers.pop("content-length", None)
    return request


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def examples(value: object, where: str = "") -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Yield each example with the schema that it is one of."""
    if isinstance(value, dict):
        if isinstance(value.get("schema"), dict) and "example" in value:
            yield where, value["schema"], value["example"]
        for example in value.get("examples", ()):
            yield where, value, example
        for key, part in value.items():
            if key not in ("example", "examples"):
                yield from examples(part, f"{where}/{key}")
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from examples(part, f"{where}/{at}")


def strict(schema: Any) -> Any:
    """Return *schema* with every record closed that does not say otherwise, so that a new key is noticed."""
    if isinstance(schema, dict):
        found = {key: strict(part) for key, part in schema.items()}
        if isinstance(found.get("properties"), dict) and found.get("type") in ("object", ["object", "null"]):
            found.setdefault("additionalProperties", False)
        return found
    return [strict(part) for part in schema] if isinstance(schema, list) else schema


STRICT = strict(copy.deepcopy(SCHEMAS))


def validator(schema: dict[str, Any]) -> Any:
    whole = {**strict(schema), "components": {"schemas": STRICT}}
    return jsonschema_rs.validator_for(whole, validate_formats=True) if whole else None


async def make_inline_hook(api: Api) -> str:
    """Create an inline hook as the document's example has it, and return its id."""
    content = OPERATIONS["POST /api/v1/inlineHooks"]["requestBody"]["content"]["application/json"]
    made = await check_answer(api, "POST /api/v1/inlineHooks", "/api/v1/inlineHooks", json=content["example"])
    return str(made["id"])


async def check_answer(api: Api, call: str, path: str, **options: Any) -> Any:
    """Make the call and hold its answer against the document."""
    answer = await api.call(call.split(" ")[0], path, **options)
    said = OPERATIONS[call]["responses"]
    assert str(answer.status_code) in said, (call, answer.status_code, answer.text)
    assert answer.status_code < 300, (call, answer.text)
    promised = said[str(answer.status_code)]
    for name in promised["headers"]:
        header = DOCUMENT["components"]["headers"][name]
        assert name.lower() in answer.headers or not header.get("required"), (call, name)
    if "content" not in promised:
        assert answer.content == b""
        return None
    (media_type,) = promised["content"]
    assert answer.headers["content-type"].split(";")[0] == media_type
    if media_type != "application/json":
        return None
    problems = [
        f"{error.message} at {error.instance_path}"
        for error in validator(promised["content"][media_type]["schema"]).iter_errors(answer.json())
    ]
    assert problems == [], call
    return answer.json()
