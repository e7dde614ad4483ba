"""The one exception by which the steps of an attempt stop it early. It never leaves `Client.send`."""

from __future__ import annotations

from tenterhook.domain.attempt import Reason


class PeerError(Exception):
    """The attempt failed before a request was under way; becomes an `Attempt`."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message  #: for tenants: no address
