"""Pages are made one at a time, in turns of orgs, and counted until their browsers have taken them."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

from api_rig import Api, with_api
from console_rig import signed_in, words_of

from tenterhook.console.press import Press
from tenterhook.engine.budget import Budget


def test_an_org_that_asks_for_many_pages_keeps_no_other_waiting() -> None:
    made: list[str] = []
    go_on = threading.Event()

    def work(name: str) -> None:
        go_on.wait(10)
        made.append(name)

    async def walk() -> None:
        press = Press()
        first = [asyncio.create_task(press.make("a", partial(work, f"a{n}"))) for n in range(5)]
        await asyncio.sleep(0)
        other = asyncio.create_task(press.make("b", partial(work, "b")))
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(*first, other)

    asyncio.run(walk())
    assert made == ["a0", "b", "a1", "a2", "a3", "a4"]


def test_pages_are_not_made_on_the_event_loops_thread() -> None:
    assert asyncio.run(Press().make("", threading.get_ident)) != threading.get_ident()


@with_api()
async def test_a_page_beyond_what_may_be_held_is_a_503_that_says_so(api: Api) -> None:
    async with signed_in(api) as browser:
        budget = api.frame.state.answering = Budget("unread answers", 10, 10)
        answer = await browser.open("/console/event-hooks/new")  # 130 kB
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "Too busy just now" in words_of(answer.text)
        assert budget.used == 0
        assert (await browser.open("/console/limits")).status_code == 200, "small pages are always let in"
