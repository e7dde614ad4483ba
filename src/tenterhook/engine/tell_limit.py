"""Tell the System Log that an org came near a limit or met it: log events of Okta's types (okta/event-hooks.md §11)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tenterhook.domain import log_event
from tenterhook.domain.act import Act
from tenterhook.engine.draft_act import draft_act


class Notice(msgspec.Struct, frozen=True):
    """What is told of a limit."""

    event_type: str
    message: str
    refuses: bool  #: whether something was refused or held; False: it is only near
    debug: Mapping[str, str]


def draft_notice(notice: Notice, now_ms: int) -> log_event.Draft:
    """Return the log event that tells of a limit."""
    act = Act(
        org_id="",  # whose log it goes to is the caller's matter
        event_type=notice.event_type,
        message=notice.message,
        refused=notice.refuses,
        debug=notice.debug,
    )
    return draft_act(act, now_ms)
