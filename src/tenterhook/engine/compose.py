"""Compose the request of a delivery: the one place that says what goes over the wire, for deliveries and previews."""

from __future__ import annotations

from tenterhook.domain.destination import parse_destination
from tenterhook.domain.envelope import fixed_headers
from tenterhook.domain.event_hook import EventHook
from tenterhook.egress.client import Head, render_head
from tenterhook.engine.pipeline import Pipeline


def delivery_head(pipeline: Pipeline, hook: EventHook) -> Head:
    """Return the head of the hook's deliveries, its secret in it.

    Raises: DestinationError, if today's rules refuse the hook's address.
    """
    destination = parse_destination(hook.channel.config.uri, pipeline.rules)
    return render_head("POST", destination, hook.request_headers(fixed_headers(pipeline.user_agent)))
