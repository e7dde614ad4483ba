"""What waits for the writing thread: by class, each sure of its share of a commit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Generic, TypeVar

from tenterhook.store.transaction import Tx

I = TypeVar("I")  # noqa: E741
R = TypeVar("R")

MAX_BATCH_ROWS = 1000


class Class(IntEnum):
    """What a write is for; lower goes first."""

    OUTCOME = 0
    DOCUMENT = 1
    PUBLISH = 2
    MAINTENANCE = 3


#: Rows of a batch that each class is sure of, however much of the higher classes waits.
SHARE = {Class.OUTCOME: 400, Class.DOCUMENT: 100, Class.PUBLISH: 400, Class.MAINTENANCE: 100}


@dataclass(frozen=True, eq=False)
class Batch(Generic[I, R]):
    """A kind of write whose waiting items are run together.

    run: gets the items in order of arrival, returns one result each. Items are valid beforehand: if run raises, each
    item is tried again alone and only those that fail again are told.
    """

    name: str
    klass: Class
    run: Callable[[Tx, list[I]], list[R]]


@dataclass(slots=True, eq=False)
class Waiting:
    """One write that waits, and whom to tell."""

    batch: Batch[Any, Any] | None
    payload: Any  # an item of the batch, or fn(tx)
    done: Callable[[Any], None]
    failed: Callable[[BaseException], None]
    rows: int = 1
    size: int = 0
    result: Any = None


@dataclass(eq=False)
class WriteQueue:
    """What waits, by class."""

    items: dict[Class, deque[Waiting]] = field(default_factory=lambda: {klass: deque() for klass in Class})
    rows: dict[Class, int] = field(default_factory=lambda: dict.fromkeys(Class, 0))
    bytes: dict[Class, int] = field(default_factory=lambda: dict.fromkeys(Class, 0))

    def put(self, klass: Class, item: Waiting) -> None:
        """Add a write."""
        self.items[klass].append(item)
        self.rows[klass] += item.rows
        self.bytes[klass] += item.size

    @property
    def any(self) -> bool:
        """Return whether anything waits."""
        return any(map(len, self.items.values()))

    def take(self) -> list[tuple[Class, Waiting]]:
        """Return the next batch: each class its share first, then what is left of the batch by rank."""
        taken: list[tuple[Class, Waiting]] = []
        used = 0
        for shared in (True, False):
            for klass in Class:
                limit = used + SHARE[klass] if shared else MAX_BATCH_ROWS
                queue = self.items[klass]
                while queue and (used < limit):
                    item = queue.popleft()
                    self.rows[klass] -= item.rows
                    self.bytes[klass] -= item.size
                    used += item.rows
                    taken.append((klass, item))
        taken.sort(key=lambda pair: pair[0])
        return taken
