"""What the log is told of inline calls while the database refuses to be written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest
from api_rig import Api, api_at, until
from call_rig import add_hook, ask, endpoint, told
from inline_rig import logged
from structlog.testing import capture_logs

from tenterhook.domain.inline.kind import TOKEN
from tenterhook.engine.inline import untold
from tenterhook.errors import OverloadedError
from tenterhook.store.transaction import Tx

PROCESSED = "inline_hook.response.processed"
FAULTY = f"""
CREATE TRIGGER faulty BEFORE INSERT ON log_event WHEN NEW.event_type = '{PROCESSED}'
BEGIN SELECT RAISE(ABORT, 'never'); END
"""


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set how many seconds pass until what was refused is offered again."""
    return lambda pause_s: monkeypatch.setattr(untold, "PAUSE_S", pause_s)


@contextmanager
def locked(api: Api) -> Iterator[None]:
    """Hold the lock of the database, as a neighbour may: it refuses to be written, as it does when the disk is full."""
    neighbour = apsw.Connection(str(api.pipeline.database.path))
    neighbour.set_busy_timeout(10_000)
    neighbour.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        neighbour.execute("ROLLBACK")
        neighbour.close()


async def called_in_vain(api: Api) -> None:
    """Make a call of which the log cannot be told now; return when the database has refused that."""
    assert (await ask(api, TOKEN.type))["outcome"] == "SUCCESS"
    with pytest.raises(OverloadedError):
        await api.pipeline.database.write(lambda tx: None)  # it stood behind the call's
    assert await logged(api, PROCESSED) == []
    assert api.pipeline.switchboard.untold.waiting == 1


def story(path: Path, walk: Callable[[Api], Coroutine[Any, Any, None]]) -> None:
    """Run *walk* with a hook whose endpoint answers, on a database that refuses at once while it is locked."""

    async def run() -> None:
        async with asyncio.timeout(60), endpoint() as receiver, api_at(path / "data") as api:
            await add_hook(api, TOKEN.type, receiver.url)
            await api.pipeline.database.write(lambda tx: tx.driver.set_busy_timeout(1))
            await walk(api)

    asyncio.run(run())


async def events_after_a_start(path: Path) -> int:
    async with api_at(path / "data") as api:
        return len(await logged(api, PROCESSED))


def test_what_the_database_refuses_is_offered_until_it_is_written(
    tmp_path: Path, pause: Callable[[float], None]
) -> None:
    async def walk(api: Api) -> None:
        pause(0.01)
        with locked(api):
            await called_in_vain(api)
            for _ in range(2 * untold.MOST_FAULTS):
                await asyncio.sleep(0.05)
                with pytest.raises(OverloadedError):
                    await api.pipeline.database.write(lambda tx: None)
        await told(api, PROCESSED)
        await until(lambda: api.pipeline.switchboard.untold.waiting == 0)

    story(tmp_path, walk)


def test_what_was_refused_is_written_at_the_latest_by_the_stop(tmp_path: Path, pause: Callable[[float], None]) -> None:
    async def walk(api: Api) -> None:
        pause(3600.0)
        with locked(api):
            await called_in_vain(api)
        await api.hooks.stop()
        assert api.pipeline.switchboard.untold.waiting == 0

    story(tmp_path, walk)
    assert asyncio.run(events_after_a_start(tmp_path)) == 1


def test_what_is_refused_at_the_stop_is_lost_in_words(tmp_path: Path, pause: Callable[[float], None]) -> None:
    async def walk(api: Api) -> None:
        pause(3600.0)
        with locked(api), capture_logs() as said:
            await called_in_vain(api)
            await api.hooks.stop()
        (lost,) = [line for line in said if line["event"].startswith("log events of inline calls")]
        assert lost["event"] == "log events of inline calls could not be written before the stop"
        assert (lost["log_level"], lost["count"]) == ("error", 1)
        assert "locked" in lost["error"]
        assert api.pipeline.switchboard.untold.waiting == 0

    story(tmp_path, walk)
    assert asyncio.run(events_after_a_start(tmp_path)) == 0


def test_what_fails_each_time_is_given_up_in_words_and_the_others_are_written(
    tmp_path: Path, pause: Callable[[float], None]
) -> None:
    def break_it(tx: Tx) -> None:
        tx.driver.execute(FAULTY)

    def heal(tx: Tx) -> None:
        tx.driver.execute("DROP TRIGGER faulty")

    async def walk(api: Api) -> None:
        pause(0.01)
        with capture_logs() as said:
            await api.pipeline.database.write(break_it)
            assert (await ask(api, TOKEN.type))["outcome"] == "SUCCESS"
            await until(lambda: api.pipeline.switchboard.untold.waiting == 0)
        (lost,) = [line for line in said if line["event"].startswith("log events of inline calls")]
        assert lost["event"] == "log events of inline calls are given up: they fail each time they are written"
        assert (lost["log_level"], lost["count"]) == ("error", 1)
        assert "never" in lost["error"]
        assert [line["event"] for line in said].count("write failed") == untold.MOST_FAULTS
        await api.pipeline.database.write(heal)
        result = await ask(api, TOKEN.type)
        (event,) = await told(api, PROCESSED)
        assert event["debugContext"]["debugData"]["inlineHookEventId"] == result["eventId"]

    story(tmp_path, walk)
