"""How pages write times, numbers and sizes. Templates use these as filters of the same name."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from markupsafe import Markup

from tenterhook.domain.timestamp import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_ms, parse_timestamp

#: Singular words whose plural is not made with an s.
_PLURALS = {
    "delivery": "deliveries",
    "query": "queries",
    "inbox": "inboxes",
    "address": "addresses",
    "try": "tries",
}
_UNITS = ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s"))


def number(value: float | None) -> str:
    """Return a number with its thousands parted; a dash for none."""
    return "–" if value is None else f"{value:,}"


def count_of(value: int, noun: str) -> str:
    """Return ``1 hook``, ``2,000 hooks``."""
    return f"{value:,} {noun if value == 1 else _PLURALS.get(noun, noun + 's')}"


def size(value: int) -> str:
    """Return a number of bytes as people write it: ``512 bytes``, ``64 KiB``, ``8 MiB``."""
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if value >= unit:
            return f"{value / unit:,.1f}".removesuffix(".0") + f" {name}"
    return count_of(value, "byte")


def duration(ms: int) -> str:
    """Return how long that is, in its two largest units: ``12 min 30 s``, ``90 d``, ``1.3 s``, ``45 ms``."""
    if ms < SECOND_MS:
        return f"{ms} ms"
    if ms < 10 * SECOND_MS:
        return f"{ms / SECOND_MS:.1f}".removesuffix(".0") + " s"
    parts: list[str] = []
    for unit, name in _UNITS:
        whole, ms = divmod(ms, unit)
        if whole or parts:
            parts.append(f"{whole:,} {name}" if whole else "")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if part)


def visible(value: object) -> str:
    """Return text with each character that cannot be seen, or that turns what follows it round, as its escape.

    Control characters, text direction overrides and lone surrogates; line breaks and tabs stay.
    """
    text = str(value)
    if text.isprintable():
        return text
    return "".join(one if one in "\n\t" or one.isprintable() else _escape(one) for one in text)


def dotted(name: str) -> Markup:
    """Return a name of several words, an event type or a ``field.ofAnEvent``, which breaks only between two of them."""
    return Markup("<wbr>").join(re.split(r"(?<=[._])|(?<=[a-z])(?=[A-Z])", visible(name)))


def publish_command(event_type: str) -> str:
    """Return a command line that publishes one event of a type: a new one each time that it is run."""
    return f"echo '{json.dumps({'eventType': event_type}, separators=(',', ':'))}' | tenterhook publish --fresh -"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def visible_json(text: str) -> str:
    """Return JSON in which every such character is written as JSON's own escape; lines stay lines."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(char if char == "\n" or char.isprintable() else json.dumps(char)[1:-1] for char in text)


def moment(at: float | str | None, none: str = "never") -> Markup | str:
    """Return a point in time as an element: UTC to the second, which the script turns into the reader's own time.

    at: ms since the epoch, or a timestamp. none: what stands there if there is none.
    """
    ms = parse_timestamp(at) if isinstance(at, str) else at
    if ms is None:
        return none
    exact = format_ms(int(ms))
    shown = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return Markup('<time datetime="{}" title="{} UTC">{} UTC</time>').format(exact, exact[:-1].replace("T", " "), shown)


def ago(at: int | None, now_ms: int) -> Markup | str:
    """Return how long ago a point in time (ms) is, as an element that says when that was."""
    if at is None:
        return "never"
    exact, past = format_ms(at), max(0, now_ms - at)
    size, unit = next(((size, unit) for size, unit in _UNITS if past >= size), _UNITS[-1])
    said = "just now" if past < 5 * SECOND_MS else f"{past // size:,} {unit} ago"
    return Markup('<time datetime="{}" title="{} UTC" data-ago>{}</time>').format(
        exact, exact[:-1].replace("T", " "), said
    )


def ahead(at: float | str | None, now_ms: int) -> Markup | str:
    """Return how soon a point in time (ms, or a timestamp) is, as an element that says when: ``in 5 min``."""
    ms = parse_timestamp(at) if isinstance(at, str) else at
    if ms is None:
        return "never"
    exact, left = format_ms(int(ms)), int(ms) - now_ms
    said = f"in {duration(left)}" if left >= SECOND_MS else "now"
    return Markup('<time datetime="{}" title="{} UTC" data-ahead>{}</time>').format(
        exact, exact[:-1].replace("T", " "), said
    )


def milliseconds(ms: float | None) -> str:
    """Return a time that was measured, to three digits: ``0.42 ms``, ``38 ms``, ``1.25 s``; a dash for none."""
    if ms is None:
        return "–"
    if ms >= SECOND_MS:
        return f"{ms / SECOND_MS:.2f} s"
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms" if ms >= 1 else f"{ms:.2f} ms"


def share(percent: float) -> str:
    """Return a share in per cent; one that is nearly whole is not rounded up to it: ``99.98 %``, ``100 %``."""
    if percent >= 100 or percent <= 0:
        return f"{percent:.0f} %"
    return f"{min(percent, 99.99):.2f} %" if percent > 99 else f"{percent:.1f} %"
