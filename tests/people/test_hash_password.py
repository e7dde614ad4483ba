"""Hashing passwords: few at a time, on threads, and never in the way of anything else."""

from __future__ import annotations

import asyncio
import threading

import pytest
from api_rig import until

from tenterhook.engine.hash_password import AT_ONCE, MAX_WAITING, Passwords
from tenterhook.errors import OverloadedError


class Held(Passwords):
    """Comparisons that wait for a gate, and count how many are at it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.lock = threading.Lock()
        self.now = self.most = 0
        self._nobodys = "x"

    def _verify(self, stored: str, password: str) -> bool:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.gate.wait(10)
        with self.lock:
            self.now -= 1
        return True


def test_two_are_compared_at_once_some_wait_and_more_are_refused() -> None:
    async def walk() -> None:
        passwords = Held()
        tasks = [asyncio.create_task(passwords.matches("s", "p")) for _ in range(AT_ONCE + MAX_WAITING)]
        await until(lambda: passwords.now == AT_ONCE)  # the loop runs while threads compare
        with pytest.raises(OverloadedError):
            await passwords.matches("s", "p")
        passwords.gate.set()
        assert await asyncio.gather(*tasks) == [True] * (AT_ONCE + MAX_WAITING)
        assert passwords.most == AT_ONCE
        assert await passwords.matches("s", "p"), "and then there is room again"

    asyncio.run(walk())


def test_a_caller_who_leaves_keeps_the_slot_until_the_thread_is_done() -> None:
    async def walk() -> None:
        passwords = Held()
        tasks = [asyncio.create_task(passwords.matches("s", "p")) for _ in range(AT_ONCE)]
        await until(lambda: passwords.now == AT_ONCE)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        late = [asyncio.create_task(passwords.matches("s", "p")) for _ in range(MAX_WAITING)]
        await asyncio.sleep(0.05)
        assert passwords.now == AT_ONCE, "the threads of those who left still hash"
        with pytest.raises(OverloadedError):
            await passwords.matches("s", "p")
        late.pop().cancel()  # one that waits leaves at once
        await asyncio.sleep(0)
        late.append(asyncio.create_task(passwords.matches("s", "p")))
        passwords.gate.set()
        assert await asyncio.gather(*late) == [True] * MAX_WAITING
        assert passwords.most == AT_ONCE
        assert passwords._under_way == 0

    asyncio.run(walk())


def test_a_hash_proves_its_password_and_no_other_and_a_broken_one_proves_nothing() -> None:
    async def walk() -> None:
        passwords = Passwords()
        stored = await passwords.hash("correct horse battery")
        assert "correct" not in stored
        assert stored != await passwords.hash("correct horse battery"), "salted"
        assert await passwords.matches(stored, "correct horse battery")
        assert not await passwords.matches(stored, "correct horse batterx")
        assert not await passwords.matches(None, "correct horse battery")
        assert not await passwords.matches("no hash at all", "correct horse battery")
        assert not passwords.is_outdated(stored)

    asyncio.run(walk())
