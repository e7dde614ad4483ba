"""What the commands of a reply come to, once all of them are applied."""

from __future__ import annotations

import msgspec

from tenterhook.domain.inline.kind import InlineOutcome
from tenterhook.domain.log_event import Tree


class Conclusion(msgspec.Struct, frozen=True):
    """The outcome of a reply whose commands could all be applied."""

    outcome: InlineOutcome = InlineOutcome.SUCCESS
    reason: str | None = None  #: in words: why it is no SUCCESS
    error: Tree | None = None  #: for the user of the process
    error_message: str | None = None  #: what went wrong at the endpoint, for the log
