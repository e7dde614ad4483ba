"""An inline hook as the API shows it, and how it changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from inline_samples import BIRTH_MS, HTTP_BODY, KEY, OAUTH_BODY, ORG, SIGNED_BODY, body, hook

from tenterhook.domain.destination import DestinationRules
from tenterhook.domain.inline.channel import InlineRules
from tenterhook.domain.inline.draft import parse_create, parse_replace
from tenterhook.domain.inline.hook import InlineHook, created, etag, replaced, switched, wire
from tenterhook.domain.secret import Secret

BASE = "https://hooks.example.com"
RULES = InlineRules(DestinationRules(), {KEY})
IDENTITY = {"id": "cal1a2b3c4d5e6f7g8h9", "org_id": ORG}


def made(of: dict[str, Any] = HTTP_BODY, **changes: Any) -> InlineHook:
    return created(parse_create(body(of, **changes), RULES), IDENTITY, BIRTH_MS)


def test_an_active_hook_is_shown_to_the_letter_as_okta_shows_it() -> None:
    link = f"{BASE}/api/v1/inlineHooks/cal1a2b3c4d5e6f7g8h9"
    assert json.dumps(wire(made(), BASE)) == json.dumps(
        {
            "id": "cal1a2b3c4d5e6f7g8h9",
            "status": "ACTIVE",
            "name": "Claims from the CRM",
            "type": "com.okta.oauth2.tokens.transform",
            "version": "1.0.0",
            "channel": {
                "type": "HTTP",
                "version": "1.0.0",
                "config": {
                    "uri": "https://svc.example.com/ask",
                    "headers": [{"key": "X-Source", "value": "tenterhook"}],
                    "method": "POST",
                    "authScheme": {"type": "HEADER", "key": "Authorization"},
                },
            },
            "created": "2026-01-02T03:04:05.000Z",
            "lastUpdated": "2026-01-02T03:04:05.000Z",
            "_links": {
                "self": {"href": link},
                "execute": {"href": f"{link}/execute", "hints": {"allow": ["POST"]}},
                "deactivate": {"href": f"{link}/lifecycle/deactivate", "hints": {"allow": ["POST"]}},
            },
        }
    )


def test_an_inactive_hook_offers_what_can_be_done_with_it() -> None:
    link = f"{BASE}/api/v1/inlineHooks/cal1a2b3c4d5e6f7g8h9"
    shown = wire(switched(made(), "INACTIVE", BIRTH_MS + 1000), BASE)
    assert (shown["status"], shown["lastUpdated"]) == ("INACTIVE", "2026-01-02T03:04:06.000Z")
    assert json.dumps(shown["_links"]) == json.dumps(
        {
            "activate": {"href": f"{link}/lifecycle/activate", "hints": {"allow": ["POST"]}},
            "self": {"href": link},
            "delete": {"href": link, "hints": {"allow": ["DELETE"]}},
        }
    )


@pytest.mark.parametrize(
    ("of", "rest"),
    [
        (
            OAUTH_BODY,
            {
                "clientId": "tenterhook",
                "tokenUrl": "https://id.example.com/token",
                "authType": "client_secret_post",
                "scope": "hooks.answer",
            },
        ),
        (
            SIGNED_BODY,
            {
                "clientId": "tenterhook",
                "tokenUrl": "https://id.example.com/token",
                "authType": "private_key_jwt",
                "scope": None,
                "hookKeyId": KEY,
            },
        ),
    ],
)
def test_an_oauth_channel_is_shown_in_the_order_of_the_wire(of: dict[str, Any], rest: dict[str, Any]) -> None:
    common = {"uri": "https://svc.example.com/ask", "headers": [], "method": "POST", "authScheme": None}
    shown = wire(made(of), BASE)["channel"]
    assert json.dumps(shown) == json.dumps({"type": "OAUTH", "version": "1.0.0", "config": common | rest})


@pytest.mark.parametrize("of", [HTTP_BODY, OAUTH_BODY])
def test_no_secret_is_in_anything_that_is_shown(of: dict[str, Any]) -> None:
    one = made(of)
    assert one.secret == Secret("s3cret-value")
    assert "s3cret" not in json.dumps(wire(one, BASE)) + repr(one) + str(one.model_dump())


def test_a_channel_without_an_auth_scheme_shows_null() -> None:
    assert wire(hook(), BASE)["channel"]["config"]["authScheme"] is None


def test_every_change_is_a_new_revision_and_time_never_runs_back() -> None:
    first = made()
    second = replaced(first, parse_replace(body(name="New"), first, RULES), BIRTH_MS - 5)
    third = switched(second, "INACTIVE", BIRTH_MS + 7)
    assert switched(third, "INACTIVE", BIRTH_MS + 9) is third
    assert [one.revision for one in (first, second, third)] == [1, 2, 3]
    assert [one.last_updated - BIRTH_MS for one in (first, second, third)] == [0, 0, 7]
    assert len({etag(one) for one in (first, second, third)}) == 3
    assert (third.name, third.created, third.id) == ("New", BIRTH_MS, first.id)
