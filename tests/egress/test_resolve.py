"""Look-ups: bounded, shared, and none can hold up another (security check 82, fault plan F45r)."""

from __future__ import annotations

import asyncio
import socket
import threading
from ipaddress import ip_address

import pytest

from tenterhook.egress import resolve
from tenterhook.egress.resolve import ResolveError, SystemResolver

HERE = (ip_address("127.0.0.1"),)


class Names:
    """A blocking look-up: names that begin with "hung" wait for `release`; it counts and notes threads."""

    def __init__(self):
        self.release = threading.Event()
        self.asked = []

    def __call__(self, host):
        self.asked.append(host)
        if host.startswith("hung"):
            self.release.wait(10)
        if host.startswith("absent"):
            raise socket.gaierror(socket.EAI_NONAME, "x")
        if host.startswith("failing"):
            raise socket.gaierror(socket.EAI_AGAIN, "x")
        return HERE


@pytest.fixture
def names():
    names = Names()
    yield names
    names.release.set()


def test_40_hung_look_ups_do_not_delay_a_healthy_one(run, names):
    async def go():
        resolver = SystemResolver(names, limit_s=5)
        hung = [asyncio.ensure_future(resolver.resolve(f"hung{n}.example", 443)) for n in range(40)]
        await asyncio.sleep(0)
        healthy = await resolver.resolve("healthy.example", 443)  # while all 40 hang: they are released only below
        waiting = sum(not task.done() for task in hung)
        names.release.set()
        await asyncio.gather(*hung)
        return healthy, waiting

    assert run(go()) == (HERE, 40)


def test_a_hung_look_up_fails_in_time_and_holds_one_thread_however_often_it_is_asked(run, names):
    async def go():
        resolver = SystemResolver(names, limit_s=0.05)
        tasks = [resolver.resolve("hung.example", 443) for _ in range(50)]
        failures = await asyncio.gather(*tasks, return_exceptions=True)
        with pytest.raises(ResolveError):
            await resolver.resolve("hung.example", 443)
        return failures, resolver.threads

    failures, threads = run(go())
    assert all(isinstance(failure, ResolveError) for failure in failures)
    assert threads == 1
    assert names.asked == ["hung.example"]


def test_threads_are_bounded_and_some_are_kept_for_names_that_resolved_before(run, names):
    async def go():
        resolver = SystemResolver(names, limit_s=0.05, cache_s=-1, max_threads=6)
        await resolver.resolve("good.example", 443)
        hung = [resolver.resolve(f"hung{n}.example", 443) for n in range(20)]
        await asyncio.gather(*hung, return_exceptions=True)
        with pytest.raises(ResolveError, match="too many"):
            await resolver.resolve("new.example", 443)
        return await resolver.resolve("good.example", 443), resolver.threads

    assert run(go()) == (HERE, 4)


@pytest.mark.parametrize(("host", "words"), [("absent.example", "does not exist"), ("failing.example", "failed")])
def test_a_name_without_address_says_why(run, names, host, words):
    async def go():
        with pytest.raises(ResolveError, match=words):
            await SystemResolver(names).resolve(host, 443)

    run(go())


def test_an_answer_serves_for_a_few_seconds_and_a_failure_for_less(run, names):
    async def go():
        resolver = SystemResolver(names)
        assert resolver.recall("a.example") is None
        for _ in range(3):
            await resolver.resolve("a.example", 443)
        assert resolver.recall("a.example") == HERE
        stale = SystemResolver(names, cache_s=-1)
        await stale.resolve("b.example", 443)
        assert stale.recall("b.example") is None
        await stale.resolve("b.example", 443)

    run(go())
    assert names.asked == ["a.example", "b.example", "b.example"]
    assert resolve.FAILURE_CACHE_S < 0.8  # the soonest retry of an okta policy asks anew


def test_what_is_remembered_is_bounded(run, names):
    async def go():
        resolver = SystemResolver(names, max_names=3)
        for n in range(10):
            await resolver.resolve(f"{n}.example", 443)
        return [n for n in range(10) if resolver.recall(f"{n}.example")]

    assert run(go()) == [7, 8, 9]


def test_the_systems_look_up_reads_the_hosts_file_and_mapped_addresses():
    assert set(resolve.look_up("localhost")) <= {ip_address("127.0.0.1"), ip_address("::1")}
    assert list(resolve.look_up("::ffff:127.0.0.1")) == [ip_address("127.0.0.1")]


def test_a_look_up_that_ends_after_its_loop_harms_nobody(names):
    async def go():
        resolver = SystemResolver(names, limit_s=0.01)
        with pytest.raises(ResolveError):
            await resolver.resolve("hung.example", 443)

    asyncio.run(go())
    names.release.set()
    for thread in threading.enumerate():
        if thread.name == "look-up":
            thread.join(5)
            assert not thread.is_alive()
