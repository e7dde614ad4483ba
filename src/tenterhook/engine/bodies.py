"""The events of waiting deliveries as they stand in request bodies: one budget of bytes for all lanes.

What exceeds the budget is let go, oldest first, and read back from the log when its turn comes: memory stays bounded,
and a hook that hangs cannot keep others' bodies out.
"""

from __future__ import annotations

Elements = tuple[bytes, ...]

BUDGET_BYTES = 16 * 1024 * 1024
#: What an entry costs beside its bytes, roughly: the tuple, the keys, the objects' heads.
_OVERHEAD = 200


class Bodies:
    """Rendered events by delivery id. Belongs to the event loop."""

    def __init__(self, budget: int = BUDGET_BYTES) -> None:
        self._budget = budget
        self._held: dict[int, tuple[Elements, int]] = {}
        self.bytes = 0

    def __contains__(self, delivery_id: int) -> bool:
        return delivery_id in self._held

    def keep(self, delivery_id: int, elements: Elements) -> None:
        """Hold a delivery's events, letting the oldest held go if the budget is exceeded."""
        self.take(delivery_id)
        size = _OVERHEAD + sum(map(len, elements))
        self._held[delivery_id] = (elements, size)
        self.bytes += size
        while self.bytes > self._budget:
            self.take(next(iter(self._held)))

    def take(self, delivery_id: int) -> Elements | None:
        """Return a delivery's events and hold them no longer; None if they are not held."""
        held = self._held.pop(delivery_id, None)
        if held is None:
            return None
        self.bytes -= held[1]
        return held[0]
