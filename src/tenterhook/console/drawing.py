"""Small charts as SVG, drawn here: shapes with attributes alone, since pages may carry no styles and load no library.

Each returns an element with a text alternative; colours come from the stylesheet by class.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

_METER_W, _METER_H = 160, 6


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


def _tall(value: int, most: int, height: int) -> int:
    return max(2, round(value / most * (height - 2))) if value > 0 else 0


def _picture(kind: str, width: int, height: int, label: str, parts: Sequence[str]) -> Markup:
    # Everything but the label is numbers of ours.
    return Markup(  # noqa: S704
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
        f' preserveAspectRatio="none" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )
