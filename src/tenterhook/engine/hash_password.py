"""Hash passwords and compare with them: slow on purpose (argon2id), so on threads and only few at a time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tenterhook.errors import OverloadedError

T = TypeVar("T")

#: Each takes 64 MiB and a tenth of a second of four threads.
AT_ONCE = 2
MAX_WAITING = 16


class Passwords:
    """Hashes and compares passwords with argon2id and its library's recommended cost (RFC 9106, low memory)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._under_way = 0
        self._nobodys: str | None = None  #: the hash of a password that nobody has

    async def hash(self, password: str) -> str:
        """Return the hash under which *password* is kept: salt and cost are in it. Raises: OverloadedError."""
        return await self._run(lambda: self._hasher.hash(password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Return whether *password* is the one that was *stored*; without one the answer is no and takes as long.

        Raises: OverloadedError, if too many are being compared.
        """
        if self._nobodys is None:
            self._nobodys = await self.hash(secrets.token_urlsafe())
        compared = self._nobodys if stored is None else stored
        return await self._run(lambda: self._verify(compared, password)) and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Return whether a hash was made with another cost than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= AT_ONCE + MAX_WAITING:
            raise OverloadedError("too many passwords are being checked at once", 2)
        self._under_way += 1
        try:
            await self._slots.acquire()
        except BaseException:
            self._under_way -= 1
            raise
        # A caller who leaves does not stop the thread, so it is the thread's end that frees the slot.
        hashing = asyncio.get_running_loop().run_in_executor(None, work)
        hashing.add_done_callback(self._free)
        return await asyncio.shield(hashing)

    def _free(self, _: asyncio.Future[T]) -> None:
        self._slots.release()
        self._under_way -= 1
