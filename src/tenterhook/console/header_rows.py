"""Custom headers as rows of a form: ``header_key`` and ``header_value``, as often as there are headers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tenterhook.console.form import Form
from tenterhook.domain.channel import Header


class HeaderRow(NamedTuple):
    """One custom header."""

    key: str = ""
    value: str = ""

    @property
    def blank(self) -> bool:
        """Whether nothing was typed into it."""
        return not self.key and not self.value


def rows_in(form: Form) -> list[HeaderRow]:
    """Return the rows that were sent, blank ones too."""
    sent = zip(form.all("header_key"), form.all("header_value"), strict=False)
    return [HeaderRow(*row) for row in sent]


def rows_of(headers: Sequence[Header]) -> list[HeaderRow]:
    """Return the rows that a channel's headers fill."""
    return [HeaderRow(one.key, one.value) for one in headers]


def headers_of(rows: Sequence[HeaderRow]) -> list[dict[str, str]]:
    """Return the headers as the API would be sent them: blank rows are none."""
    return [{"key": row.key, "value": row.value} for row in rows if not row.blank]


def header_paths(rows: Sequence[HeaderRow]) -> dict[str, str]:
    """Return at which row each header of the document stands, for `FieldErrors`."""
    sent = [at for at, row in enumerate(rows) if not row.blank]
    paths = {f"channel.config.headers[{index}]": f"header_{at}" for index, at in enumerate(sent)}
    return {"channel.config.headers": "headers", **paths}


def without_row(rows: Sequence[HeaderRow], at: int) -> list[HeaderRow]:
    """Return the rows but for the one at this place."""
    return [row for nth, row in enumerate(rows) if nth != at]
