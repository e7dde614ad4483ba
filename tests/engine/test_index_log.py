"""The index of the log keeps up by itself, survives what goes wrong, and starts on a log that was never indexed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tenterhook import Tenterhook
from tenterhook.engine import index_log
from tenterhook.engine.index_log import index_forever
from tenterhook.engine.pipeline import Pipeline
from tenterhook.store import log_index
from tenterhook.store.transaction import Tx

EVENT = {"eventType": "acme.order.paid", "displayMessage": "indexed"}


async def indexed(pipeline: Any, count: int) -> None:
    """Wait until *count* events are found by their word."""
    sql = "SELECT count(*) FROM log_text WHERE log_text MATCH '\"acme.order.paid\"'"
    async with asyncio.timeout(20):
        while (await pipeline.database.read(lambda tx: tx.driver.execute(sql).fetchone()))[0] != count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_what_is_published_is_indexed_and_a_log_without_an_index_gets_one_at_the_next_start(tmp_path: Path) -> None:
    def forget(tx: Tx) -> None:
        while log_index.remove(tx, 1 << 60, 1000):
            pass

    async def story() -> None:
        async with Tenterhook.at(str(tmp_path)) as hooks:
            await hooks.publish(EVENT, EVENT)
            await indexed(hooks.pipeline, 2)
            await hooks.publish(EVENT)
            await indexed(hooks.pipeline, 3)
            await hooks.pipeline.database.write(forget)
        async with Tenterhook.at(str(tmp_path)) as hooks:
            await indexed(hooks.pipeline, 3)

    asyncio.run(story())


def test_a_step_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_log, "RETRY_S", 0.01)
    failures = [RuntimeError("broken once"), RuntimeError("broken twice")]
    fill = log_index.fill

    def failing(tx: Tx, most: int) -> int:
        if failures:
            raise failures.pop()
        return fill(tx, most)

    async def story() -> None:
        async with Tenterhook.at(str(tmp_path)) as hooks:
            await hooks.publish(EVENT)
            await indexed(hooks.pipeline, 1)
        assert not failures

    monkeypatch.setattr(log_index, "fill", failing)
    asyncio.run(story())


def test_an_idle_log_is_not_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    fill = log_index.fill

    def counted(tx: Tx, most: int) -> int:
        steps.append(most)
        return fill(tx, most)

    async def story() -> None:
        async with Tenterhook.at(str(tmp_path)) as hooks:
            await hooks.publish(EVENT)
            await indexed(hooks.pipeline, 1)
            monkeypatch.setattr(log_index, "fill", counted)
            parts = cast("Pipeline", SimpleNamespace(database=hooks.pipeline.database))
            looking = asyncio.create_task(index_forever(parts, pause_s=0.001))
            await asyncio.sleep(0.1)
            assert not steps
            await hooks.publish(EVENT)
            await indexed(hooks.pipeline, 2)
            assert steps
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    asyncio.run(story())
