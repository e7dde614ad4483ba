"""GET /api/v1/logs: the answer's body, its Link lines, and every refusal as a client sees it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlsplit

import httpx2
import pytest
from logbook import NOW, OURS, THEIRS, WEEK_AGO, Logbook, event, run

from tenterhook.api.app import create_app
from tenterhook.domain.principal import Role
from tenterhook.domain.timestamp import format_ms
from tenterhook.engine.authenticate import Tokens
from tenterhook.engine.publish import Publishing
from tenterhook.store import admins, api_tokens
from tenterhook.store.transaction import Tx

LOGS = "/api/v1/logs"
BASE = "https://hooks.example.com"
LINK = re.compile(r'<([^<>\s]+)>; rel="(self|next)"')


class Client:
    """A client with a token of each kind, and the log it asks."""

    def __init__(self, book: Logbook, http: httpx2.AsyncClient) -> None:
        self.book = book
        self.http = http

    async def get(self, query: str = "", *, token: str = "ours") -> httpx2.Response:
        path = query if query.startswith("https://") else LOGS + ("?" + query if query else "")
        return await self.http.get(path, headers={"Authorization": f"SSWS {token}"})


def links(answer: httpx2.Response) -> dict[str, str]:
    """Return relation -> address, having checked the form of every line."""
    found = {}
    for line in answer.headers.get_list("link"):
        match = LINK.fullmatch(line)
        assert match, line
        found[match[2]] = match[1]
    return found


def add_tokens(tx: Tx) -> None:
    for org_id, name, role in (
        (OURS, "ours", Role.SUPER_ADMIN),
        (OURS, "reader", Role.READ_ONLY_ADMIN),
        (OURS, "publisher", Role.PUBLISHER),
        (THEIRS, "theirs", Role.SUPER_ADMIN),
    ):
        admins.insert(tx, admins.Admin(org_id, "00u" + name, name, name, role, 0))
        digest = sha256(name.encode()).digest()
        api_tokens.insert(tx, api_tokens.ApiToken(org_id, "00T" + name, "00u" + name, name, role, digest, name[:4], 0))


def ask(path: Path, story: Callable[[Client], Awaitable[None]]) -> None:
    """Run *story* against the API over a new log."""

    async def whole(book: Logbook) -> None:
        parts = cast("Any", book.pipeline)
        parts.tokens = Tokens(book.database)
        await book.database.write(add_tokens)
        app = create_app(book.pipeline, publishing=cast("Publishing", object()))
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE) as http:
            await story(Client(book, http))

    run(path, whole)


def test_a_page_is_a_bare_array_of_the_events_as_they_were_stored(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        events = [event(NOW - 1, target=[{"id": "T", "displayName": None}]), event()]
        await client.book.append(events)
        answer = await client.get()
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == events
        assert '"reason":null' in answer.text
        assert int(answer.headers["x-rate-limit-remaining"]) < int(answer.headers["x-rate-limit-limit"])

    ask(tmp_path, story)


def test_links_are_lines_of_their_own_self_first_next_last_and_absolute(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        await client.book.append([event(), event()])
        answer = await client.get("limit=1")
        lines = answer.headers.get_list("link")
        assert lines[0] == f'<{BASE}{LOGS}?limit=1>; rel="self"'
        assert re.fullmatch(re.escape(f"<{BASE}{LOGS}?limit=1&after=") + r'[\w-]+>; rel="next"', lines[1])
        assert len(lines) == 2

    ask(tmp_path, story)


def test_following_next_to_the_letter_walks_the_log_and_ends_where_next_is_self(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        events = [event() for _ in range(5)]
        await client.book.append(events)
        seen: list[Any] = []
        answer = await client.get("limit=2&since=" + quote(WEEK_AGO) + "&unknown=%3E%0D%0AX-Evil:%201")
        while links(answer)["next"] != links(answer)["self"]:
            seen += answer.json()
            answer = await client.get(links(answer)["next"])
        assert seen == events
        assert answer.json() == []
        assert "x-evil" not in answer.headers

    ask(tmp_path, story)


def test_the_empty_tail_of_a_new_log_is_its_own_next(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        answer = await client.get()
        assert answer.json() == []
        assert answer.headers.get_list("link") == [f'<{BASE}{LOGS}>; rel="self"', f'<{BASE}{LOGS}>; rel="next"']

    ask(tmp_path, story)


@pytest.mark.parametrize("plus", ["%2B00:00", "%2B00%3A00", "+00:00"])
def test_a_bounded_query_ends_and_echoes_its_query_percent_encoded(tmp_path: Path, plus: str) -> None:
    async def story(client: Client) -> None:
        await client.book.append([event(NOW - 2), event(NOW - 1), event()])
        since = WEEK_AGO.removesuffix("Z") + plus
        until = format_ms(NOW).removesuffix("Z") + plus
        text = f'since={since}&until={until}&limit=1&filter=eventType%20eq%20"user.session.start"'
        first = await client.get(text)
        assert links(first)["self"].count("00%3A00&") == 2
        assert "eventType%20eq%20%22user.session.start%22" in links(first)["next"]
        second = await client.get(links(first)["next"])
        assert (len(first.json()), len(second.json())) == (1, 1)
        assert set(links(second)) == {"self"}
        assert parse_qsl(urlsplit(links(first)["next"]).query)[:4] == parse_qsl(text)

    ask(tmp_path, story)


def test_what_the_sdk_sends_is_understood(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        await client.book.append([event(), event(NOW, "user.lifecycle.create")])
        text = 'eventType eq "user.lifecycle.create" and outcome.result eq "SUCCESS"'
        query = f"since={WEEK_AGO}&filter={quote(text)}&limit=20&sortOrder=DESCENDING"
        answer = await client.get(query)
        assert [one["eventType"] for one in answer.json()] == ["user.lifecycle.create"]

    ask(tmp_path, story)


BAD_DATE = "The date format in your query is not recognized. Please enter dates using ISO8601 string format."
TOO_LONG = (
    "Freeform search cannot contain items longer than 40 characters. Please shorten the items in your search or use an "
    "advanced filter to query by specific fields."
)
REFUSED = [
    (
        "until=Sun%20Nov%2022%202026%2000:00:00%20GMT%2B0000%20(Coordinated%20Universal%20Time)",
        "E0000001",
        f"Api validation failed: 'until': {BAD_DATE} 'until': must be a valid date-time or empty.",
    ),
    (
        "filter=display_message%20eqq%20%22x%22",
        "E0000053",
        "Invalid filter 'display_message eqq \"x\"': "
        "Unrecognized attribute operator 'eqq' at position 16. Expected: eq,co,sw,pr,gt,ge,lt,le",
    ),
    ("filter=nonsense%20eq%20%22x%22", "E0000053", "field is not valid: nonsense"),
    (
        "since=2026-01-01T00:00:00Z",
        "E0000053",
        "Invalid parameter: The since parameter is over 180 days prior to the current day.",
    ),
    (
        "filter=debugContext.debugData.url%20co%20%22a%22",
        "E0000031",
        "The supplied combination of operator and field is not currently supported. "
        "Operator: co, Field: debugContext.debugData.url",
    ),
    ("limit=1001", "E0000001", "Api validation failed: 'limit': must be a whole number from 0 to 1000."),
    ("limit=-1", "E0000001", None),
    ("limit=1e3", "E0000001", None),
    ("limit=%E0%A5%A7%E0%A5%A6", "E0000001", None),
    ("sortOrder=;", "E0000001", None),
    ("since=2026-11-22T00:00:00Z&until=2026-11-21T00:00:00Z", "E0000001", None),
    ("limit=1&limit=1", "E0000001", None),
    (f"q={'x' * 41}", "E0000001", f"Api validation failed: 'q': {TOO_LONG}"),
    ("q=" + "+".join(f"w{n}" for n in range(11)), "E0000001", None),
    ("after=1627500044869_1", "E0000001", None),
    ("filter=%ff", "E0000002", None),
    ("filter=%F0%9F%92", "E0000002", None),
    ("&".join(f"a{n}=1" for n in range(60)), "E0000002", None),
]


@pytest.mark.parametrize(("query", "code", "summary"), REFUSED, ids=[row[0][:40] for row in REFUSED])
def test_a_bad_query_is_refused_with_the_contract_s_error(
    tmp_path: Path, query: str, code: str, summary: str | None
) -> None:
    async def story(client: Client) -> None:
        answer = await client.get(query)
        assert answer.status_code == 400
        body = answer.json()
        assert list(body) == ["errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"]
        assert body["errorCode"] == body["errorLink"] == code
        assert summary is None or body["errorSummary"] == summary
        assert "link" not in answer.headers

    ask(tmp_path, story)


def test_the_causes_of_a_bad_date_are_both_named(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        causes = (await client.get("until=x")).json()["errorCauses"]
        texts = [f"until: {BAD_DATE}", "until: must be a valid date-time or empty."]
        assert causes == [{"errorSummary": text} for text in texts]

    ask(tmp_path, story)


def test_a_cursor_of_one_org_is_refused_to_another(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        await client.book.append([event(), event()])
        await client.book.append([event()], org_id=THEIRS)
        there = links(await client.get("limit=1"))["next"]
        refused = await client.get(there, token="theirs")
        assert (refused.status_code, refused.json()["errorCode"]) == (400, "E0000001")
        assert len((await client.get(there)).json()) == 1
        assert len((await client.get("", token="theirs")).json()) == 1

    ask(tmp_path, story)


def test_the_log_is_for_those_who_may_read_it(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        assert (await client.get("", token="reader")).status_code == 200
        forbidden = await client.get("", token="publisher")
        assert (forbidden.status_code, forbidden.json()["errorCode"]) == (403, "E0000006")
        unknown = await client.get("limit=x", token="guess")
        assert (unknown.status_code, unknown.json()["errorCode"]) == (401, "E0000011")

    ask(tmp_path, story)


@pytest.mark.parametrize("query", ["until=", "until=&limit=2", "sortOrder=ASCENDING&until=&q=&filter="])
def test_an_empty_until_polls_and_a_poll_always_has_a_next_link(tmp_path: Path, query: str) -> None:
    async def story(client: Client) -> None:
        await client.book.append([event(), event()])
        answer = await client.get(query)
        assert len(answer.json()) == 2
        answer = await client.get(links(answer)["next"])
        assert answer.json() == []
        assert links(answer)["next"] == links(answer)["self"]
        await client.book.append([event()])
        assert len((await client.get(links(answer)["next"])).json()) == 1

    ask(tmp_path, story)


def test_a_link_may_carry_since_until_and_after_together_and_descending_ends(tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        events = [event(NOW - 2), event(NOW - 1), event()]
        await client.book.append(events)
        first = await client.get(f"since={WEEK_AGO}&until={format_ms(NOW + 1)}&sortOrder=DESCENDING&limit=2")
        assert first.json() == events[:0:-1]
        there = dict(parse_qsl(urlsplit(links(first)["next"]).query))
        assert {"since", "until", "after", "sortOrder", "limit"} == set(there)
        last = await client.get(links(first)["next"])
        assert last.json() == events[:1]
        assert set(links(last)) == {"self"}

    ask(tmp_path, story)
