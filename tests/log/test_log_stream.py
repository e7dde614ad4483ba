"""Following the log live: what is told, in which order, and that every cursor goes on right after its event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from logbook import NOW, OURS, THEIRS, Logbook, event, principal, run

from tenterhook.domain.log_query import read_log_query
from tenterhook.domain.principal import Principal
from tenterhook.domain.timestamp import DAY_MS, format_ms
from tenterhook.engine.follow_log import PAGE_BYTES, News, begin_tail, follow_log
from tenterhook.engine.followers import MIN_PAUSE_S, Followers
from tenterhook.engine.long_searches import LongSearches
from tenterhook.engine.pipeline import Pipeline
from tenterhook.errors import InvalidError, OverloadedError, RateLimitedError

FAILED = 'outcome.result eq "FAILURE"'


class Following:
    """One live tail, read page by page."""

    def __init__(self, pages: AsyncGenerator[News]) -> None:
        self.pages = pages
        self.cursors: list[str] = []

    async def take(self, count: int) -> list[str]:
        """Return the uuids of the next *count* events; there must not be more of them yet."""
        found: list[str] = []
        async with asyncio.timeout(10):
            while len(found) < count:
                news = await anext(self.pages)
                found += [msgspec.json.decode(told.body)["uuid"] for told in news.events]
                self.cursors += [told.cursor for told in news.events]
        assert len(found) == count
        return found

    async def silence(self) -> News:
        """Return the next sign of life."""
        async with asyncio.timeout(10):
            while (news := await anext(self.pages)).events:
                pass
        return news


@asynccontextmanager
async def following(
    book: Logbook,
    followers: Followers | None = None,
    *,
    pipeline: Pipeline | None = None,
    allowed: Callable[[], Principal | None] = principal,
    **parameters: str,
) -> AsyncGenerator[Following]:
    """Follow our org's log."""
    query = read_log_query(list(parameters.items()), book.now)
    followers = followers or Followers()
    followers.heartbeat_s = 0.05

    async def still_allowed() -> Principal | None:
        return allowed()

    tail = await begin_tail(book.pipeline, principal(), query)
    with followers.enter(OURS) as follower:
        async with aclosing(follow_log(pipeline or book.pipeline, follower, tail, still_allowed)) as pages:
            yield Following(pages)


def names(events: list[dict[str, Any]]) -> list[str]:
    return [one["uuid"] for one in events]


def some(count: int, **more: Any) -> list[dict[str, Any]]:
    return [event(NOW - 1000 * n, **more) for n in range(count)]


def test_it_tells_what_is_committed_from_now_on_in_the_order_of_commits(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append(some(3))
        async with following(book) as tail:
            events = some(5)  # each later one happened earlier
            await book.append(events[:2])
            await book.append(events[2:])
            assert await tail.take(5) == names(events)

    run(tmp_path, story)


def test_each_cursor_goes_on_right_after_its_event(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        events = some(4)
        async with following(book) as tail:
            await book.append(events)
            await tail.take(4)
        for at, cursor in enumerate(tail.cursors[:-1]):
            async with following(book, after=cursor) as again:
                assert await again.take(3 - at) == names(events)[at + 1 :]
        assert len(set(tail.cursors)) == 4

    run(tmp_path, story)


def test_a_cursor_from_before_the_first_event_misses_none(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        async with following(book) as tail:
            first = (await tail.silence()).cursor
        events = some(2)
        await book.append(events)
        async with following(book, after=first) as again:
            assert await again.take(2) == names(events)

    run(tmp_path, story)


def test_since_begins_with_what_was_recorded_then(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append(some(2), recorded=NOW - 2 * DAY_MS)
        late = some(2)
        await book.append(late, recorded=NOW - DAY_MS)
        async with following(book, since=format_ms(NOW - DAY_MS)) as tail:
            assert await tail.take(2) == names(late)
            more = some(1)
            await book.append(more)
            assert await tail.take(1) == names(more)
        async with following(book, since=format_ms(NOW - DAY_MS), after=tail.cursors[0]) as again:
            assert await again.take(2) == names([late[1], *more])

    run(tmp_path, story)


def test_a_filter_lets_through_what_it_lets_through_in_a_search(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        async with following(book, filter=FAILED) as tail:
            failed = some(2, outcome={"result": "FAILURE", "reason": "x"})
            await book.append([*some(3), failed[0], *some(1), failed[1], *some(2)])
            assert await tail.take(2) == names(failed)
            assert (await tail.silence()).events == []

    run(tmp_path, story)


def test_what_the_filter_passed_over_is_not_passed_over_again(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        async with following(book, filter=FAILED) as tail:
            before = (await tail.silence()).cursor
            await book.append(some(9))
            after = (await tail.silence()).cursor
            while after == before:
                after = (await tail.silence()).cursor
        events = some(1)
        await book.append(events)
        async with following(book, after=after) as again:  # without the filter: the nine are behind it
            assert await again.take(1) == names(events)

    run(tmp_path, story)


def test_another_orgs_events_are_never_told(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        async with following(book) as tail:
            ours = some(2)
            await book.append(ours[:1])
            await book.append(some(3), org_id=THEIRS)
            await book.append(ours[1:])
            assert await tail.take(2) == names(ours)
        page = await book.page(org_id=THEIRS, limit="1")
        assert page.after is not None
        with pytest.raises(InvalidError, match="is not a cursor that this org was given"):
            async with following(book, after=page.after):
                pass

    run(tmp_path, story)


def test_a_pollers_cursor_goes_on_as_a_tail_and_a_tails_as_a_poll(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        events = some(4)
        await book.append(events)
        page = await book.page(limit="2")
        assert page.after is not None
        async with following(book, after=page.after) as tail:
            assert await tail.take(2) == names(events[2:])
        rest = await book.page(after=tail.cursors[0])
        assert [msgspec.json.decode(body)["uuid"] for body in rest.bodies] == names(events[3:])

    run(tmp_path, story)


def test_a_cursor_of_a_bounded_query_is_refused(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append(some(3))
        page = await book.page(limit="1", sortOrder="DESCENDING")
        assert page.after is not None
        with pytest.raises(InvalidError, match="belongs to a bounded query"):
            async with following(book, after=page.after):
                pass

    run(tmp_path, story)


def test_a_cursor_older_than_the_retention_begins_with_what_is_left(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append(some(3))
        page = await book.page(limit="1")
        assert page.after is not None
        book.now = NOW + 91 * DAY_MS
        fresh = some(2)
        await book.append(fresh)
        async with following(book, after=page.after) as tail:
            assert await tail.take(2) == names(fresh)

    run(tmp_path, story)


def test_no_page_is_larger_than_its_bytes_and_an_event_more(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        async def sizes(tail: Following, count: int) -> list[int]:
            found: list[int] = []
            seen: list[str] = []
            async with asyncio.timeout(10):
                while len(seen) < count:
                    told = (await anext(tail.pages)).events
                    found.append(sum(len(one.body) for one in told))
                    seen += [msgspec.json.decode(one.body)["uuid"] for one in told]
            assert seen == names(events[-count:])
            return found

        events = some(9, displayMessage="x" * 100_000)
        await book.append(events)
        async with following(book, since=format_ms(NOW - DAY_MS)) as tail:
            assert max(await sizes(tail, 9)) < PAGE_BYTES + 101_000, "the first page"
            small = some(20)
            await book.append(small)
            await tail.take(20)
            await book.append(events := some(9, displayMessage="x" * 100_000))
            assert max(await sizes(tail, 9)) < PAGE_BYTES + 101_000, "the page after small events"
            await book.append(events := some(2, displayMessage="x" * (PAGE_BYTES + 1)))
            assert len(await sizes(tail, 2)) == 2, "an event that is larger than a page is told alone"

    run(tmp_path, story)


def test_who_cannot_be_asked_for_now_is_asked_again_and_told_nothing_until_then(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        busy = False

        def allowed() -> Principal | None:
            if busy:
                raise OverloadedError("too many reads are waiting for the database", 1)
            return principal()

        async with following(book, allowed=allowed) as tail:
            await tail.silence()
            busy, events = True, some(2)
            await book.append(events)
            for _ in range(3):
                async with asyncio.timeout(10):
                    assert (await anext(tail.pages)).events == []
            busy = False
            assert await tail.take(2) == names(events)

    run(tmp_path, story)


def test_busy_readers_lose_nothing(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        looks = 0

        async def read(fn: Callable[..., Any]) -> Any:
            nonlocal looks
            looks += 1
            if looks % 6 == 0:
                raise OverloadedError("too many reads are waiting for the database", 1)
            return await book.database.read(fn)

        busy = SimpleNamespace(
            database=SimpleNamespace(read=read, search=read),
            long_searches=LongSearches(),
            now_ms=lambda: book.now,
            oldest_event=lambda: book.now - 90 * DAY_MS,
        )
        async with following(book, pipeline=cast("Pipeline", busy)) as tail:
            for _ in range(6):
                events = some(3)
                await book.append(events)
                assert await tail.take(3) == names(events)
        assert looks > 20

    run(tmp_path, story)


# ---- among the others ------------------------------------------------------------------------------------------------


def in_time(story: Callable[[], Any]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(10):
            await story()

    asyncio.run(whole())


def test_a_commit_between_the_look_and_the_wait_is_not_slept_through() -> None:
    async def story() -> None:
        followers = Followers()
        with followers.enter(OURS) as one, followers.enter(OURS) as other:
            one.look()
            other.look()
            followers.ring({OURS})
            await one.wait(3600)
            one.look()
            waiting = asyncio.create_task(one.wait(3600))
            await asyncio.sleep(0)
            await other.wait(3600)  # the first one waits again: the bell of the second has not been stilled
            followers.ring({OURS})
            await waiting

    in_time(story)


def test_commits_of_another_org_wake_nobody_here() -> None:
    async def story() -> None:
        followers = Followers()
        with followers.enter(OURS) as ours, followers.enter(THEIRS):
            ours.look()
            waiting = asyncio.create_task(ours.wait(3600))
            followers.ring({THEIRS})
            for _ in range(5):
                await asyncio.sleep(0)
            assert not waiting.done()
            followers.ring({OURS})
            await waiting

    in_time(story)


def test_an_org_has_a_bounded_number_of_tails_and_the_server_too() -> None:
    followers = Followers()
    followers.max_per_org, followers.max_in_all = 2, 3
    with followers.enter(OURS), followers.enter(THEIRS):
        with followers.enter(OURS):
            with pytest.raises(RateLimitedError, match="2 live tails of this org's log are open already"):
                followers.enter(OURS).__enter__()
            with pytest.raises(OverloadedError, match="3 live tails are open on this server already"):
                followers.enter(THEIRS).__enter__()
        with followers.enter(OURS):
            assert followers.open == 3
    assert followers.open == 0


def test_many_tails_rest_longer_so_that_all_together_read_no_more() -> None:
    followers = Followers()
    followers.max_per_org = 200
    assert followers.pause_s == MIN_PAUSE_S
    entered = [followers.enter(OURS) for _ in range(200)]
    for one in entered:
        one.__enter__()
    assert followers.pause_s == 1.0
    for one in entered:
        one.__exit__(None, None, None)


def test_closing_ends_every_tail_and_lets_nobody_in(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        followers = Followers()
        async with following(book, followers) as tail:
            followers.heartbeat_s = 3600
            ended = asyncio.create_task(anext(tail.pages, None))
            await asyncio.sleep(0.2)
            assert not ended.done()
            followers.close()
            async with asyncio.timeout(10):
                assert await ended is None
        with pytest.raises(OverloadedError, match="stopping"):
            followers.enter(OURS).__enter__()

    run(tmp_path, story)
