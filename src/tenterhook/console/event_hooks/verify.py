"""Verify a hook's endpoint, and if it did not echo the challenge: what it did instead, and a handler that does."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.responses import Response

from tenterhook.console.event_hooks import PATH
from tenterhook.console.event_hooks.standing import standing_of
from tenterhook.console.plain import plain
from tenterhook.console.routes import action, page
from tenterhook.console.same_origin import inside
from tenterhook.console.visit import Visit
from tenterhook.domain.event_hook import EventHook
from tenterhook.domain.principal import Permission
from tenterhook.domain.verification import CHALLENGE_HEADER
from tenterhook.door.rate_limit import Bucket
from tenterhook.engine.register import read_event_hook
from tenterhook.engine.verify import TIMEOUT_S, verify_event_hook
from tenterhook.errors import InvalidError

_EXPRESS = """\
app.get("{path}", (req, res) => {{
  const challenge = req.get("{header}");
  res.json({{ verification: challenge }});
}});

app.post("{path}", express.json(), (req, res) => {{
  const secret = req.get("{auth}");
  if (secret !== process.env.HOOK_SECRET) {{
    return res.sendStatus(401);
  }}
  res.sendStatus(204);   // answer first,
  queue.push(req.body);  // work afterwards
}});
"""
_FASTAPI = """\
@app.get("{path}")
def verify(request: Request) -> dict[str, str]:
    challenge = request.headers["{header}"]
    return {{"verification": challenge}}


@app.post("{path}", status_code=204)
async def receive(request: Request) -> None:
    secret = request.headers.get("{auth}", "")
    wanted = os.environ["HOOK_SECRET"]
    if not hmac.compare_digest(secret.encode(), wanted.encode()):
        raise HTTPException(401)
    queue.put_nowait(await request.json())  # work afterwards
"""


async def show(visit: Visit) -> Response:
    """Show what verifying is, with its button."""
    return await _show(visit, None)


async def verify(visit: Visit) -> Response:
    """Ask the endpoint now."""
    visit.count(Bucket.VERIFICATION)
    try:
        hook = await verify_event_hook(visit.pipeline, visit.principal, visit.params["hook_id"])
    except InvalidError as error:
        # The first cause is Okta's and says only that it failed.
        return await _show(visit, plain(error.problems[-1]))
    target = visit.form.text("back")
    return visit.redirect(inside(target) if target else f"{PATH}/{hook.id}", f"{hook.name} is verified. {_next(hook)}")


def _next(hook: EventHook) -> str:
    if hook.status == "INACTIVE":
        return "Activate it, and it gets its events."
    return "Resume it, and it gets its events." if hook.delivery_policy.paused else "It gets its events from now on."


async def _show(visit: Visit, problem: str | None) -> Response:
    hook = await read_event_hook(visit.pipeline, visit.principal, visit.params["hook_id"])
    scheme = hook.channel.config.auth_scheme
    names = {
        "path": _handled_path(hook.channel.config.uri),
        "header": CHALLENGE_HEADER,
        "auth": "Authorization" if scheme is None else scheme.key,
    }
    return visit.render(
        "event_hooks/verify.html",
        status=200 if problem is None else 400,
        hook=hook,
        standing=standing_of(hook),
        problem=problem,
        challenge_header=CHALLENGE_HEADER,
        timeout_s=int(TIMEOUT_S),
        handlers=[("Express", _EXPRESS.format(**names)), ("FastAPI", _FASTAPI.format(**names))],
    )


def _handled_path(uri: str) -> str:
    """Return the path of *uri* as it may stand in a piece of code."""
    path = urlsplit(uri).path
    return path if path and all(one.isalnum() or one in "/-_.~" for one in path) else "/"


_ONE = f"{PATH}/{{hook_id}}/verify"
routes = [page(_ONE, show, Permission.MANAGE_HOOKS), action(_ONE, verify, Permission.MANAGE_HOOKS)]
