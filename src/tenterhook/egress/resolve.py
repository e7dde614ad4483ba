"""Names to addresses: the system's look-up, in threads of its own, which no hung name can use up."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address
from time import monotonic
from typing import Protocol

from tenterhook.domain.address import Address

LOOKUP_S = 2.0  #: how long a look-up is waited for
CACHE_S = 5.0  #: how long an answer serves; its addresses are judged at every attempt all the same
FAILURE_CACHE_S = 0.5
MAX_THREADS = 128  #: a quarter of them is kept for names that have resolved before
MAX_NAMES = 10_000  #: remembered
MAX_ANSWERS = 1024  #: of one look-up; all are judged

Lookup = Callable[[str], Sequence[Address]]


class ResolveError(Exception):
    """The name has no address now; the text says why, for tenants."""


class Resolver(Protocol):
    """What the client asks for addresses."""

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """Return all addresses of *host*, at least one. Raises: ResolveError."""
        ...


def look_up(host: str) -> Sequence[Address]:
    """Ask the system (its hosts file included), blocking. Raises: OSError."""
    # As bytes: a str would pass through the standard library's IDNA 2003 codec.
    found = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    texts = dict.fromkeys(str(entry[4][0]) for entry in found if entry[0] in (socket.AF_INET, socket.AF_INET6))
    return [unmapped(ip_address(text)) for text in list(texts)[:MAX_ANSWERS]]


def unmapped(address: Address) -> Address:
    """Return the IPv4 address inside an IPv4-mapped one, or *address* itself."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


class _Answer:
    """What is known of one name: addresses or why there are none, until when."""

    __slots__ = ("addresses", "failure", "until")

    def __init__(self, addresses: tuple[Address, ...], failure: str, until: float) -> None:
        self.addresses = addresses
        self.failure = failure
        self.until = until


class SystemResolver:
    """Resolve by the system's look-up, one thread per name under look-up.

    A name that hangs holds one thread, however many attempts wait for it; a name that resolved lately may use threads
    that others may not, so that new names, hung or hostile, cannot starve it.
    """

    def __init__(
        self,
        lookup: Lookup = look_up,
        *,
        limit_s: float = LOOKUP_S,
        cache_s: float = CACHE_S,
        max_threads: int = MAX_THREADS,
        max_names: int = MAX_NAMES,
    ) -> None:
        self._lookup = lookup
        self._limit_s = limit_s
        self._cache_s = cache_s
        self._max_threads = max_threads
        self._max_names = max_names
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._running: dict[str, list[asyncio.Future[_Answer]]] = {}

    @property
    def threads(self) -> int:
        """How many look-ups are under way."""
        return len(self._running)

    def recall(self, host: str) -> tuple[Address, ...] | None:
        """Return the addresses of *host* if they were looked up so lately that they still serve."""
        answer = self._answers.get(host)
        if answer is None or not answer.addresses or answer.until < monotonic():
            return None
        return answer.addresses

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """Return all addresses of *host*. Raises: ResolveError, within 2 seconds."""
        answer = self._answers.get(host)
        if answer is None or answer.until < monotonic():
            answer = await self._ask(host)
        if not answer.addresses:
            raise ResolveError(answer.failure)
        return answer.addresses

    async def _ask(self, host: str) -> _Answer:
        loop = asyncio.get_running_loop()
        waiting = self._running.get(host)
        if waiting is None:
            known = host in self._answers and bool(self._answers[host].addresses)
            if len(self._running) >= (self._max_threads if known else self._max_threads * 3 // 4):
                raise ResolveError("too many names are being looked up at the moment")
            waiting = self._running[host] = []
            threading.Thread(target=self._work, args=(loop, host), name="look-up", daemon=True).start()
        mine: asyncio.Future[_Answer] = loop.create_future()
        waiting.append(mine)
        try:
            async with asyncio.timeout(self._limit_s):
                return await mine
        except TimeoutError as error:
            raise ResolveError("the name servers did not answer in time") from error
        finally:
            if mine in waiting:
                waiting.remove(mine)

    def _work(self, loop: asyncio.AbstractEventLoop, host: str) -> None:
        addresses: tuple[Address, ...] = ()
        failure = "the name has no address"
        try:
            addresses = tuple(self._lookup(host))
        except OSError as error:
            failure = _explain(error)
        except (ValueError, UnicodeError):
            failure = "the name servers' answer cannot be read"
        try:
            loop.call_soon_threadsafe(self._learn, host, addresses, failure)
        except RuntimeError:
            pass  # the loop has ended, and with it everyone who waited

    def _learn(self, host: str, addresses: tuple[Address, ...], failure: str) -> None:
        until = monotonic() + (self._cache_s if addresses else FAILURE_CACHE_S)
        answer = _Answer(addresses, failure, until)
        self._answers[host] = answer
        self._answers.move_to_end(host)
        if len(self._answers) > self._max_names:
            self._answers.popitem(last=False)
        for waiter in self._running.pop(host, ()):
            if not waiter.done():
                waiter.set_result(answer)


def _explain(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            return "the name does not exist or has no address"
        if error.errno == socket.EAI_AGAIN:
            return "the name servers could not be asked or failed"
    return "the look-up failed"
