"""Searching through the index: the same pages as a plain sort of the log gives, wherever the indexing stands."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logbook import NOW, OURS, THEIRS, WEEK_AGO, Logbook, event, run, uuids

from tenterhook.domain.filter_ast import holds
from tenterhook.domain.keyword import mentions, parse_keywords
from tenterhook.domain.log_filter import parse_log_filter
from tenterhook.domain.timestamp import DAY_MS, format_ms, parse_timestamp
from tenterhook.engine import search_logs as verb
from tenterhook.engine.index_log import index_tail
from tenterhook.store import log_candidates, log_index, log_search, log_words
from tenterhook.store.schema import LOG_TEXT

BOUNDS = {"since": WEEK_AGO, "until": format_ms(NOW + 1)}
SMALL = {
    log_candidates: {"CANDIDATES": 2, "REACH": 3, "MIN_REACH": 1, "TAIL_ROWS": 5, "FIRST_SPANS": 1, "MAX_RUNS": 2},
    log_index: {"SPAN_EVENTS": 3},
    log_search: {"SLICE_ROWS": 3, "SLICE_CANDIDATES": 3},
    verb: {"FIRST_ROWS": 2, "DENSE": 1},
}


@pytest.fixture(scope="module", autouse=True)
def _small_steps() -> Iterator[None]:
    """Make every step so small that a log of a few dozen events takes many."""
    with pytest.MonkeyPatch.context() as patch:
        for module, constants in SMALL.items():
            for name, value in constants.items():
                patch.setattr(module, name, value)
        yield


async def index(book: Logbook, most: int) -> int:
    return await book.database.write(partial(log_index.fill, most=most))


#: What stands for an org in the index, in the tests that write its rows themselves.
WORD = "0123456789abcdef"
PEOPLE = ["Ann-Marie", "ann", "Иван", 'a\\b "Ann" c', "x\ty", "İ Ann", "100% ann_", "straße", "Ann, Bob"]
TARGETS = [None, [], [{"id": "T1"}], [{"id": "T1"}, {"id": "T2"}], [{"id": "00u1"}, {"id": "T2"}]]


def anything(chance: random.Random) -> dict[str, Any]:
    """Return an event of one of few moments: most near its neighbours, some long before, so that spans overlap."""
    ago = chance.choice([chance.randrange(6), chance.randrange(60), chance.randrange(400)])
    return event(
        NOW - ago * 60_000,
        chance.choice(["type.a", "type.b", "type.a.b"]),
        actor={"id": chance.choice(["00u1", "00U1", "00u-2"]), "displayName": chance.choice(PEOPLE)},
        target=chance.choice(TARGETS),
        debugContext={"debugData": {"n": chance.choice([7, "7", True, "x-7", None])}},
    )


FILTERS = [
    None,
    'eventType eq "type.a"',
    'actor.id eq "00u1"',
    'target.id eq "T1" and target.id eq "T2"',
    'target.id eq "T1" or actor.id eq "00u-2"',
    'actor.displayName eq "Иван"',
    'actor.displayName co "nn"',
    'actor.displayName co " \\"Ann\\" "',
    'actor.displayName sw "Ann-"',
    'actor.displayName ew "ann_"',
    'actor.displayName eq "a\\\\b \\"Ann\\" c"',
    'actor.displayName eq "x\\ty"',
    'debugContext.debugData.n eq "7"',
    'debugContext.debugData.n eq "true"',
    'eventType eq "type.b" and not target.id eq "T1"',
    'eventType eq "no.such.type"',
]
KEYWORDS = ["", "", "ann", "ANN-marie", "иван", "7", "true", "t1 00u1", "ann_", "b", '"ann"', "an*", "straße", "i̇ ann"]


@pytest.mark.parametrize("seed", range(12))
def test_pages_are_those_of_a_plain_sort_wherever_the_indexing_stands(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    log: list[tuple[str, dict[str, Any]]] = []

    async def grow(book: Logbook, count: int) -> None:
        for _ in range(count):
            log.append((chance.choice([OURS, OURS, THEIRS]), anything(chance)))
            await book.append([log[-1][1]], org_id=log[-1][0])
            if chance.random() < 0.2:
                await index(book, chance.randint(1, 9))

    async def story(book: Logbook) -> None:
        for _ in range(25):
            await grow(book, chance.randrange(5))
            text, words = chance.choice(FILTERS), chance.choice(KEYWORDS)
            node = None if text is None else parse_log_filter(text)
            keywords = parse_keywords(words)
            ours = [one for org_id, one in log if org_id == OURS]
            found = [one for one in ours if (node is None or holds(node, one)) and mentions(keywords, one)]
            asked = {"filter": text or "", "q": words, "limit": str(chance.randint(1, 9))}
            assert flat(await book.walk(**asked)) == ids(found)
            since, until = sorted(NOW - chance.choice([-1, chance.randrange(10), 400]) * 60_000 for _ in range(2))
            wanted = sorted((one for one in found if since <= moment(one) < until), key=moment)
            bounds = {"since": format_ms(since), "until": format_ms(until)}
            pages = await book.walk(**asked, **bounds)
            assert flat(pages) == ids(wanted)
            assert [len(page) for page in pages[:-1]] == [int(asked["limit"])] * (len(pages) - 1)
            assert pages[-1] or len(pages) == 1
            assert flat(await book.walk(**asked, **bounds, sortOrder="DESCENDING")) == ids(wanted)[::-1]

    run(tmp_path, story)


def moment(one: dict[str, Any]) -> int:
    found = parse_timestamp(one["published"])
    assert found is not None
    return found


def flat(pages: list[list[str]]) -> list[str]:
    return [uuid for page in pages for uuid in page]


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [one["uuid"] for one in events]


TEXTS = st.text(st.sampled_from("aAbZ09._@-/ \t\"\\'%*(){}\0éÉиИßİıſKςσΣᲐა中\u0301\u2019\ufffdⒶ😀"), max_size=8)


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS, TEXTS, st.sampled_from(["eq", "co", "sw", "ew"]))
def test_no_match_is_without_the_words_that_the_index_is_asked_for(
    before: str, text: str, after: str, how: str
) -> None:
    value = {"eq": text, "co": before + text + after, "sw": text + after, "ew": before + text}[how]
    one = event(displayMessage=value)
    node = parse_log_filter(f"displayMessage {how} {json.dumps(text)}")
    assert holds(node, one)
    keywords = [word for word in parse_keywords(text) if mentions((word,), one)]
    connection = apsw.Connection(":memory:")
    connection.execute(LOG_TEXT)
    connection.execute("INSERT INTO log_text (rowid, body) VALUES (1, ?)", (indexed(one),))
    for query in (log_words.match_of(WORD, node, []), log_words.match_of(WORD, None, keywords)):
        if query is not None:
            assert connection.execute("SELECT rowid FROM log_text WHERE log_text MATCH ?", (query,)).fetchall(), query


def indexed(one: dict[str, Any]) -> str:
    body = msgspec.json.encode(one)
    return (log_index.plain_text(body) if b"\\" in body else body.decode()) + " " + WORD


def test_a_committed_event_is_found_at_once_and_the_same_once_it_is_indexed(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        old = [event(NOW - DAY_MS, actor={"id": f"00u{at}"}) for at in range(10)]
        await book.append(old)
        assert await index_tail(book.database) == 10
        new = event(NOW - DAY_MS, actor={"id": "00u3"})
        await book.append([new])
        for _ in range(2):
            for how in ({}, BOUNDS):
                assert flat(await book.walk(filter='actor.id eq "00u3"', **how)) == ids([old[3], new])
                assert flat(await book.walk(q="00U3", **how)) == ids([old[3], new])
            await index_tail(book.database)

    run(tmp_path, story)


def test_another_org_s_words_find_nothing(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        await book.append([event(actor={"id": "00uSECRET"}) for _ in range(8)], org_id=THEIRS)
        await book.append([event(actor={"id": OURS})])
        await index_tail(book.database)
        for how in ({}, BOUNDS, {"sortOrder": "DESCENDING"}):
            assert flat(await book.walk(q="00usecret", **how)) == []
            assert flat(await book.walk(q=THEIRS, **how)) == []
            assert len(flat(await book.walk(q=OURS, **how))) == 1
            assert len(flat(await book.walk(org_id=THEIRS, q="00usecret", **how))) == 8

    run(tmp_path, story)


@pytest.mark.parametrize(
    "word", ["%", "_", "an%", "a*", "*", "NEAR(ann", '"ann', 'ann"', "body:ann", "^ann", "-ann", "%25_%5C"]
)
def test_wildcards_and_the_index_s_syntax_match_only_themselves(tmp_path: Path, word: str) -> None:
    async def story(book: Logbook) -> None:
        await book.append([event(displayMessage=text) for text in ("ann", "annie", "x")])
        wanted = event(displayMessage=f"see {word} here")
        await book.append([wanted])
        await index_tail(book.database)
        for how in ({}, BOUNDS, {"sortOrder": "DESCENDING"}):
            assert flat(await book.walk(q=word, **how)) == ids([wanted])

    run(tmp_path, story)


def test_a_poller_with_keywords_sees_each_event_once_while_the_log_grows_and_is_indexed(tmp_path: Path) -> None:
    async def story(book: Logbook) -> None:
        written: list[str] = []
        seen: list[str] = []
        after: dict[str, str] = {}
        for at in range(80):
            events = [event(actor={"id": f"00u{at % 7}"}), event(actor={"id": "00u3"})]
            await book.append(events)
            written += [one["uuid"] for one in events if one["actor"]["id"] == "00u3"]
            if at % 3:
                await index(book, 5)
            page = await book.page(limit="3", q="00u3", **after)
            seen += uuids(page)
            after = {"after": page.after} if page.after else after
        while (page := await book.page(limit="3", q="00u3", **after)).after:
            seen += uuids(page)
            after = {"after": page.after}
        assert seen == written

    run(tmp_path, story)
