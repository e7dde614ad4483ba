"""Small charts as SVG, drawn here: shapes with attributes alone, since pages may carry no styles and load no library.

Each returns an element with a text alternative; colours come from the stylesheet by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import NamedTuple

from markupsafe import Markup, escape

_METER_W, _METER_H = 160, 6


class Column(NamedTuple):
    """One bar of a histogram that leads somewhere."""

    value: int
    label: str  #: what it counts, and how much
    address: str | None  #: None: it leads nowhere


def meter(used: int, limit: int, *, warn_at: float = 0.7, label: str) -> Markup:
    """Return a bar of how much of a limit is used; from *warn_at* on in a warning's colour, full in a failure's."""
    share = min(1.0, used / limit) if limit else 1.0
    level = "full" if share >= 1 else "high" if share >= warn_at else "fine"
    filled = max(2, round(share * _METER_W)) if used else 0
    return Markup(
        '<svg class="meter meter-{}" viewBox="0 0 {w} {h}" width="{w}" height="{h}" preserveAspectRatio="none"'
        ' role="img" aria-label="{}"><rect class="meter-track" width="{w}" height="{h}" rx="3"/>'
        '<rect class="meter-fill" width="{}" height="{h}" rx="3"/></svg>'
    ).format(level, f"{label}: {share:.0%} used", filled, w=_METER_W, h=_METER_H)


def bars(values: Sequence[int], *, bad: Sequence[int] = (), label: str, height: int = 48, step: int = 8) -> Markup:
    """Return a histogram: a bar a value, the part of it that went *bad* in the colour of a failure.

    values: the whole of each bar. bad: how much of each is bad, if anything is told of it. step: width of a place.
    """
    most = max(values, default=0) or 1
    width = max(1, len(values)) * step
    parts = [f'<line class="bars-floor" x1="0" x2="{width}" y1="{height - 0.5}" y2="{height - 0.5}"/>']
    for at, value in enumerate(values):
        whole = _tall(value, most, height)
        wrong = _tall(min(bad[at], value) if at < len(bad) else 0, most, height)
        x, wide = at * step + 1, step - 2
        if whole > wrong:
            parts.append(
                f'<rect class="bars-good" x="{x}" y="{height - whole}" width="{wide}" height="{whole - wrong}"/>'
            )
        if wrong:
            parts.append(f'<rect class="bars-bad" x="{x}" y="{height - wrong}" width="{wide}" height="{wrong}"/>')
    return _picture("bars", width, height, label, parts)


def columns(values: Sequence[Column], *, label: str, height: int = 64, step: int = 16) -> Markup:
    """Return a histogram whose bars are links, each with its words; the whole height above a bar belongs to it."""
    most = max((one.value for one in values), default=0) or 1
    width = max(1, len(values)) * step
    parts = [f'<line class="bars-floor" x1="0" x2="{width}" y1="{height - 0.5}" y2="{height - 0.5}"/>']
    for at, (value, words, address) in enumerate(values):
        whole, x = _tall(value, most, height), at * step
        room = f'<rect class="column-room" x="{x}" y="0" width="{step}" height="{height}"/>'
        bar = f'<rect class="bars-good" x="{x + 1}" y="{height - whole}" width="{step - 2}" height="{whole}"/>'
        drawn = f"<title>{escape(words)}</title>{room}{bar if whole else ''}"
        if address is None:
            parts.append(f"<g>{drawn}</g>")
        else:
            parts.append(f'<a href="{escape(address)}" aria-label="{escape(words)}">{drawn}</a>')
    return Markup(  # noqa: S704 - words and addresses are escaped, the rest is numbers of ours
        f'<svg class="columns" viewBox="0 0 {width} {height}" role="group" preserveAspectRatio="none"'
        f' aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def sparkline(values: Sequence[float], *, label: str, width: int = 96, height: int = 24) -> Markup:
    """Return a curve through *values*, from the oldest to the newest."""
    most = max(values, default=0) or 1
    across = width / max(1, len(values) - 1)
    points = [
        (round(at * across, 1), round(height - 2 - value / most * (height - 4), 1)) for at, value in enumerate(values)
    ]
    path = " ".join(f"{'L' if at else 'M'}{x} {y}" for at, (x, y) in enumerate(points))
    area = f"{path} L{width} {height} L0 {height} Z" if points else ""
    parts = [f'<path class="spark-area" d="{area}"/>', f'<path class="spark-line" d="{path}"/>']
    return _picture("spark", width, height, label, parts)


#: Of a schedule: room for a wait's label, and what an hour-long wait adds to it.
_GAP, _STRETCH = 50, 5
_EDGE, _AXIS = 22, 24


def schedule(waits_s: Sequence[float], words: Sequence[str], *, label: str) -> Markup:
    """Return tries as dots on a line, with the waits between them, wider the longer they are. words: of each wait."""
    x, parts, dots = _EDGE, [], []
    places = [x]
    for wait, said in zip(waits_s, words, strict=False):
        after = x + _GAP + round(_STRETCH * max(0.0, log10(1 + wait)))
        parts.append(f'<line class="schedule-wait" x1="{x}" x2="{after}" y1="{_AXIS}" y2="{_AXIS}"/>')
        middle = (x + after) / 2
        dots.append(
            f'<text class="schedule-word" x="{middle}" y="{_AXIS - 8}" text-anchor="middle">{escape(said)}</text>'
        )
        x = after
        places.append(x)
    for number, at in enumerate(places, 1):
        dots.append(f'<circle class="schedule-try" cx="{at}" cy="{_AXIS}" r="9"/>')
        dots.append(f'<text class="schedule-number" x="{at}" y="{_AXIS + 4}" text-anchor="middle">{number}</text>')
    return _picture("schedule", x + _EDGE, _AXIS + 14, label, parts + dots)


def _tall(value: int, most: int, height: int) -> int:
    return max(2, round(value / most * (height - 2))) if value > 0 else 0


def _picture(kind: str, width: int, height: int, label: str, parts: Sequence[str]) -> Markup:
    # Everything but the label is numbers of ours.
    return Markup(  # noqa: S704
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        f' preserveAspectRatio="none" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )
