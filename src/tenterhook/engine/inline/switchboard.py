"""What all inline calls share: places, breakers, tokens, heads, and what the log is still to be told of."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from tenterhook.engine.inline.breakers import Breakers
from tenterhook.engine.inline.grants import Grants
from tenterhook.engine.inline.heads import Heads
from tenterhook.engine.inline.places import Places
from tenterhook.engine.inline.untold import Untold

#: Seconds that a whole call may take, the fetch of its token and a repetition included (okta/inline-hooks.md §3).
TIMEOUT_S = 3.0
#: Seconds that a stop waits for calls whose connections were just closed.
STOP_S = 1.0


@dataclass(eq=False)
class Switchboard:
    """The state of inline calls. One per pipeline; belongs to the event loop."""

    timeout_s: float = TIMEOUT_S
    places: Places = field(default_factory=Places)
    breakers: Breakers = field(default_factory=Breakers)
    grants: Grants = field(default_factory=Grants)
    heads: Heads = field(default_factory=Heads)
    untold: Untold = field(default_factory=Untold)

    async def close(self) -> None:
        """End what is under way, and hand what the log is to be told to the database, which writes it when it closes.

        Close the client before, so that calls end, and the database after.
        """
        await self.grants.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self.places.empty.wait()
        self.untold.close()
