"""Bytes that may be held in memory at once for peers that may never move: bodies on their way in, answers out."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from tenterhook.errors import OverloadedError

MIB = 1024 * 1024
#: Of each of the two, for everybody together, and for one org: one that fills its part leaves room to the others.
MAX_BYTES, MAX_ORG_BYTES = 128 * MIB, 64 * MIB
#: Of each call, not counted: what is small is always let in.
FREE_BYTES = 64 * 1024
#: Seconds after which a refused call is worth another try: room comes back when somebody's peer has moved.
RETRY_S = 2


class Budget:
    """Counts what is held, in all and by each org. For the event loop only."""

    def __init__(self, what: str, most: int = MAX_BYTES, most_of_org: int = MAX_ORG_BYTES) -> None:
        self.used = 0
        self._by_org: dict[str, int] = {}
        self._why = f"too many bytes of {what} are held in memory for clients that are slow"
        self._most, self._most_of_org = most, most_of_org

    def hold(self, org_id: str) -> Hold:
        """Return what counts the bytes of one call; it holds nothing yet."""
        return Hold(self, org_id)

    def take(self, org_id: str, size: int) -> None:
        """Count *size* bytes more. Raises: OverloadedError, beyond the budget; nothing is counted then."""
        of_org = self._by_org.get(org_id, 0) + size
        if self.used + size > self._most or of_org > self._most_of_org:
            raise OverloadedError(self._why, RETRY_S)
        self.used += size
        self._by_org[org_id] = of_org

    def give_back(self, org_id: str, size: int) -> None:
        """Count *size* bytes less."""
        self.used -= size
        left = self._by_org.get(org_id, 0) - size
        if left > 0:
            self._by_org[org_id] = left
        else:
            self._by_org.pop(org_id, None)


class Hold:
    """What one call holds of a budget, but for its first `FREE_BYTES`. A context manager: its end gives all back."""

    __slots__ = ("_budget", "_counted", "_org_id", "_size")

    def __init__(self, budget: Budget, org_id: str) -> None:
        self._budget, self._org_id = budget, org_id
        self._size = self._counted = 0

    def add(self, size: int) -> None:
        """Hold *size* bytes more. Raises: OverloadedError."""
        self._size += size
        more = self._size - FREE_BYTES - self._counted
        if more > 0:
            self._budget.take(self._org_id, more)
            self._counted += more

    def release(self) -> None:
        """Give everything back."""
        self._budget.give_back(self._org_id, self._counted)
        self._size = self._counted = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
