"""The routes of all pages about event hooks. The form's come first: `new` is no hook's id."""

from __future__ import annotations

from tenterhook.console.event_hooks import detail, form, listing, preview, verify

routes = [*listing.routes, *form.routes, *verify.routes, *preview.routes, *detail.routes]
