"""POST /api/v1/events at its edge: media types, answers, and callers that go away."""

from __future__ import annotations

import asyncio
import threading

import msgspec
from api_rig import EVENT, Api, Wire, until, with_api, with_wire
from test_frame import assert_error

from tenterhook.store.write_queue import Class

UUID = "0199b8a4-7c1d-7000-8000-00000000000a"


async def count(api: Api) -> int:
    return len((await api.call("GET", '/api/v1/logs?limit=1000&filter=eventType eq "user.lifecycle.create"')).json())


@with_api()
async def test_one_event_a_list_and_lines_are_taken(api: Api) -> None:
    line = msgspec.json.encode(EVENT)
    for body, kind, accepted in (
        (line, "application/json", 1),
        (b"[" + line + b"," + line + b"]", "application/json", 2),
        (line + b"\n" + line + b"\n" + line, "application/x-ndjson", 3),
        (line + b"\r\n", "application/ndjson; charset=utf-8", 1),
    ):
        answer = await api.call("POST", "/api/v1/events", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert list(told) == ["accepted", "duplicates", "events"]
        assert (told["accepted"], told["duplicates"], len(told["events"])) == (accepted, 0, accepted)
        assert all(set(event) == {"uuid", "duplicate"} for event in told["events"])
    assert await count(api) == 7


@with_api()
async def test_a_known_uuid_is_a_duplicate_and_says_if_it_differs(api: Api) -> None:
    event = {**EVENT, "uuid": UUID}
    await api.publish(event)
    same = (await api.call("POST", "/api/v1/events", json=event)).json()
    assert same == {"accepted": 0, "duplicates": 1, "events": [{"uuid": UUID, "duplicate": True}]}
    other = (await api.call("POST", "/api/v1/events", json={**event, "displayMessage": "another"})).json()
    assert other["events"] == [{"uuid": UUID, "duplicate": True, "conflict": True}]
    assert await count(api) == 1


@with_api()
async def test_a_batch_with_one_bad_event_stores_none_of_it(api: Api) -> None:
    answer = await api.call("POST", "/api/v1/events", json=[EVENT, {"eventType": 5}, EVENT, {}])
    told = assert_error(answer, 400, "E0000001")
    places = [cause["errorSummary"].split(".")[0] for cause in told["errorCauses"]]
    assert set(places) == {"events[1]", "events[3]"}
    assert await count(api) == 0


@with_wire()
async def test_a_caller_that_goes_away_after_its_last_byte_has_published(wire: Wire) -> None:
    body = msgspec.json.encode(EVENT)
    head = wire.head(
        "/api/v1/events", "POST", f"Authorization: SSWS {wire.api.token}", "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )  # fmt: skip
    gate, begun = threading.Event(), threading.Event()
    held = asyncio.create_task(wire.api.pipeline.database.write(lambda tx: begun.set() or gate.wait(10)))
    await until(begun.is_set)  # or both would go into one commit, and nothing would wait
    _, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(head + body)
    await until(lambda: wire.api.pipeline.database.waiting_rows(Class.PUBLISH))
    writer.transport.abort()
    _, half = await asyncio.open_connection("127.0.0.1", wire.port)
    half.write(head + body[:5])
    await half.drain()
    half.transport.abort()
    gate.set()
    await held

    async def stored() -> bool:
        return await count(wire.api) == 1

    await until(stored)
    assert wire.api.frame.failures == 0
