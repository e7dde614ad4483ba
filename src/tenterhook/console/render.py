"""Templates to pages: one environment for the process, everything escaped, a name that is not there an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from tenterhook.console import assets, drawing, words
from tenterhook.console.role_words import role_label


def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        loader=PackageLoader("tenterhook.console"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.filters.update(
        number=words.number,
        count_of=words.count_of,
        size=words.size,
        visible=words.visible,
        dotted=words.dotted,
        duration=words.duration,
        moment=words.moment,
        ago=words.ago,
        visible_json=words.visible_json,
        role_label=role_label,
        ahead=words.ahead,
        milliseconds=words.milliseconds,
        share=words.share,
        publish_command=words.publish_command,
    )
    environment.globals.update(
        asset=assets.address,
        meter=drawing.meter,
        bars=drawing.bars,
        sparkline=drawing.sparkline,
        columns=drawing.columns,
    )
    return environment


ENVIRONMENT = _environment()


def render(template: str, context: Mapping[str, Any]) -> str:
    """Return the page that *template* makes of *context*."""
    return ENVIRONMENT.get_template(template).render(context)
