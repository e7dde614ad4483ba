"""What is wrong with a request as HTTP."""

from __future__ import annotations

from tenterhook.errors import CallerError


class ProtocolError(CallerError):
    """The request is wrong as HTTP, in a way that Okta has no code for: 408, 411, 417, 421, 431."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
