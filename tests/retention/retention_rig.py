"""What the tests of retention look at, and the clock that they move."""

from __future__ import annotations

from typing import Any

from api_rig import EVENT, Api

from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.timestamp import DAY_MS

WANTED = EVENT["eventType"]


class Clock:
    """The pipeline's clock, moved by hand."""

    def __init__(self, api: Api) -> None:
        self.start = self.now = api.pipeline.now_ms()
        api.pipeline.now_ms = lambda: self.now

    def to_day(self, day: float) -> None:
        self.now = self.start + int(day * DAY_MS)


async def rows(api: Api, sql: str) -> list[Any]:
    return await api.pipeline.database.read(lambda tx: tx.driver.execute(sql).fetchall())


async def count(api: Api, table: str, where: str = "1") -> int:
    ((found,),) = await rows(api, f"SELECT count(*) FROM {table} WHERE {where}")
    return int(found)


async def wanted(api: Api) -> list[str]:
    """Return the uuids of the published events that the log holds, oldest first."""
    found: list[Any] = await rows(api, f"SELECT hex(uuid) FROM log_event WHERE event_type = '{WANTED}' ORDER BY seq")
    return [text.lower() for (text,) in found]


def raw(uuids: list[str]) -> list[str]:
    return [uuid.replace("-", "") for uuid in uuids]


async def paused(api: Api, url: str, name: str = "paused") -> EventHook:
    hook = await api.add_hook(url, name=name)
    policy = hook.delivery_policy.model_copy(update={"paused": True, "max_events_per_request": 1})
    return await api.change_hook(hook, delivery_policy=policy)


async def resume(api: Api, hook: EventHook) -> EventHook:
    policy = hook.delivery_policy.model_copy(update={"paused": False})
    return await api.change_hook(hook, delivery_policy=policy)


async def failures(api: Api) -> list[dict[str, Any]]:
    answer = await api.call("GET", "/api/v1/logs", params={"filter": 'eventType eq "event_hook.delivery"'})
    found: list[dict[str, Any]] = answer.json()
    return found


async def no_loose_ends(api: Api) -> None:
    """Nothing may point to what is gone."""
    assert await count(api, "delivery_event", "delivery_id NOT IN (SELECT id FROM delivery)") == 0
    assert await count(api, "attempt", "delivery_id NOT IN (SELECT id FROM delivery)") == 0
