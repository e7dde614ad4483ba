"""Conversations with a server through the unmodified SDK; each prints what it saw as one JSON line."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from okta.client import Client
from okta.models import EventHook, InlineHookCreate, InlineHookReplace


def hook_of(name, uri, chosen=None):
    items = ["user.lifecycle.create", "user.lifecycle.activate"]
    return EventHook.from_dict(
        {
            "name": name,
            "events": {"type": "EVENT_TYPE", "items": items, **({"filter": chosen} if chosen else {})},
            "channel": {
                "type": "HTTP",
                "version": "1.0.0",
                "config": {
                    "uri": uri,
                    "headers": [{"key": "X-Other", "value": "some"}],
                    "authScheme": {"type": "HEADER", "key": "Authorization", "value": "s3cret value"},
                },
            },
        }
    )


def text(value):
    return getattr(value, "value", value)


def brief(answer):
    hook, _, error = answer
    assert error is None, error
    return [text(hook.status), text(hook.verification_status), hook.name]


def trouble(answer):
    error = answer[-1]
    assert error is not None
    return [error.status, error.error_code, getattr(error, "error_summary", None) or error.message]


def day(offset):
    return (datetime.now(UTC) + timedelta(days=offset)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def life(client, first, second):
    created = await client.create_event_hook(hook_of("SDK hook", first))
    hook_id = created[0].id
    seen = {"id": hook_id, "created": brief(created)}
    seen["verified"] = brief(await client.verify_event_hook(hook_id))
    seen["listed"] = [hook.id for hook in (await client.list_event_hooks())[0]]
    seen["read"] = brief(await client.get_event_hook(hook_id))
    replaced = await client.replace_event_hook(hook_id, hook_of("SDK hook, renamed", second))
    seen["replaced"] = brief(replaced)
    seen["replaced_uri"] = replaced[0].channel.config.uri
    seen["verified_again"] = brief(await client.verify_event_hook(hook_id))
    seen["deactivated"] = brief(await client.deactivate_event_hook(hook_id))
    seen["activated"] = brief(await client.activate_event_hook(hook_id))
    await client.deactivate_event_hook(hook_id)
    deleted = await client.delete_event_hook(hook_id)
    seen["deleted_error"] = deleted[-1] and str(deleted[-1])
    seen["listed_after"] = [hook.id for hook in (await client.list_event_hooks())[0]]
    events, _, error = await client.list_log_events(
        filter=f'target.id eq "{hook_id}"', limit=100, sort_order="ASCENDING"
    )
    assert error is None, error
    seen["log"] = [
        {"eventType": one.event_type, "target": one.target[0].id, "result": text(one.outcome.result)} for one in events
    ]
    return seen


async def filtered(client, uri):
    condition = {"expression": "event.outcome.result eq 'FAILURE'", "version": None}
    chosen = {
        "type": "EXPRESSION_LANGUAGE",
        "eventFilterMap": [{"event": "user.lifecycle.create", "condition": condition}],
    }
    created, _, error = await client.create_event_hook(hook_of("filtered", uri, chosen))
    assert error is None, error
    brief(await client.verify_event_hook(created.id))
    read = created.events.filter
    entry = read.event_filter_map[0]
    return {"type": read.type, "event": entry.event, "expression": entry.condition.expression}


async def pages(client, expression='eventType eq "user.lifecycle.create"', order="ASCENDING", words=None):
    found, sizes = [], []
    query = {"filter": expression or None, "q": words, "limit": 10, "sort_order": order}
    query |= {"since": day(-1), "until": day(1)}  # an end, or it would be a poll, whose links never end
    answer = await client.list_log_events(**query)
    while True:
        events, response, error = answer
        assert error is None, error
        found += [one.uuid for one in events]
        sizes.append(len(events))
        link = response.headers.get("Link", "")  # the SDK keeps the last line alone: next, if there is one
        if 'rel="next"' not in link:
            return {"uuids": found, "pages": sizes}
        after = unquote(link.split("after=")[1].split("&")[0].split(">")[0])
        answer = await client.list_log_events(after=after, **query)


async def polled(client, since):
    """Follow next as a poller does, until a page is empty."""
    found, after = [], None
    while True:
        events, response, error = await client.list_log_events(since=since, limit=10, after=after)
        assert error is None, error
        link = response.headers.get("Link", "")
        assert 'rel="next"' in link, link
        if not events:
            return {"uuids": [one.uuid for one in found]}
        found += events
        after = unquote(link.split("after=")[1].split("&")[0].split(">")[0])


async def errors(client, good, dead):
    seen = {"unknown": trouble(await client.get_event_hook("who00000000000000000"))}
    active = (await client.create_event_hook(hook_of("active", good)))[0]
    seen["active"] = trouble(await client.delete_event_hook(active.id))
    unverified = (await client.create_event_hook(hook_of("unverified", dead)))[0]
    seen["unverified"] = trouble(await client.verify_event_hook(unverified.id))
    return seen


def inline_of(name, channel, **more):
    return {"name": name, "version": "1.0.0", "channel": channel, **more}


def over_http(uri):
    scheme = {"type": "HEADER", "key": "Authorization", "value": "s3cret value"}
    config = {"uri": uri, "method": "POST", "headers": [{"key": "X-Other", "value": "some"}], "authScheme": scheme}
    return {"type": "HTTP", "version": "1.0.0", "config": config}


async def inline(client, first, second):
    """The whole life of an inline hook."""
    kind = "com.okta.oauth2.tokens.transform"
    made = done(
        await client.create_inline_hook(InlineHookCreate.from_dict(inline_of("SDK", over_http(first), type=kind)))
    )
    hook_id, seen = made.id, {"id": made.id, "created": inline_brief(made)}
    seen["listed"] = [one.id for one in done(await client.list_inline_hooks(type=kind))]
    seen["others"] = [one.id for one in done(await client.list_inline_hooks(type="com.okta.import.transform"))]
    seen["read"] = inline_brief(done(await client.get_inline_hook(hook_id)))
    whole = InlineHookReplace.from_dict(inline_of("SDK, renamed", over_http(second)))
    seen["replaced"] = inline_brief(done(await client.replace_inline_hook(hook_id, whole)))
    changed = InlineHookReplace.from_dict(inline_of("SDK, changed", over_http(first)))
    seen["updated"] = inline_brief(done(await client.update_inline_hook(hook_id, changed)))
    seen["active"] = trouble(await client.delete_inline_hook(hook_id))
    seen["deactivated"] = inline_brief(done(await client.deactivate_inline_hook(hook_id)))
    seen["activated"] = inline_brief(done(await client.activate_inline_hook(hook_id)))
    done(await client.deactivate_inline_hook(hook_id))
    done(await client.delete_inline_hook(hook_id))
    seen["gone"] = trouble(await client.get_inline_hook(hook_id))
    return seen


async def keys(client, uri):
    """The whole life of a hook key, and a hook that signs with it.

    Keys are read beside the SDK's model, which wants `isUsed` as a text: on Okta's wire, too, it is true or false. The
    hook is written beside it, for of an OAUTH channel it sends the authType alone.
    """
    made = await raw(client, "POST", "/api/v1/hook-keys", {"name": "SDK key"})
    path = f"/api/v1/hook-keys/{made['id']}"
    seen = {"id": made["id"], "key_id": made["keyId"], "made": [made["name"], made["isUsed"], made["_embedded"]["kid"]]}
    seen["listed"] = [one["id"] for one in await raw(client, "GET", "/api/v1/hook-keys")]
    seen["public"] = done(await client.get_public_key(made["keyId"])).kid
    seen["renamed"] = (await raw(client, "PUT", path, {"name": "SDK key, renamed"}))["name"]
    config = {"uri": uri, "method": "POST", "headers": [], "authType": "private_key_jwt", "clientId": "tenterhook"}
    config |= {"tokenUrl": uri, "hookKeyId": made["id"]}
    channel = {"type": "OAUTH", "version": "1.0.0", "config": config}
    wanted = inline_of("signs", channel, type="com.okta.import.transform")
    hook = await raw(client, "POST", "/api/v1/inlineHooks", wanted)
    seen["channel"] = text(done(await client.get_inline_hook(hook["id"])).channel.type)
    seen["used"] = trouble(await client.delete_hook_key(made["id"]))
    done(await client.deactivate_inline_hook(hook["id"]))
    done(await client.delete_inline_hook(hook["id"]))
    done(await client.delete_hook_key(made["id"]))
    seen["gone"] = trouble(await client.get_hook_key(made["id"]))
    return seen


async def raw(client, method, path, body=None):
    """Call through the SDK's own executor and return the answer's JSON."""
    executor = client.get_request_executor()
    request, error = await executor.create_request(method, f"{client.get_base_url()}{path}", body)
    assert error is None, error
    _, said, error = await executor.execute(request)
    assert error is None, error
    return json.loads(said)


def inline_brief(hook):
    return [text(hook.status), hook.name, text(hook.type), hook.channel.config.uri]


def done(answer):
    assert answer[-1] is None, answer[-1]
    return answer[0]


async def token(client):
    return {"error": trouble(await client.list_event_hooks())}


def main(url, secret, what, *arguments):
    client = Client({"orgUrl": url, "token": secret})
    conversations = (life, filtered, inline, keys, pages, polled, errors, token)
    done = asyncio.run({one.__name__: one for one in conversations}[what](client, *arguments))
    print(json.dumps(done))


main(*sys.argv[1:])
