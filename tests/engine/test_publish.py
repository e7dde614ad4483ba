"""Publishing: what is taken in, what is refused with every problem named, and what a repeated event does."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from engine_rig import NOW, ORG, OTHER, Rig, hook, run

from tenterhook.domain.strict_json import reload
from tenterhook.domain.timestamp import format_ms
from tenterhook.engine.publish import (
    MANY_COMMAS,
    MAX_BODY_BYTES,
    MAX_CAUSES,
    MAX_EVENTS,
    Publishing,
    PublishResult,
    split,
)
from tenterhook.errors import CallerError, InvalidError, MalformedBodyError, OverloadedError, TooLargeError
from tenterhook.store.database import Database
from tenterhook.store.schema import State

UUID = "0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10"

#: row of the security checks (and a letter), and the bytes of one event
BAD_EVENTS: list[tuple[str, bytes]] = [
    ("137a", b"[" * 100_000),
    ("137b", b'{"a":' * 100_000),
    ("137c", b'{"eventType":"a","x":' + b"[" * 40 + b'"' + b'\\"' * 120_000),
    ("138a", b'{"eventType":"a","x":' + b"1" * 4_301 + b"}"),
    ("138b", b'{"eventType":"a","x":' + b"1" * 250_000 + b"}"),
    ("139a", b'{"eventType":"a","x":1e400}'),
    ("139b", b'{"eventType":"a","x":-1e400}'),
    ("139c", b'{"eventType":"a","x":1e999999999}'),
    ("139d", b'{"eventType":"a","x":NaN}'),
    ("139e", b'{"eventType":"a","x":[Infinity]}'),
    ("140a", b'{"eventType":"a","published":9223372036854775808}'),
    ("140b", b'{"eventType":9007199254740993}'),
    ("141a", b'{"eventType":"a","eventType":"b"}'),
    ("141b", b'{"eventType":"a","uuid":"%s","uuid":"%s"}' % (UUID.encode(), UUID.encode())),
    ("141c", b'{"eventType":"a","actor":{"id":"1","id":"2","type":"t"}}'),
    ("142a", b'{"eventType":"a","x":"\\ud800"}'),
    ("142b", b'{"eventType":"\\udfff"}'),
    ("143", b'{"eventType":"a","x":"\xed\xa0\x80"}'),
    ("144a", b'{"eventType":"a\\u0000b"}'),
    ("144b", b'{"eventType":"a","displayMessage":"a\\u0000b"}'),
    ("145a", b'{"eventType":"a","x":"\xff"}'),
    ("145b", b'{"eventType":"a","x":"\xc0\xaf"}'),
    ("146a", b'\xef\xbb\xbf{"eventType":"a"}'),
    ("146b", '{"eventType":"a"}'.encode("utf-16")),
    ("146c", '{"eventType":"a"}'.encode("utf-32")),
    ("147a", b'{"eventType":"a"} {}'),
    ("147b", b'{"eventType":"a",}'),
    ("147c", b'{"eventType":"a"} // no'),
    ("147d", b"{'eventType':'a'}"),
    ("147e", b'{"eventType":"a","x":01}'),
    ("147f", b'{"eventType":"a","x":0x10}'),
    ("147g", b'{"eventType":"a","x":"a\tb"}'),
    ("148a", b'{"eventType":"a",' + b",".join(b'"k%d":1' % at for at in range(10_001)) + b"}"),
    ("148b", b'{"eventType":"a","x":[' + b"1," * 100_000 + b"1]}"),
    ("148c", b'{"eventType":"a","' + b"k" * 257 + b'":1}'),
    ("153a", b'{"eventType":"a","uuid":"1"}'),
    ("153b", b'{"eventType":"a","uuid":"urn:uuid:%s"}' % UUID.encode()),
    ("154a", b'{"eventType":"a","published":"9999-12-31T23:59:59Z"}'),
    ("154b", b'{"eventType":"a","published":"1900-01-01T00:00:00Z"}'),
    ("154c", b'{"eventType":"a","published":"2024-02-30T00:00:00Z"}'),
    ("154d", b'{"eventType":"a","published":"2026-01-02T03:04:05"}'),
    ("154e", b'{"eventType":"a","published":"2026-01-02T03:04:05.' + b"1" * 200_000 + b'Z"}'),
    ("type", b'{"eventType":"event_hook.created"}'),
    ("none", b"{}"),
]


@pytest.mark.parametrize(("row", "event"), BAD_EVENTS, ids=[row for row, _ in BAD_EVENTS])
def test_a_bad_event_is_the_callers_error_alone_in_an_array_and_in_a_line(
    tmp_path: Path, row: str, event: bytes
) -> None:
    good = b'{"eventType":"a.b"}'

    async def story(rig: Rig) -> None:
        for body, ndjson in ((event, False), (b"[" + good + b"," + event + b"]", False), (good + b"\n" + event, True)):
            with pytest.raises(CallerError) as caught:
                await rig.publish(body, ndjson=ndjson)
            assert len(str(caught.value)) < 1000
            str(caught.value).encode()
        assert await rig.rows("SELECT count(*) FROM log_event") == [(0,)]
        assert (await rig.publish(good)).accepted == 1

    run(tmp_path, story)


BAD_BODIES: list[tuple[str, bytes, type[CallerError]]] = [
    ("empty", b"", MalformedBodyError),
    ("blank", b" \r\n\t", MalformedBodyError),
    ("text", b'"x"', MalformedBodyError),
    ("number", b"1", MalformedBodyError),
    ("null", b"null", MalformedBodyError),
    ("two arrays", b"[] []", MalformedBodyError),
    ("trailing comma", b'[{"eventType":"a"},]', MalformedBodyError),
    ("unclosed", b'[{"eventType":"a"}', MalformedBodyError),
    ("146 array", b"\xef\xbb\xbf[]", MalformedBodyError),
    ("136", b" " * (MAX_BODY_BYTES + 1), TooLargeError),
    ("137 array", b"[" * 1_000_000, CallerError),
    ("148 numbers", b"[" + b"1," * 4_000_000 + b"1]", InvalidError),
    ("148 objects", b"[" + b"{}," * 2_700_000 + b"{}]", InvalidError),
    ("148 in strings", b"[" + b'"' + b"," * 7_000_000 + b'"' + b"]", InvalidError),
    ("148 blanks", b" " * 8_000_000, MalformedBodyError),
    ("too many", b"[" + b",".join([b"{}"] * (MAX_EVENTS + 1)) + b"]", InvalidError),
]


@pytest.mark.parametrize(("name", "body", "error"), BAD_BODIES, ids=[name for name, _, _ in BAD_BODIES])
def test_a_body_that_is_no_event_no_array_and_no_lines_is_the_callers_error(
    tmp_path: Path, name: str, body: bytes, error: type[CallerError]
) -> None:
    async def story(rig: Rig) -> None:
        with pytest.raises(error):
            await rig.publish(body)
        assert (await rig.publish(b'{"eventType":"a.b"}')).accepted == 1

    run(tmp_path, story)


@pytest.mark.parametrize("body", [b"1\n" * 4_000_000, b"{}\n" * (MAX_EVENTS + 1), b"[]", b"\xef\xbb\xbf{}"])
def test_lines_that_are_too_many_or_no_objects_are_the_callers_error(tmp_path: Path, body: bytes) -> None:
    async def story(rig: Rig) -> None:
        with pytest.raises(InvalidError):
            await rig.publish(body, ndjson=True)

    run(tmp_path, story)


def test_an_array_of_a_thousand_events_with_many_commas_is_taken() -> None:
    event = b'{"eventType":"a","x":[' + b"1," * 300 + b'"],[,"]}'
    body = b" [" + b",".join([event] * MAX_EVENTS) + b"]"
    assert body.count(b",") > MANY_COMMAS
    raws, single = asyncio.run(split(body, ndjson=False))
    assert (len(raws), single) == (MAX_EVENTS, False)
    with pytest.raises(InvalidError, match="More than 1,000 events"):
        asyncio.run(split(b" [" + b",".join([event] * (MAX_EVENTS + 1)) + b"]", ndjson=False))


@pytest.mark.parametrize(
    ("body", "ndjson"),
    [(b"[" + b"{}," * 2_700_000 + b"{}]", False), (b"11\n" * 2_700_000, True)],
    ids=["array", "lines"],
)
def test_millions_of_tiny_events_are_refused_before_they_take_memory(body: bytes, ndjson: bool) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InvalidError):
            asyncio.run(split(body, ndjson=ndjson))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 16 * 1024 * 1024


def test_all_forms_of_a_body_are_taken(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        assert (await rig.publish(b' \n{"eventType":"a.b"}\n')).accepted == 1
        assert (await rig.publish(b' [{"eventType":"a.b"} , {"eventType":"a.c"}] ')).accepted == 2
        lines = b'{"eventType":"a.b"}\r\n\n  \n{"eventType":"a.c"}'
        assert (await rig.publish(lines, ndjson=True)).accepted == 2
        assert await rig.rows("SELECT count(*) FROM log_event") == [(5,)]

    run(tmp_path, story)


def test_every_problem_of_every_event_is_named_with_its_place_and_nothing_is_stored(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        with pytest.raises(InvalidError) as caught:
            await rig.publish({"eventType": "a"}, {"eventType": "b", "published": 1, "uuid": "x"}, {"severity": "LOUD"})
        fields = [text.partition(": ")[0] for text in caught.value.problems]
        assert fields == ["events[1].published", "events[1].uuid", "events[2].eventType", "events[2].severity"]
        assert await rig.rows("SELECT count(*) FROM log_event") == [(0,)]

    run(tmp_path, story)


def test_the_problems_that_are_told_have_a_number_and_a_size(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        bad = [{"eventType": "a", "outcome": {"result": "x" * 5000}} for _ in range(300)]
        with pytest.raises(InvalidError) as caught:
            await rig.publish(*bad)
        assert len(caught.value.problems) == MAX_CAUSES + 1
        assert "200 more problems" in caught.value.problems[-1]
        assert sum(map(len, caught.value.problems)) < 50_000

    run(tmp_path, story)


# -- duplicates --------------------------------------------------------------------------------------------------------


def shown(result: PublishResult) -> list[tuple[bool, bool]]:
    """Return (duplicate, conflict) of each event."""
    return [(bool(one["duplicate"]), bool(one.get("conflict", False))) for one in result.events]


def test_an_event_that_is_published_again_is_a_duplicate_and_is_delivered_once(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook())
        event = {"uuid": UUID, "eventType": "a.b", "client": {}, "data": {"x": 1}}
        assert shown(await rig.publish(event)) == [(False, False)]
        await rig.all_delivered(1)
        again = await rig.publish(event, {**event, "uuid": UUID.upper()}, {**event, "data": {"x": 2}})
        assert shown(again) == [(True, False), (True, False), (True, True)]
        assert (again.accepted, again.duplicates) == (0, 3)
        assert [one["uuid"] for one in again.events] == [UUID] * 3
        assert await rig.rows("SELECT count(*) FROM log_event") == [(1,)]
        await rig.all_delivered(1)

    run(tmp_path, story)


def test_a_uuid_twice_in_one_body_is_stored_once(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        event = {"uuid": UUID, "eventType": "a.b"}
        result = await rig.publish(event, event, {**event, "severity": "WARN"})
        assert shown(result) == [(False, False), (True, False), (True, True)]
        assert (result.accepted, result.duplicates) == (1, 2)

    run(tmp_path, story)


def test_a_uuid_in_two_calls_of_one_commit_is_stored_once(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        event = {"uuid": UUID, "eventType": "a.b"}
        results = await asyncio.gather(*(rig.publish(event) for _ in range(20)))
        assert sum(result.accepted for result in results) == 1
        assert sum(result.duplicates for result in results) == 19
        assert not any(conflict for result in results for _, conflict in shown(result))
        assert await rig.rows("SELECT count(*) FROM log_event") == [(1,)]

    run(tmp_path, story)


def test_another_orgs_uuid_is_free_and_reaches_only_its_own_hooks(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook("a", ORG), hook("b", OTHER))
        event = {"uuid": UUID, "eventType": "a.b"}
        assert shown(await rig.publish(event)) == [(False, False)]
        assert shown(await rig.publish({**event, "severity": "WARN"}, org_id=OTHER)) == [(False, False)]
        await rig.all_delivered(2)
        assert sorted(await rig.rows("SELECT org_id, hook_id FROM delivery")) == [
            (ORG, hook("a").id),
            (OTHER, hook("b").id),
        ]

    run(tmp_path, story)


# -- what is stored ----------------------------------------------------------------------------------------------------


def test_numbers_keep_their_spelling_in_the_log_and_in_the_hooks_body(tmp_path: Path) -> None:
    numbers = b'{"price":1.10,"big":9007199254740993,"huge":-9223372036854775809,"e":1e+16,"z":-0}'

    async def story(rig: Rig) -> None:
        await rig.put(hook())
        await rig.publish(b'{"eventType":"a.b","data":' + numbers + b"}")
        await rig.all_delivered(1)
        ((body,),) = await rig.rows("SELECT body FROM log_event")
        assert numbers in body
        assert numbers in rig.carrier.elements[1][0]
        assert numbers in (await rig.carrier.read_back([1]))[1][0]
        assert rig.carrier.elements[1] == (await rig.carrier.read_back([1]))[1]
        assert reload(body)["eventType"] == "a.b"

    run(tmp_path, story)


def test_a_leap_second_is_the_second_after_it(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.publish({"eventType": "a.b", "published": "2026-01-01T23:59:60Z"})
        ((body,),) = await rig.rows("SELECT body FROM log_event")
        assert json.loads(body)["published"] == "2026-01-02T00:00:00.000Z"

    run(tmp_path, story)


def test_the_answer_has_a_uuid_for_every_event_in_its_order_and_they_are_those_of_the_log(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        events: list[dict[str, Any]] = [{"eventType": f"a.{at}", "published": format_ms(NOW - at)} for at in range(50)]
        result = await rig.publish(*events)
        bodies = [json.loads(body) for (body,) in await rig.rows("SELECT body FROM log_event ORDER BY seq")]
        assert [one["uuid"] for one in result.events] == [body["uuid"] for body in bodies]
        assert [body["eventType"] for body in bodies] == [event["eventType"] for event in events]
        assert {body["transaction"]["id"] for body in bodies} == {"request-1"}

    run(tmp_path, story)


def test_many_calls_at_once_share_commits_and_deliveries(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook())
        before = rig.database.commits
        results = await asyncio.gather(*(rig.publish({"eventType": "a.b"}) for _ in range(300)))
        assert sum(result.accepted for result in results) == 300
        assert rig.database.commits - before < 100
        ((carried, made),) = await rig.rows("SELECT count(*), count(DISTINCT delivery_id) FROM delivery_event")
        assert carried == 300
        assert made < 100
        await rig.all_delivered(made)

    run(tmp_path, story)


def test_what_was_answered_survives_in_a_copy_of_the_file(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.put(hook())
        rig.carrier.open.clear()
        await rig.publish({"eventType": "a.b"})
        copy = tmp_path / "copy"
        copy.mkdir()
        for name in ("events.db", "events.db-wal"):
            (copy / name).write_bytes((tmp_path / name).read_bytes())
        again = Database(copy / "events.db")
        sql = "SELECT (SELECT count(*) FROM log_event), (SELECT count(*) FROM delivery)"
        ((events, deliveries),) = again.run_now(lambda tx: tx.driver.execute(sql).fetchall())
        await again.close()
        assert (events, deliveries) == (1, 1)

    run(tmp_path, story)


# -- refused early -----------------------------------------------------------------------------------------------------


def test_a_nearly_full_disk_refuses_before_anything_is_read(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.publishing = Publishing(rig.pipeline, disk_floor_bytes=1 << 62)
        with pytest.raises(OverloadedError) as caught:
            await rig.publish(b"not even JSON")
        assert caught.value.retry_after_s == 30

    run(tmp_path, story)


def test_a_dead_hooks_backlog_refuses_nobody(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.carrier.closed_for.add(hook("a").id)
        await rig.put(hook("a", max_concurrency=1, max_events_per_request=1), hook("b"))
        for _ in range(5):
            await rig.publish(*({"eventType": "a.b"} for _ in range(200)))
        await rig.reach(State.DELIVERED, 10)
        assert (await rig.publish({"eventType": "a.b"})).accepted == 1
        assert rig.lanes.queued <= 256

    run(tmp_path, story)
