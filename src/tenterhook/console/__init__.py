"""The Admin Console: pages over the same engine functions that the API calls. How to add a page:

1. *Module.* One a page or a family of them, named like its page: ``console/tokens.py``. An endpoint takes the `Visit`
   and returns a response; it is a few lines, for what it does is the engine's:

       async def list_tokens(visit: Visit) -> Response:
           found = await engine.list_tokens(visit.pipeline, visit.principal, None, 100)
           return visit.render("tokens.html", tokens=found)

2. *Routes.* A table at the module's end, with the permission that each asks for (None: anybody signed in), and the
   module's name in `app.PAGES`. A GET only shows; whatever changes something is a POST:

       routes = [
           page("/console/tokens", list_tokens, Permission.MANAGE_ADMINS),
           action("/console/tokens/{token_id}/revoke", revoke, Permission.MANAGE_ADMINS),
       ]

   A path in `navigation.SECTIONS` is shown there as soon as it has a route and to those who may.
3. *Template.* ``templates/tokens.html`` extends ``page.html``, sets ``title`` and fills ``content`` with the macros of
   ``templates/components``, which ``ui.html`` has under one name; ``limits.html`` is the example. No ``style=`` and no
   inline script: the policy forbids both. Bars and curves are drawn in `drawing`. Times are ``{{ ms | moment }}``,
   numbers ``{{ n | number }}``, and what came from outside is ``{{ text | visible }}``: escaped, and with characters
   that mislead spelled out.
4. *Forms.* ``<form method="post">{{ csrf }} …``. `Visit.form` is what was sent; the token was checked before. On
   InvalidError show the same page again, with what was typed and each problem at its field:

       except InvalidError as error:
           return visit.render("token_new.html", status=400, form=visit.form, errors=FieldErrors(error, _FIELDS))

5. *Afterwards* redirect, with a word of what was done: ``visit.redirect("/console/tokens", "The token is revoked.")``.
   What cannot be undone has a page of its own before it (``components/confirm.html``). Other errors of the engine are
   left to propagate: `error_pages` turns them into pages.
6. *Live.* A region with an id and ``data-live="5"`` is fetched anew every 5 seconds while it is seen.
   Where acts depend on what it shows, the header's are such a region as well: ``header(…, live=5)``.
   A route that is no page says so (`Kind`): PART and STREAM for what a page fetches, LIVE for one that renews itself.
   Script that only your page needs has a file of its own, ``static/<name>.js``: an element with
   ``data-module="{{ asset("<name>.js") }}"`` is given to its ``begin``.
7. *Tests* in ``tests/console``: HTTP with ``console_rig`` (as each role), looks and axe with ``browser_rig``. That
   every route has its permission, its token and its headers is tested for all of them at once.
"""
