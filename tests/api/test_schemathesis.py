"""The whole document against a running server: calls that fit it, calls that do not, and none that ends in a 5xx.

Deterministic: the same calls every time. Nothing leaves this machine: the one name that resolves is the receiver's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from api_rig import api_at, receiving, served
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks as _registered  # noqa: F401 - brings the checks with it
from schemathesis.checks import CHECKS

from tenterhook.api.app import resource_routes
from tenterhook.api.openapi.document import document
from tenterhook.domain.address import Address
from tenterhook.domain.inline.sample import sample_data
from tenterhook.door.rate_limit import Bucket, RateLimits
from tenterhook.egress.client import Client
from tenterhook.egress.resolve import ResolveError

EXAMPLES, EXAMPLES_THERE = 20, 10
SCHEMA = schemathesis.openapi.from_dict(
    document(resource_routes(), "http://localhost:8080"),
    config=schemathesis.Config.from_dict(
        {
            "generation": {"deterministic": True, "max-examples": EXAMPLES, "database": "none"},
            "phases": {"stateful": {"enabled": False}},
        }
    ),
)
#: An answer without an end; what it refuses is tested with it.
SCHEMA = SCHEMA.exclude(operation_id="streamLogEvents")
EXPECTED = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    )
]


@schemathesis.serializer("application/x-ndjson")
def spell_lines(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """One value as one line."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


class OnlyLoopback:
    """Resolves one name, so that a generated address leads nowhere."""

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        if host == "localhost":
            return [ip_address("127.0.0.1")]
        raise ResolveError("no such name")


@dataclass
class Running:
    """A server in a thread of its own, and what its log and org hold."""

    url: str = ""
    receiver: str = ""
    token: str = ""
    known: dict[str, str] = field(default_factory=dict)
    ready: threading.Event = field(default_factory=threading.Event)
    failed: BaseException | None = None
    loop: asyncio.AbstractEventLoop | None = None
    stop: asyncio.Event | None = None

    def run(self, path: Path) -> None:
        try:
            asyncio.run(self._serve(path))
        except BaseException as error:
            self.failed = error
        finally:
            self.ready.set()

    async def _serve(self, path: Path) -> None:
        self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
        many = RateLimits(**{bucket.value: 1_000_000 for bucket in Bucket})
        async with receiving(204) as receiver, api_at(path, limits=many) as api, served(api) as wire:
            api.pipeline.client = Client(api.pipeline.rules, resolver=OnlyLoopback())
            hook = await api.add_hook(receiver.url)
            (uuid,) = await api.publish()
            delivery = await api.wait_for(hook, "DELIVERED")
            admin = (await api.call("GET", "/api/v1/admins")).json()[0]
            org = (await api.call("GET", "/api/v1/orgs")).json()[0]
            self.known = {"hookId": hook.id, "uuid": uuid, "eventId": delivery["id"]}
            key = (await api.call("POST", "/api/v1/hook-keys", json={"name": "Key"})).json()
            inline = (await api.call("POST", "/api/v1/inlineHooks", json=inline_body(receiver.url))).json()
            self.known |= {"inlineHookId": inline["id"], "hookKeyId": key["id"], "keyId": key["keyId"]}
            self.known |= {"name": "user.session.start", "adminId": admin["id"], "orgId": org["id"]}
            self.receiver = receiver.url
            self.url, self.token = f"http://localhost:{wire.port}", api.token
            self.ready.set()
            await self.stop.wait()
            await api.pipeline.client.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running()
    thread = threading.Thread(target=running.run, args=(tmp_path_factory.mktemp("fuzz") / "data",))
    thread.start()
    running.ready.wait(30)
    assert running.failed is None
    yield running
    assert running.loop is not None
    assert running.stop is not None
    running.loop.call_soon_threadsafe(running.stop.set)
    thread.join(30)
    assert running.failed is None


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_no_call_ends_in_a_server_error_or_in_an_answer_that_is_not_described(
    case: schemathesis.Case, server: Running
) -> None:
    answer = call(case, server)
    case.validate_response(answer, checks=EXPECTED[:-1] if is_bare(case) else EXPECTED)


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES_THERE,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
def test_calls_on_what_there_is_end_as_described(case: schemathesis.Case, server: Running) -> None:
    lead_to_what_there_is(case, server)
    answer = call(case, server)
    case.validate_response(answer, checks=EXPECTED[:-1])


def lead_to_what_there_is(case: schemathesis.Case, server: Running) -> None:
    """Put ids, addresses and names that mean something here into a generated call."""
    for name in case.path_parameters or {}:
        case.path_parameters[name] = server.known.get(name, "00T00000000000000000")
    for name in ("If-Match", "X-Tenterhook-Org"):
        (case.headers or {}).pop(name, None)
    if case.method == "DELETE":  # the others need them
        nobodys = {"hookId": "who", "inlineHookId": "cal", "hookKeyId": "HKY"}
        case.path_parameters |= {
            name: nobodys[name] + "0" * 17 for name in case.path_parameters or {} if name in nobodys
        }
    body = case.body if isinstance(case.body, dict) else {}
    if isinstance(body.get("channel"), dict) and isinstance(body["channel"].get("config"), dict):
        body["channel"]["config"]["uri"] = server.receiver
        if "tokenUrl" in body["channel"]["config"]:
            body["channel"]["config"]["tokenUrl"] = server.receiver
    if isinstance(body.get("events"), dict):
        body["events"]["items"] = ["user.lifecycle.create", "user.session.start"]
        body["events"].pop("filter", None)
    if "inline" in case.path:
        lead_to_an_inline_hook(case, body)
    elif case.path.endswith("/preview") and not {"event", "uuid"} & body.keys():
        case.body = {"eventType": "user.session.start", "deliver": body.get("deliver", True)}


def lead_to_an_inline_hook(case: schemathesis.Case, body: dict[str, Any]) -> None:
    """Ask the hook that there is something that its type has."""
    kind = inline_body("")["type"]
    if case.path.endswith("/preview"):
        case.body = {"deliver": body.get("deliver", True)}
    elif case.path.endswith("/execute"):
        case.body = {"data": sample_data(kind), **{key: body[key] for key in body.keys() - {"data", "requestType"}}}
        case.body["eventType"] = kind
    elif case.path.endswith("/inlineCalls"):
        case.body = {"type": kind, "data": sample_data(kind)}


def inline_body(uri: str) -> dict[str, Any]:
    channel = {"type": "HTTP", "version": "1.0.0", "config": {"uri": uri}}
    return {"name": "Inline", "type": "com.okta.import.transform", "version": "1.0.0", "channel": channel}


def is_bare(case: schemathesis.Case) -> bool:
    """Whether the log is asked with an empty parameter, which counts as absent: no schema can say that."""
    return case.path == "/api/v1/logs" and "" in (case.query or {}).values()


def call(case: schemathesis.Case, server: Running) -> Any:
    return case.call(base_url=server.url, headers={"Authorization": f"SSWS {server.token}"}, timeout=20)
