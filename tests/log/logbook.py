"""A log to search in tests: a real database in a temporary file, two orgs, and a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from tenterhook.domain.log_query import read_log_query
from tenterhook.domain.principal import Principal, Role, permissions_of
from tenterhook.domain.timestamp import DAY_MS, format_ms, parse_timestamp
from tenterhook.engine.long_searches import LongSearches
from tenterhook.engine.pipeline import Pipeline
from tenterhook.engine.search_logs import LogPage, search_logs
from tenterhook.ids import parse_uuid, uuid7, uuid_text
from tenterhook.store import log_events, orgs, schema
from tenterhook.store.database import Database
from tenterhook.store.transaction import Tx

NOW = 1_795_385_553_123  # 2026-11-22T22:12:33.123Z
OURS, THEIRS = "00oOURSOURSOURSOURS0", "00oTHEIRSTHEIRSTHEI0"


def event(published: int = NOW, event_type: str = "user.session.start", **more: Any) -> dict[str, Any]:
    """Return a log event as the log stores it: nulls printed."""
    made: dict[str, Any] = {
        "actor": {"id": "00u1", "type": "User", "alternateId": "ann@example.com", "displayName": "Ann"},
        "client": {"userAgent": None, "ipAddress": "192.0.2.1"},
        "displayMessage": "User login",
        "eventType": event_type,
        "outcome": {"result": "SUCCESS", "reason": None},
        "published": format_ms(published),
        "severity": "INFO",
        "debugContext": {"debugData": {"requestUri": "/api/v1/authn"}},
        "transaction": {"type": "WEB", "id": "tx1", "detail": {}},
        "uuid": uuid_text(uuid7()),
        "target": None,
    }
    return {**made, **more}


def principal(org_id: str = OURS) -> Principal:
    """Return a super admin of *org_id*."""
    return Principal(
        org_id=org_id,
        admin_id="00u1",
        login="ann@example.com",
        name="Ann",
        token_id="00T1",
        permissions=permissions_of(Role.SUPER_ADMIN, operator=True),
        role=Role.SUPER_ADMIN,
    )


class Logbook:
    """A database with an empty log, and what a search needs beside it."""

    def __init__(self, path: Path) -> None:
        self.now = NOW
        self.database = Database(path / "log.db")
        self.database.run_now(self._found)
        parts = SimpleNamespace(
            database=self.database,
            now_ms=lambda: self.now,
            public_url="https://hooks.example.com",
            oldest_event=lambda: self.now - 90 * DAY_MS,
            trusted_proxies=(),
            long_searches=LongSearches(),
        )
        self.pipeline = cast("Pipeline", parts)

    def _found(self, tx: Tx) -> None:
        schema.metadata.create_all(tx.connection, checkfirst=False)
        for org_id in (OURS, THEIRS):
            orgs.insert(tx, orgs.Org(org_id, org_id, 0, org_id.encode() * 2))

    async def append(
        self, events: Sequence[dict[str, Any]], *, org_id: str = OURS, recorded: int | None = None
    ) -> None:
        """Commit *events* in their order, recorded at *recorded* (now)."""
        rows = [self._row(one, org_id) for one in events]
        moment = self.now if recorded is None else recorded
        await self.database.write(lambda tx: log_events.append(tx, rows, moment))

    def _row(self, one: dict[str, Any], org_id: str) -> log_events.Row:
        uuid, published = parse_uuid(one["uuid"]), parse_timestamp(one["published"])
        assert uuid is not None
        assert published is not None
        return log_events.Row(org_id, uuid, published, one["eventType"], msgspec.json.encode(one))

    async def page(self, *, org_id: str = OURS, **parameters: str) -> LogPage:
        """Return one page."""
        query = read_log_query(list(parameters.items()), self.now)
        return await search_logs(self.pipeline, principal(org_id), query)

    async def walk(self, *, most: int = 200, **parameters: str) -> list[list[str]]:
        """Follow next until there is none or it leads to itself; return the uuids of each page."""
        pages: list[list[str]] = []
        for _ in range(most):
            page = await self.page(**parameters)
            pages.append(uuids(page))
            if not page.has_next or page.after in (None, parameters.get("after")):
                return pages
            parameters["after"] = page.after
        raise AssertionError(f"more than {most} pages")


def uuids(page: LogPage) -> list[str]:
    """Return the uuids of a page's events."""
    return [msgspec.json.decode(body)["uuid"] for body in page.bodies]


def run(path: Path, story: Callable[[Logbook], Coroutine[Any, Any, None]]) -> None:
    """Run *story* on a new log and close it."""

    async def whole() -> None:
        book = Logbook(path)
        book.database.start()
        try:
            await story(book)
        finally:
            await book.database.close()

    asyncio.run(whole())


WEEK_AGO = format_ms(NOW - 7 * DAY_MS)
