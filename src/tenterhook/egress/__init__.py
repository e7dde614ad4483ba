"""The door out: the only part that opens connections to anywhere. `Client` sends; everything else serves it."""

from tenterhook.egress.client import Client, Head, Request, render_head
from tenterhook.egress.resolve import ResolveError, Resolver, SystemResolver

__all__ = ["Client", "Head", "Request", "ResolveError", "Resolver", "SystemResolver", "render_head"]
