"""What a log query finds, as figures: exact where that is cheap, and honest where it is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from logbook import NOW, OURS, THEIRS, Logbook, event, principal, run

from tenterhook.domain.log_query import read_log_query
from tenterhook.domain.timestamp import DAY_MS, format_ms
from tenterhook.engine.figures import log_figures as module
from tenterhook.engine.figures.log_figures import ATTRIBUTES, MAX_BUCKETS, LogFigures, read_log_figures
from tenterhook.engine.figures.triggered import read_triggered
from tenterhook.ids import parse_uuid, uuid7
from tenterhook.store import deliveries, log_counts, log_events, log_index
from tenterhook.store.deliveries import Born

HOUR_MS = 3_600_000


async def figures(book: Logbook, *, org_id: str = OURS, **parameters: str) -> LogFigures:
    query = read_log_query(list(parameters.items()), book.now)
    return await read_log_figures(book.pipeline, principal(org_id), query, looking_s=5, counting_s=5)


def spread(count: int, every_ms: int = 60_000, **more: Any) -> list[dict[str, Any]]:
    """Return events, the last one of now."""
    return [event(NOW - at * every_ms, **more) for at in reversed(range(count))]


def facets(found: LogFigures) -> dict[str, list[tuple[str, int]]]:
    return {facet.attribute: facet.values for facet in found.facets}


def test_each_event_is_counted_in_its_bucket(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        events = spread(500, 97_000)
        await book.append(events)
        found = await figures(book, since=format_ms(NOW - DAY_MS))
        step = found.histogram.bucket_ms
        expected = Counter((NOW - at * 97_000) // step * step for at in range(500))
        assert {one.start: one.events for one in found.histogram.buckets if one.events} == expected
        assert (found.histogram.counted, found.counted) == (500, 500)
        assert found.complete
        assert found.histogram.complete

    run(tmp_path, story)


@pytest.mark.parametrize("length_ms", [1000, 60_000, HOUR_MS, DAY_MS, 7 * DAY_MS, 60 * DAY_MS, 89 * DAY_MS])
def test_a_histogram_has_few_buckets_and_covers_its_time(length_ms: int, tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        found = await figures(book, since=format_ms(NOW - length_ms), until=format_ms(NOW))
        buckets = found.histogram.buckets
        assert 1 < len(buckets) <= MAX_BUCKETS
        assert buckets[0].start <= found.since == NOW - length_ms
        assert buckets[-1].start < NOW <= buckets[-1].start + found.histogram.bucket_ms
        assert found.histogram.complete

    run(tmp_path, story)


def test_facets_count_the_values_of_five_attributes(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        ben = {"id": "00u2", "alternateId": "ben@example.com"}
        await book.append([*spread(3), *spread(2, actor=ben, severity="WARN", client=None), event(outcome=None)])
        found = facets(await figures(book, q=""))
        assert tuple(found) == ATTRIBUTES
        assert found["eventType"] == [("user.session.start", 6)]
        assert found["actor.alternateId"] == [("ann@example.com", 4), ("ben@example.com", 2)]
        assert found["outcome.result"] == [("SUCCESS", 5)]
        assert found["severity"] == [("INFO", 4), ("WARN", 2)]
        assert found["client.ipAddress"] == [("192.0.2.1", 4)]

    run(tmp_path, story)


def test_only_the_most_frequent_values_are_told_and_how_many_there_are(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        for at in range(12):
            await book.append(spread(at + 1, client={"ipAddress": f"192.0.2.{at}"}))
        [facet] = [one for one in (await figures(book)).facets if one.attribute == "client.ipAddress"]
        assert facet.values == [(f"192.0.2.{at}", at + 1) for at in reversed(range(4, 12))]
        assert facet.distinct == 12

    run(tmp_path, story)


def test_a_filter_decides_what_is_counted(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append([*spread(20), *spread(5, event_type="user.account.lock")])
        for parameters in ({"filter": 'eventType eq "user.account.lock"'}, {"q": "user.account.lock"}):
            found = await figures(book, **parameters)
            assert facets(found)["eventType"] == [("user.account.lock", 5)]
            assert (found.histogram.counted, found.complete, found.histogram.complete) == (5, True, True)

    run(tmp_path, story)


@pytest.mark.parametrize("indexed", [True, False])
def test_what_is_rare_is_found_by_the_index_however_long_the_log_is(indexed: bool, tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        rare = "user.account.lock"
        await book.append(spread(3, event_type=rare, every_ms=1000))
        for _ in range(4):
            await book.append(spread(2_000, every_ms=10))
        while indexed and await book.database.write(lambda tx: log_index.fill(tx, 1_000)):
            pass
        found = await figures(book, filter=f'eventType eq "{rare}"')
        assert found.histogram.counted == found.counted == 3
        assert found.complete is found.histogram.complete

    run(tmp_path, story)


def test_more_than_is_looked_at_is_said_and_the_histogram_is_exact_all_the_same(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        for part in range(4):
            await book.append([event(NOW - (8_000 - part * 2_000 - at) * 1_000) for at in range(2_000)])
        found = await figures(book)
        assert found.counted == module.MAX_ROWS
        assert not found.complete
        assert found.reaches_back_to == NOW - 5_000 * 1_000
        assert (found.histogram.counted, found.histogram.complete) == (8_000, True)

    run(tmp_path, story)


def test_without_time_nothing_is_told_that_was_not_counted(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append([event(NOW - at * HOUR_MS) for at in range(2_000) for _ in range(2)])
        query = read_log_query([("since", format_ms(NOW - 80 * DAY_MS))], book.now)
        found = await read_log_figures(book.pipeline, principal(), query, looking_s=0, counting_s=0)
        assert not found.complete
        assert found.counted < 4_000
        filtered = read_log_query([("filter", 'severity eq "WARN"')], book.now)
        nothing = await read_log_figures(book.pipeline, principal(), filtered, looking_s=0, counting_s=0)
        assert (nothing.counted, nothing.complete, nothing.histogram.complete) == (0, False, False)
        assert nothing.reaches_back_to == nothing.histogram.reaches_back_to > nothing.since

    run(tmp_path, story)


def test_a_bucket_that_holds_too_much_ends_the_count_where_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_counts, "MOST", 10)
    monkeypatch.setattr(module, "MAX_ROWS", 5)
    monkeypatch.setattr(module, "FIRST_ROWS", 5)
    monkeypatch.setattr(module, "_LOOK_ROWS", 5)

    async def story(book: Logbook) -> None:
        hour = NOW // HOUR_MS * HOUR_MS
        await book.append([event(hour - 5 * HOUR_MS) for _ in range(30)])
        await book.append([event(hour) for _ in range(6)])
        found = await figures(book, since=format_ms(NOW - DAY_MS))
        assert not found.histogram.complete
        assert found.histogram.counted == 16
        end = (hour - 5 * HOUR_MS) // found.histogram.bucket_ms * found.histogram.bucket_ms + found.histogram.bucket_ms
        assert found.histogram.reaches_back_to == end

    run(tmp_path, story)


def test_one_org_counts_nothing_of_another(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append(spread(5), org_id=THEIRS)
        found = await figures(book)
        assert (found.counted, found.histogram.counted, found.complete) == (0, 0, True)
        assert (await figures(book, org_id=THEIRS)).counted == 5

    run(tmp_path, story)


def test_what_is_beyond_retention_is_not_counted(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append([event(NOW - 100 * DAY_MS), event(NOW - DAY_MS)])
        found = await figures(book, since=format_ms(NOW - 150 * DAY_MS))
        assert (found.since, found.counted) == (NOW - 90 * DAY_MS, 1)

    run(tmp_path, story)


def test_an_event_that_the_filter_may_not_look_through_ends_the_figures_there(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        huge = [{"id": f"t{at}", "type": "User"} for at in range(25_000)]
        await book.append([event(NOW - 10_000, target=huge)])
        await book.append(spread(600, every_ms=10))
        found = await figures(book, filter='target.id eq "t24999" or severity eq "INFO"')
        assert not found.complete
        assert 0 < found.counted <= 600

    run(tmp_path, story)


# ---- what events have caused -----------------------------------------------------------------------------------------


def targeted(hook_ids: Sequence[str]) -> dict[str, Any]:
    return event(debugContext={"debugData": {"targetEventHookIds": ",".join(hook_ids)}})


def test_an_event_tells_how_many_deliveries_it_has_caused(tmp_path: Path) -> None:
    hooks = ["who" + letter * 17 for letter in "abc"]

    async def story(book: Logbook) -> None:
        events = [targeted(hooks), targeted(hooks[:1]), event()]
        theirs = targeted(hooks)
        await book.append(events)
        await book.append([theirs], org_id=THEIRS)

        def deliver(tx: Any) -> None:
            found = log_events.places(tx, OURS, [parse_uuid(one["uuid"]) or b"" for one in events])
            first, second, _ = found.values()
            rows = [Born(OURS, hook_id, uuid7(), 1, [first]) for hook_id in hooks[1:]]
            rows.append(Born(OURS, hooks[0], uuid7(), 1, [first, second]))
            [other] = log_events.places(tx, THEIRS, [parse_uuid(theirs["uuid"]) or b""]).values()
            rows.append(Born(THEIRS, hooks[0], uuid7(), 1, [other]))
            deliveries.insert(tx, rows, "boot", NOW)

        await book.database.write(deliver)
        asked = [one["uuid"] for one in [*events, theirs]] + ["no uuid"]
        found = await read_triggered(book.pipeline, principal(), asked)
        assert found == {events[0]["uuid"]: 3, events[1]["uuid"]: 1}
        assert await read_triggered(book.pipeline, principal(THEIRS), asked) == {theirs["uuid"]: 1}
        assert await read_triggered(book.pipeline, principal(), []) == {}
        assert msgspec.json.encode(found)

    run(tmp_path, story)
