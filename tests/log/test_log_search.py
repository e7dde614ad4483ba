"""Pages of the log: polled in the order of commits, bounded in the order of publishing; on a real database."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logbook import NOW, OURS, THEIRS, WEEK_AGO, Logbook, event, principal, run, uuids

from tenterhook.domain.filter_ast import holds
from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.domain.log_query import read_log_query
from tenterhook.domain.timestamp import DAY_MS, format_ms
from tenterhook.engine import search_logs as verb
from tenterhook.engine.long_searches import LongSearches
from tenterhook.errors import InvalidError, QueryTimeoutError
from tenterhook.store import log_index, log_search

BOUNDS = {"since": WEEK_AGO, "until": format_ms(NOW + 1)}


def named(*names: int, published: int = NOW) -> list[dict[str, Any]]:
    return [event(published, actor={"id": f"00u{name}"}) for name in names]


def flat(pages: list[list[str]]) -> list[str]:
    return [uuid for page in pages for uuid in page]


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [one["uuid"] for one in events]


LOGS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ab")), max_size=40)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(LOGS, st.integers(1, 7))
def test_following_next_gives_every_event_once_in_its_order(log: list[tuple[int, str]], limit: int) -> None:
    events = [event(NOW - moment, f"type.{kind}") for moment, kind in log]

    async def story(book: Logbook) -> None:
        half = len(events) // 2
        await book.append(events[:half])
        await book.append([event(NOW)], org_id=THEIRS)
        await book.append(events[half:])
        by_time = [one["uuid"] for one in sorted(events, key=lambda one: one["published"])]
        only_a = [one["uuid"] for one in events if one["eventType"] == "type.a"]
        text = str(limit)
        assert flat(await book.walk(limit=text)) == ids(events)
        assert flat(await book.walk(limit=text, filter='eventType eq "type.a"')) == only_a
        assert flat(await book.walk(limit=text, filter='not eventType eq "type.b"')) == only_a
        pages = await book.walk(limit=text, **BOUNDS)
        assert flat(pages) == by_time
        assert all(len(page) == limit for page in pages[:-1])
        assert len(pages) == max(1, -(-len(events) // limit))
        assert flat(await book.walk(limit=text, sortOrder="DESCENDING")) == list(reversed(by_time))

    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), story)


def test_polling_gives_late_events_that_the_order_of_publishing_would_hide(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        early, late = event(NOW - 10), event(NOW - DAY_MS)
        await book.append([early])
        page = await book.page(since=WEEK_AGO)
        assert uuids(page) == ids([early])
        await book.append([late])
        assert page.after is not None
        assert uuids(await book.page(since=WEEK_AGO, after=page.after)) == ids([late])
        assert flat(await book.walk(**BOUNDS)) == ids([late, early])

    run(tmp_path, story)


def test_on_the_tail_of_a_poll_next_stays_where_it_is_until_something_comes(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        empty = await book.page()
        assert (empty.bodies, empty.has_next, empty.after) == ([], True, None)
        first, second = event(), event()
        await book.append([first])
        page = await book.page()
        assert page.after is not None
        tail = await book.page(after=page.after)
        assert (tail.bodies, tail.has_next, tail.after) == ([], True, None)
        await book.append([second])
        assert uuids(await book.page(after=page.after)) == ids([second])

    run(tmp_path, story)


def test_a_poll_never_gives_an_event_that_is_not_committed_and_none_twice(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        written: list[str] = []

        async def write() -> None:
            for _ in range(60):
                events = [event(NOW - random.randrange(1000)) for _ in range(3)]
                await book.append(events)
                written.extend(ids(events))

        seen: list[str] = []
        after: dict[str, str] = {}
        writing = asyncio.create_task(write())
        while not writing.done() or len(seen) < 180:
            page = await book.page(limit="7", **after)
            seen += uuids(page)
            after = {"after": page.after} if page.after else after
            await asyncio.sleep(0)
        await writing
        assert seen == written

    run(tmp_path, story)


def test_since_is_about_the_commit_when_polling_and_about_publishing_when_bounded(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        old, new = event(NOW - 2 * DAY_MS), event(NOW - 5 * DAY_MS)
        await book.append([old], recorded=NOW - 2 * DAY_MS)
        await book.append([new], recorded=NOW)
        yesterday, the_day_before = format_ms(NOW - DAY_MS), format_ms(NOW - 3 * DAY_MS)
        assert flat(await book.walk(since=yesterday)) == ids([new])
        assert flat(await book.walk(since=the_day_before, until=format_ms(NOW))) == ids([old])

    run(tmp_path, story)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.integers(0, 20), max_size=30), st.integers(-1, 22))
def test_polling_since_any_moment_gives_what_was_recorded_from_then_on(steps: list[int], since: int) -> None:
    async def story(book: Logbook) -> None:
        moments = sorted(NOW - 100 + step for step in steps)
        events = [event(NOW) for _ in moments]
        for one, moment in zip(events, moments, strict=True):
            await book.append([event()], org_id=THEIRS, recorded=moment)
            await book.append([one], recorded=moment)
        start = NOW - 100 + since
        wanted = [one["uuid"] for one, moment in zip(events, moments, strict=True) if moment >= start]
        assert flat(await book.walk(since=format_ms(start))) == wanted

    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), story)


def test_bounds_are_from_since_on_and_before_until(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        events = [event(NOW - moment) for moment in (3, 2, 1)]
        await book.append(events)
        since, until = format_ms(NOW - 3), format_ms(NOW - 1)
        assert flat(await book.walk(since=since, until=until)) == ids(events[:2])
        assert flat(await book.walk(since=since, until=until, sortOrder="DESCENDING")) == ids(events[1::-1])
        assert flat(await book.walk(since=since, until=since)) == []

    run(tmp_path, story)


def test_descending_without_bounds_takes_in_this_very_millisecond(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        events = [event(NOW - 8 * DAY_MS), event(NOW - DAY_MS), event(NOW)]
        await book.append(events)
        assert flat(await book.walk(sortOrder="DESCENDING")) == ids(events[:0:-1])

    run(tmp_path, story)


def test_the_bounds_of_later_pages_are_those_of_the_first(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        events = [event(NOW - 7 * DAY_MS), event(NOW - 6 * DAY_MS)]
        await book.append(events)
        first = await book.page(sortOrder="DESCENDING", limit="1")
        book.now += DAY_MS
        assert first.after is not None
        assert uuids(await book.page(after=first.after, limit="1")) == ids(events[:1])

    run(tmp_path, story)


def test_what_is_older_than_90_days_is_never_given(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        old, kept = event(NOW - 91 * DAY_MS), event(NOW - 89 * DAY_MS)
        await book.append([old], recorded=NOW - 91 * DAY_MS)
        await book.append([kept], recorded=NOW - 89 * DAY_MS)
        since = format_ms(NOW - 100 * DAY_MS)
        assert flat(await book.walk(since=since)) == ids([kept])
        assert flat(await book.walk(since=since, until=format_ms(NOW))) == ids([kept])
        assert flat(await book.walk(since=since, until=format_ms(NOW - 95 * DAY_MS))) == []

    run(tmp_path, story)


def test_a_limit_of_nought_gives_nothing_and_goes_nowhere(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append([event()])
        polled, bounded = await book.page(limit="0"), await book.page(limit="0", **BOUNDS)
        assert (polled.bodies, polled.has_next, polled.after) == ([], True, None)
        assert (bounded.bodies, bounded.has_next) == ([], False)

    run(tmp_path, story)


def test_the_last_bounded_page_has_no_next_even_if_it_is_full(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append([event(), event(), event(), event()])
        page = await book.page(limit="2", **BOUNDS)
        assert page.after is not None
        last = await book.page(limit="2", after=page.after, **BOUNDS)
        assert (len(last.bodies), last.has_next) == (2, False)

    run(tmp_path, story)


def test_the_last_filtered_page_has_no_next_although_rows_follow_it(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append([*named(1, 1), *named(2, 2, 2)])
        page = await book.page(limit="2", filter='actor.id eq "00u1"', **BOUNDS)
        assert (len(page.bodies), page.has_next) == (2, False)

    run(tmp_path, story)


def test_an_org_sees_its_own_events_and_follows_its_own_cursors_only(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        ours, theirs = [event(), event()], [event(), event()]
        await book.append(ours)
        await book.append(theirs, org_id=THEIRS)
        assert flat(await book.walk(org_id=THEIRS)) == ids(theirs)
        for how in ({}, BOUNDS, {"sortOrder": "DESCENDING"}):
            page = await book.page(limit="1", **how)
            assert page.after is not None
            with pytest.raises(InvalidError, match="after"):
                await book.page(org_id=THEIRS, limit="1", after=page.after, **how)
            swapped = page.after[:-1] + ("A" if page.after[-1] != "A" else "B")
            with pytest.raises(InvalidError, match="after"):
                await book.page(limit="1", after=swapped, **how)

    run(tmp_path, story)


HOSTILE = ["' OR 1=1--", '";DROP TABLE log_event;--', "%25_%5C", "100%", "a_b", "*", "[a-z]", "\\", "é", "\x7f", "\n"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("operator", ["eq", "co", "sw", "ew"])
def test_a_value_is_compared_letter_by_letter_and_is_never_sql(tmp_path: Path, operator: str, text: str) -> None:
    async def story(book: Logbook) -> None:
        other = "".join("x" if letter in "%_*[\\" else letter for letter in text)
        wanted = event(displayMessage=text)
        await book.append([event(), wanted, event(displayMessage="xx" + other + "yy" if other != text else "z")])
        assert flat(await book.walk(filter=f"displayMessage {operator} {json.dumps(text)}")) == ids([wanted])

    run(tmp_path, story)


def test_a_filter_on_the_uuid_finds_the_one_event(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        events = [event() for _ in range(20)]
        await book.append(events)
        wanted = events[7]["uuid"]
        for how in ({}, BOUNDS, {"sortOrder": "DESCENDING"}):
            assert flat(await book.walk(filter=f'uuid eq "{wanted}" and severity eq "INFO"', **how)) == [wanted]
            assert flat(await book.walk(filter=f'uuid eq "{wanted}" and severity eq "WARN"', **how)) == []
            assert flat(await book.walk(filter='uuid eq "not a uuid"', **how)) == []

    run(tmp_path, story)


FILTERS = [
    'eventType eq "type.a"',
    'eventType eq "type.a" and actor.id eq "00u1"',
    'target.id eq "T1" and target.id eq "T2"',
    'actor.id eq "00u1" or eventType eq "type.b"',
    'not (actor.id eq "00u1" and eventType eq "type.a")',
    "debugContext.debugData.n eq 7",
    'debugContext.debugData.n eq "true"',
    'outcome.result ne "SUCCESS"',
    "target pr",
    'uuid sw "0"',
]
PARTS = st.fixed_dictionaries(
    {
        "event_type": st.sampled_from(["type.a", "type.b"]),
        "actor": st.sampled_from([{"id": "00u1"}, {"id": "00u2"}]),
        "target": st.none() | st.lists(st.sampled_from([{"id": "T1"}, {"id": "T2"}]), max_size=2),
        "outcome": st.none() | st.sampled_from([{"result": "SUCCESS"}, {"result": "DENY"}]),
        "debugContext": st.fixed_dictionaries(
            {"debugData": st.fixed_dictionaries({"n": st.sampled_from([7, "7", True, "true", 7.0, None])})}
        ),
    }
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(PARTS, max_size=15))
def test_what_sql_rules_out_the_filter_would_not_have_let_through(parts: list[dict[str, Any]]) -> None:
    events = [event(**part) for part in parts]

    async def story(book: Logbook) -> None:
        await book.append(events)
        for text in FILTERS:
            wanted = [one["uuid"] for one in events if holds(parse_log_filter(text), one)]
            assert flat(await book.walk(filter=text, limit="4")) == wanted

    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), story)


# ---- long logs -------------------------------------------------------------------------------------------------------


async def long_log(book: Logbook, count: int) -> None:
    for start in range(0, count, 1000):
        await book.append([event(NOW - count + start + at) for at in range(1000)])


def test_a_search_goes_on_through_as_many_slices_as_the_log_has(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        first, last = event(NOW - 30_000, actor={"id": "00uX"}), event(NOW, actor={"id": "00uX"})
        await book.append([first])
        await long_log(book, 12_000)
        await book.append([last])
        wanted = ids([first, last])
        for text in ('actor.id eq "00uX"', 'not actor.id ne "00uX"'):
            assert flat(await book.walk(filter=text)) == wanted
            assert flat(await book.walk(filter=text, **BOUNDS)) == wanted
            assert flat(await book.walk(filter=text, limit="1", **BOUNDS)) == wanted
            assert flat(await book.walk(filter=text, sortOrder="DESCENDING")) == wanted[::-1]

    run(tmp_path, story)


def test_an_empty_page_moves_on_only_past_many_rows_so_that_a_tail_is_recognised(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        nothing = {"filter": 'actor.id eq "nobody"'}
        await long_log(book, 3_000)
        assert (await book.page(**nothing)).after is None
        await long_log(book, 12_000)
        moved = await book.page(**nothing)
        assert moved.bodies == []
        assert moved.after is not None
        assert (await book.page(after=moved.after, **nothing)).after is None
        found = event(actor={"id": "nobody"})
        await book.append([found])
        assert uuids(await book.page(after=moved.after, **nothing)) == ids([found])

    run(tmp_path, story)


def test_no_search_passes_over_more_rows_at_once_than_a_slice_has(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await long_log(book, 7_000)
        query = read_log_query([("filter", 'actor.id eq "nobody"')], NOW)
        asked = log_search.Range(OURS, log_search.Order.COMMITTED, 0, None, query.filter)
        part = await book.database.read(lambda tx: log_search.search(tx, asked, None, 10, 1000))
        assert (part.found, part.ended, part.passed) == ([], False, log_search.SLICE_ROWS)
        assert part.position == log_search.Position(log_search.SLICE_ROWS)
        rest = await book.database.read(lambda tx: log_search.search(tx, asked, part.position, 10, 1000))
        assert (rest.found, rest.ended) == ([], True)

    run(tmp_path, story)


def test_a_page_of_large_events_ends_early_and_loses_none(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        events = [event(NOW - at, debugContext={"debugData": {"x": "y" * 250_000}}) for at in range(100)]
        await book.append(events)
        page = await book.page(limit="1000")
        assert 0 < sum(map(len, page.bodies)) <= verb.MAX_PAGE_BYTES + 260_000
        assert len(page.bodies) < 100
        assert flat(await book.walk(limit="1000")) == ids(events)
        assert flat(await book.walk(limit="1000", **BOUNDS)) == ids(events[::-1])
        assert flat(await book.walk(limit="1000", sortOrder="DESCENDING", filter="actor pr")) == ids(events)

    run(tmp_path, story)


def test_a_query_over_its_time_ends_as_that_and_not_as_a_short_page(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await long_log(book, 1_000)
        query = read_log_query([("filter", 'actor.id eq "nobody"')], NOW)
        with pytest.raises(QueryTimeoutError):
            await verb.search_logs(book.pipeline, principal(), query, budget_s=0)
        assert (await verb.search_logs(book.pipeline, principal(), query)).bodies == []

    run(tmp_path, story)


@pytest.mark.parametrize("text", ['not actor.id ne "00uX"', 'actor.id eq "00uX"'])
def test_a_poll_short_of_time_answers_with_what_it_has_and_leads_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(verb, "POLL_SHARE", -1.0)
    monkeypatch.setattr(verb, "PASSED_ROWS", 3_000)

    async def story(book: Logbook) -> None:
        first, last = event(actor={"id": "00uX"}), event(actor={"id": "00uX"})
        await book.append([first])
        await long_log(book, 12_000)
        await book.append([last])
        for _ in range(2):
            pages = await book.walk(filter=text)
            assert flat(pages) == ids([first, last])
            assert uuids(await book.page(filter=text)) == ids([first])
            assert flat(await book.walk(filter=text, **BOUNDS)) == ids([first, last])
            await book.database.write(lambda tx: log_index.fill(tx, 9_000))

    run(tmp_path, story)


def test_an_event_that_holds_more_than_a_filter_may_look_at_ends_the_search_in_words(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append([event(NOW, target=[{"id": str(at)} for at in range(3_000)])])
        one = " or ".join(f'target.id eq "x{at}"' for at in range(3))
        assert (await book.page(filter=one)).bodies == []
        many = " or ".join(f'target.id eq "x{at}"' for at in range(100))
        with pytest.raises(QueryTimeoutError, match="holds more than the filter may look at"):
            await book.page(filter=many)

    run(tmp_path, story)


def test_of_an_orgs_long_searches_one_goes_on_at_a_time_and_others_do_not_wait_for_the_rest() -> None:
    async def story() -> None:
        turns, order, gate = LongSearches(most=2), [], asyncio.Event()

        async def search(org: str, number: int) -> None:
            async with turns.turn(org):
                order.append((org, number))
                await gate.wait()

        tasks = [asyncio.create_task(search("a", number)) for number in range(5)]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(search("b", 0)))
        await asyncio.sleep(0.01)
        assert order == [("a", 0), ("b", 0)]
        gate.set()
        await asyncio.gather(*tasks)
        assert sorted(order) == [("a", number) for number in range(5)] + [("b", 0)]
        assert turns._orgs == {}

    asyncio.run(story())
