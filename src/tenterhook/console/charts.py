"""The two larger charts: what ended when, and where the time of an attempt went.

As in `drawing`: shapes with attributes alone; what is written on them stands beside them, where it can wrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from markupsafe import Markup
from msgspec.structs import asdict

from tenterhook.console.words import count_of
from tenterhook.domain.attempt import Phases
from tenterhook.engine.figures.spans import Bucket

#: Of the chart of what ended; the stylesheet stretches it to its place.
_HEIGHT, _STEP = 120, 10
#: The width of a bar of phases, and the least of a part of it.
_WHOLE, _LEAST = 1000, 6

_NAMES = {
    "queue": "Waited in the queue",
    "dns": "Looked the name up",
    "connect": "Connected",
    "tls": "TLS handshake",
    "first_byte": "Waited for the answer",
}


class Part(NamedTuple):
    """One phase of an attempt."""

    kind: str  #: its class
    name: str
    ms: float


def outcome_chart(buckets: Sequence[Bucket], bucket_ms: int, label: str, path: str) -> Markup:
    """Return a chart of what ended in each bucket: delivered, failed and to be tried again, given up.

    What ended, delivered or given up, leads to those deliveries. An attempt that is repeated leads nowhere: no list is
    of attempts, and its delivery ends at another time.
    path: where a bar leads, but for the two times that it stands for: ``/console/deliveries?``.
    """
    most = most_of(buckets)
    width = len(buckets) * _STEP
    parts = [Markup('<line class="bars-floor" x1="0" x2="{}" y1="{y}" y2="{y}"/>').format(width, y=_HEIGHT - 0.5)]
    parts += [_column(at, one, bucket_ms, most, path) for at, one in enumerate(buckets) if _whole(one)]
    return Markup(
        '<svg class="outcomes" viewBox="0 0 {w} {h}" width="{w}" height="{h}" preserveAspectRatio="none"'
        ' role="group" aria-label="{}">{}</svg>'
    ).format(label, Markup("").join(parts), w=width, h=_HEIGHT)


def most_of(buckets: Sequence[Bucket]) -> int:
    """Return how much the highest bar stands for; 1 if there is none."""
    return max((_whole(one) for one in buckets), default=0) or 1


def _whole(bucket: Bucket) -> int:
    return sum(count for _, count in _stack(bucket))


def _stack(bucket: Bucket) -> list[tuple[str, int]]:
    # A delivery that is given up has failed once more: it is drawn once.
    retried = max(0, bucket.failed_attempts - bucket.ended_failed)
    return [("good", bucket.delivered), ("retried", retried), ("bad", bucket.ended_failed)]


def _column(at: int, bucket: Bucket, bucket_ms: int, most: int, path: str) -> Markup:
    floor, ended, retried = float(_HEIGHT), Markup(""), Markup("")
    for kind, count in _stack(bucket):
        tall = max(2.0, count / most * (_HEIGHT - 2)) if count else 0.0
        if tall:
            floor -= tall
            rect = Markup('<rect class="outcome-{}" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>').format(
                kind, at * _STEP + 1, floor, _STEP - 2, tall
            )
            ended, retried = (ended, rect) if kind == "retried" else (ended + rect, retried)
    begins, ends = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (bucket.start, bucket.start + bucket_ms))
    when = f"{begins:%b %-d, %H:%M} to {ends:%H:%M} UTC"
    delivered, given_up = f"{bucket.delivered:,} delivered", f"{bucket.ended_failed:,} given up"
    told = f"{when}: {delivered}, {count_of(bucket.failed_attempts, 'failed attempt')}, {given_up}"
    if ended:
        times = f"endedSince={begins:%Y-%m-%dT%H:%MZ}&endedUntil={ends:%Y-%m-%dT%H:%MZ}"
        ended = Markup('<a href="{}{}" tabindex="-1" aria-label="{}">{}</a>').format(
            path, times, f"{when}: {delivered}, {given_up}", ended
        )
    return Markup("<g><title>{}</title>{}{}</g>").format(told, ended, retried)


def phases_of(phases: Phases, *, answered: bool) -> list[Part]:
    """Return the phases that took place, in order, and what the rest of the time was spent on."""
    took: dict[str, float | None] = asdict(phases)
    total = took.pop("total") or 0.0
    parts = [Part(f"phase-{name}", words, ms) for name, words in _NAMES.items() if (ms := took[name]) is not None]
    rest = total - sum(ms or 0.0 for name, ms in took.items() if name != "queue")
    if not answered:
        parts.append(Part("phase-failed", "Failed" if not parts else "Failed here", max(0.0, rest)))
    elif rest >= 0.01:
        parts.append(Part("phase-rest", "The rest of the exchange", rest))
    return parts


def phase_bar(parts: Sequence[Part], label: str) -> Markup:
    """Return one bar, divided among the phases as the time was; a phase that took next to nothing still shows."""
    total = sum(part.ms for part in parts) or 1.0
    shares = [max(_LEAST, part.ms / total * _WHOLE) for part in parts]
    scale, at, rects = _WHOLE / (sum(shares) or 1), 0.0, []
    for part, share in zip(parts, shares, strict=True):
        wide = share * scale
        rects.append(
            Markup('<rect class="{}" x="{:.1f}" width="{:.1f}" height="10"/>').format(part.kind, at, max(1, wide - 2))
        )
        at += wide
    return Markup(
        '<svg class="phase-bar" viewBox="0 0 {w} 10" width="{w}" height="10" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>'
    ).format(label, Markup("").join(rects), w=_WHOLE)
