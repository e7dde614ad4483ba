"""Every page of inline hooks, in the order in which paths are tried."""

from __future__ import annotations

from tenterhook.console.inline_hooks import execution, form, listing

routes = [*form.routes, *execution.routes, *listing.routes]
