"""Inline hooks as the console's forms make them."""

from __future__ import annotations

import json
from typing import Any

from console_rig import Browser

HOOKS, KEYS = "/console/inline-hooks", "/console/hook-keys"
TOKEN = "com.okta.oauth2.tokens.transform"
REGISTRATION = "com.okta.user.pre-registration"
TELEPHONY = "com.okta.telephony.provider"
SECRET = "s3cret-value"

HTTP_FORM = {
    "name": "Enrich tokens",
    "type": TOKEN,
    "url": "https://hooks.example.com/token",
    "header_key": ["X-Source", ""],
    "header_value": ["tenterhook", ""],
    "channel": "HTTP",
    "auth": "set",
    "auth_key": "Authorization",
    "auth_value": SECRET,
    # What the hidden half of the form sends along.
    "client_id": "",
    "token_url": "",
    "scope": "",
    "auth_type": "client_secret_post",
    "client_secret": "",
}
OAUTH_FORM = {
    **HTTP_FORM,
    "channel": "OAUTH",
    "auth_value": "",
    "client_id": "client-1",
    "token_url": "https://auth.example.com/token",
    "scope": "hooks.answer",
    "client_secret": SECRET,
}
COMMANDS = {
    "commands": [
        {
            "type": "com.okta.access.patch",
            "value": [
                {"op": "add", "path": "/claims/tier", "value": "gold"},
                {"op": "replace", "path": "/token/lifetime/expiration", "value": 900},
            ],
        }
    ]
}
REFUSAL = {"error": {"errorSummary": "Not today <b>\u202e", "errorCauses": []}}


def answer_of(body: object) -> bytes:
    """The bytes of an endpoint's answer."""
    return json.dumps(body).encode()


async def made(browser: Browser, form: dict[str, Any] | None = None, **changes: Any) -> str:
    """Create a hook by the form and return the path of its page."""
    await browser.open(f"{HOOKS}/new")
    answer = await browser.send(f"{HOOKS}/new", {**(form or HTTP_FORM), **changes})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def made_key(browser: Browser, name: str = "Signer") -> str:
    """Create a hook key by the form and return the path of its page."""
    await browser.open(f"{KEYS}/new")
    answer = await browser.send(KEYS, {"name": name})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])
