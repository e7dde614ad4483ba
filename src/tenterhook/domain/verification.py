"""Whether an endpoint proved that it wants a hook's events, and if not, what it did instead and how to mend it."""

from __future__ import annotations

from tenterhook.domain.attempt import Attempt, Reason
from tenterhook.domain.document import kind_of
from tenterhook.domain.strict_json import StrictJsonError, loads

CHALLENGE_HEADER = "X-Okta-Verification-Challenge"
KEY = "verification"

_WANTED = f'the JSON object {{"{KEY}":"<value of the request\'s {CHALLENGE_HEADER} header>"}} with status 200'
_EXPRESS = f'in Express: res.json({{ {KEY}: req.get("{CHALLENGE_HEADER}") }})'
_BOM = b"\xef\xbb\xbf"

_ADVICE = {
    Reason.TIMEOUT: "Answer the challenge at once, before any other work",
    Reason.DNS: "Check the host name in channel.config.uri, and that it is in the public DNS",
    Reason.CONNECT: "Check that the endpoint runs and that its firewall lets this server in",
    Reason.TLS: "The endpoint needs TLS 1.2 or later and a valid certificate for its host name",
    Reason.RESET: "Check that the endpoint answers GET requests, and what stands before it (proxy, firewall)",
    Reason.PROTOCOL: "The endpoint must speak HTTP/1.1",
    Reason.TOO_LARGE: f"Answer nothing but {_WANTED}",
    Reason.BLOCKED: "Register a public address; only the operator can open others (TENTERHOOK_EGRESS_ALLOW)",
    Reason.INTERRUPTED: "Verify again in a moment",
}


def read_echo(attempt: Attempt, challenge: str) -> str | None:
    """Return None if *attempt*'s answer echoes *challenge* exactly; else what came instead and how to mend it.

    Only 200 and a strict JSON object whose ``verification`` equals the challenge will do; other keys do not matter.
    The text holds nothing of the answer's body and no address. Source: okta/event-hooks.md §5.
    """
    if attempt.status is not None and attempt.status != 200:
        return _explain_status(attempt.status)
    if attempt.reason is not None or attempt.status is None:
        advice = _ADVICE.get(attempt.reason) if attempt.reason is not None else None
        return f"{attempt.message} {advice}." if advice else attempt.message
    if not attempt.body_complete:
        return f"The endpoint answered 200, but its body was cut off. Answer {_WANTED}."
    answered = _explain_body(attempt, challenge)
    return None if answered is None else f"The endpoint answered 200 and {answered}. Answer {_WANTED}."


def worth_another_try(attempt: Attempt) -> bool:
    """Return whether the challenge is sent once more: after a time-out, a lost connection or any status but 200."""
    if attempt.status is not None:
        return attempt.status != 200
    return attempt.reason not in (None, Reason.BLOCKED, Reason.TOO_LARGE)


def _explain_status(status: int) -> str:
    if 300 <= status < 400:
        return (
            f"The endpoint answered {status}, a redirect; redirects are not followed. "
            "Register the address that it leads to."
        )
    if status in (401, 403):
        advice = "Check the value of channel.config.authScheme and what else guards the endpoint"
    elif status in (404, 405, 501):
        advice = "It must take GET requests, for this challenge, at the very address that gets the events by POST"
    elif status >= 500:
        advice = "It failed on the challenge: look into its own log"
    else:
        advice = "The challenge is a GET request without a body"
    return f"The endpoint answered {status}. {advice}, and answer {_WANTED}."


def _explain_body(attempt: Attempt, challenge: str) -> str | None:
    body = attempt.response_body
    if body.startswith(_BOM):
        return "a text that begins with a byte order mark, which is no JSON"
    try:
        value = loads(body)
    except StrictJsonError as error:
        return _explain_text(attempt, body, challenge, error)
    if isinstance(value, dict) and KEY in value:
        return _explain_value(value[KEY], challenge)
    if attempt.private:
        return "something else than the challenge"
    if value == challenge:
        return f"the bare string instead of an object ({_EXPRESS})"
    if isinstance(value, dict):
        near = [key for key in value if key.strip().lower() == KEY]
        spelled = f"; it has {near[0]!r}, which is not the same" if near else ""
        return f"a JSON object without the key '{KEY}'{spelled}"
    return f"{kind_of(value)} instead of an object"


def _explain_value(echo: object, challenge: str) -> str | None:
    if echo == challenge:
        return None
    if not isinstance(echo, str):
        return f"an object whose '{KEY}' is {kind_of(echo)} instead of the challenge"
    if not echo:
        return f"an object whose '{KEY}' is empty: is the header's name spelled right?"
    if echo.strip() == challenge:
        return f"an object whose '{KEY}' has white space around the challenge"
    if echo.lower() == challenge.lower():
        return f"an object whose '{KEY}' has the challenge in another letter case"
    return f"an object whose '{KEY}' is another value than the challenge of this very request (a fixed or cached one?)"


def _explain_text(attempt: Attempt, body: bytes, challenge: str, error: StrictJsonError) -> str:
    if attempt.private:
        return "something else than the challenge"
    text = body.strip()
    if not text:
        return "an empty body"
    if text == challenge.encode():
        return f"the bare string instead of an object ({_EXPRESS})"
    kind = next((value for name, value in attempt.response_headers if name.lower() == "content-type"), "")
    if text[:1] == b"<" or "html" in kind.lower():
        return "an HTML or XML page (a sign-in page, an error page, or another site?)"
    return f"something that is no strict JSON: {str(error).rstrip('.')}"
