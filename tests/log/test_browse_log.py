"""Browsing the log: newest first, forth and back, and always the same pages."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from logbook import NOW, Logbook, event, principal, run

from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.domain.log_query import LogQuery
from tenterhook.engine.browse_log import LogView, browse_log
from tenterhook.errors import InvalidError

QUERY = LogQuery(since=NOW - 100_000, until=NOW + 1, limit=3)


def uuids(view: LogView) -> list[str]:
    return [msgspec.json.decode(body)["uuid"] for body in view.bodies]


async def walk(book: Logbook, query: LogQuery, way: str, after: str | None = None) -> list[LogView]:
    """Go one way from page to page until there is no more."""
    views = [await browse_log(book.pipeline, principal(), msgspec.structs.replace(query, after=after))]
    while (next_after := getattr(views[-1], way)) is not None and len(views) < 20:
        asked = msgspec.structs.replace(query, after=next_after)
        views.append(await browse_log(book.pipeline, principal(), asked))
    return views


@pytest.mark.parametrize("count", [0, 1, 3, 4, 10])
def test_pages_are_the_same_on_the_way_back(count: int, tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        # Three events each have one time, so that pages end between events of the same moment.
        events = [event(NOW - 1000 * (n // 3)) for n in range(count)]
        await book.append(events)
        there = await walk(book, QUERY, "older")
        assert sorted(one for view in there for one in uuids(view)) == sorted(one["uuid"] for one in events)
        assert there[0].newer is None
        if len(there) > 1:
            back = await walk(book, QUERY, "newer", there[-2].older)
            assert [uuids(view) for view in back] == [uuids(view) for view in there[::-1]]
            assert back[-1].older is not None

    run(tmp_path, story)


def test_a_filter_goes_along_both_ways(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append([event(NOW - n, "a.b" if n % 2 else "c.d") for n in range(12)])
        query = msgspec.structs.replace(QUERY, filter=parse_log_filter('eventType eq "a.b"'), limit=2)
        there = await walk(book, query, "older")
        assert [len(view.bodies) for view in there] == [2, 2, 2]
        back = await walk(book, query, "newer", there[1].older)
        assert [uuids(view) for view in back] == [uuids(view) for view in there[::-1]]

    run(tmp_path, story)


def test_what_is_logged_meanwhile_moves_no_page(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append([event(NOW - 1000 * n) for n in range(6)])
        first = await browse_log(book.pipeline, principal(), QUERY)
        await book.append([event(NOW + 1000 * n) for n in range(1, 6)])
        second = await browse_log(book.pipeline, principal(), msgspec.structs.replace(QUERY, after=first.older))
        again = await browse_log(book.pipeline, principal(), msgspec.structs.replace(QUERY, after=second.newer))
        assert uuids(again) == uuids(first)
        assert again.newer is None

    run(tmp_path, story)


@pytest.mark.parametrize("kind", ["poll", "none", "other"])
def test_a_cursor_of_another_kind_is_refused_with_its_field(kind: str, tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append([event(NOW - n) for n in range(6)])
        after = (await book.page(limit="2")).after if kind == "poll" else "x" * 70
        asked = msgspec.structs.replace(QUERY, after=after)
        if kind == "other":
            after = (await browse_log(book.pipeline, principal(), QUERY)).older
            asked = msgspec.structs.replace(QUERY, after=after, since=NOW - 50_000)
        with pytest.raises(InvalidError) as caught:
            await browse_log(book.pipeline, principal(), asked)
        [problem] = caught.value.problems
        assert problem.startswith("after: ")

    run(tmp_path, story)
