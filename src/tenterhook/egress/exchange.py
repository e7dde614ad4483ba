"""One request and what came back: gathered by a `Connection`, closed into an `Attempt`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from http import HTTPStatus
from time import monotonic

import msgspec

from tenterhook.domain.attempt import Attempt, Outcome, Phases, Reason
from tenterhook.egress.request import Request

MAX_NEEDED_BODY = 256 * 1024
MAX_DRAINED_BODY = 64 * 1024
MAX_KEPT_BODY = 4096  #: of a body that is not needed

_DELIVERED = Outcome.DELIVERED  # looking up an enum's member costs 0.08 µs, and this is the hot path
_ANSWERED = {status: f"The endpoint answered {status}." for status in range(200, 300)}
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Exchange(msgspec.Struct):
    """The state of one attempt. Times are `time.monotonic` seconds."""

    request: Request
    started: datetime
    began: float
    deadline: float
    timeout_s: float
    future: asyncio.Future[Attempt | None] | None = None  #: None is set if a reused connection died untouched
    reused: bool = False
    private: bool = False
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    sent: float = 0.0
    first_byte: float = 0.0
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    chunks: list[bytes] = []
    retry_after: str | None = None

    @property
    def left(self) -> float:
        """Seconds until the deadline, not below zero."""
        return max(0.0, self.deadline - monotonic())

    def conclude(self, body_complete: bool) -> Attempt:
        """Return the attempt that an answer ended: its status decides."""
        status = self.status
        if status is not None and 200 <= status < 300:
            return self._attempt(_DELIVERED, None, _ANSWERED[status], body_complete)
        return self._attempt(Outcome.FAILED, Reason.STATUS, _describe(status), body_complete)

    def fail(self, reason: Reason, message: str) -> Attempt:
        """Return the attempt that *reason* ended; an unsuccessful status, if one came, says more than *reason*."""
        if self.status is not None and not 200 <= self.status < 300:
            return self.conclude(body_complete=False)
        return self._attempt(Outcome.FAILED, reason, message, False)

    def _attempt(self, outcome: Outcome, reason: Reason | None, message: str, body_complete: bool) -> Attempt:
        request = self.request
        body = b"".join(self.chunks) if self.chunks else b""
        answered = self.first_byte
        first_byte = (answered - self.sent) * 1000.0 if answered else None
        total = (monotonic() - self.began) * 1000.0
        return Attempt(
            outcome,
            reason,
            message,
            self.started,
            Phases(request.queue_ms, self.dns_ms, self.connect_ms, self.tls_ms, first_byte, total),
            self.status,
            request.number,
            request.request_id,
            self.headers,
            body,
            body_complete,
            self.retry_after,
            self.private,
            self.reused,
        )


def _describe(status: int | None) -> str:
    phrase = _PHRASES.get(status or 0)
    answered = f"The endpoint answered {status}" + (f" {phrase}" if phrase else "")
    if status is not None and 300 <= status < 400:
        return f"{answered}; redirects are not followed."
    return f"{answered}."
