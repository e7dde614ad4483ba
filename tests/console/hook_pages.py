"""What the tests of the pages about event hooks share: a form as a browser would send it, and hooks to look at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from api_rig import Api
from console_rig import Browser

PATH = "/console/event-hooks"
NEW = f"{PATH}/new"
SECRET = "s3cret-that-no-page-may-hold"

Fields = Mapping[str, str | list[str]]
_INPUT = re.compile(r"<input\b[^>]*>")
_AREA = re.compile(r'<textarea[^>]* name="(\w+)"[^>]*>\n(.*?)</textarea>', re.DOTALL)
_TEMPLATE = re.compile(r"<template.*?</template>", re.DOTALL)


def typed(**changes: str | list[str]) -> dict[str, str | list[str]]:
    """The fields of a good hook, as they are sent with *changes*."""
    return {
        "act": "save",
        "name": "Provision accounts",
        "description": "",
        "url": "https://svc.example.com/hook",
        "types": ["user.lifecycle.create", "user.session.start"],
        "auth": "set",
        "auth_key": "Authorization",
        "auth_value": SECRET,
        "retry": "durable",
        "waits": "1 s",
        "timeout": "3",
        "max_events": "100",
        "concurrency": "16",
        "find": "",
        "found": "",
        **changes,
    }


def sent_again(page: str, **changes: str | list[str]) -> dict[str, list[str]]:
    """What a browser would send of the long form of *page* with *changes*: nothing is typed, nothing ticked anew."""
    form = _TEMPLATE.sub("", page[page.index('class="long-form"') :])
    fields: dict[str, list[str]] = {}
    for tag in _INPUT.findall(form):
        kind, name = _part(tag, "type"), _part(tag, "name")
        if name and (kind not in ("checkbox", "radio") or " checked" in tag) and name != "csrf":
            fields.setdefault(name, []).append(unescape(_part(tag, "value")))
    for name, text in _AREA.findall(form):
        fields.setdefault(name, []).append(unescape(text))
    given = {name: [value] if isinstance(value, str) else value for name, value in changes.items()}
    return {**fields, "act": ["save"], **given}


def _part(tag: str, name: str) -> str:
    found = re.search(rf' {name}="([^"]*)"', tag)
    return found[1] if found else ""


async def create(browser: Browser, **changes: str | list[str]) -> str:
    """Create a hook by its form and return the path of its page."""
    await browser.open(NEW)
    answer = await browser.send(NEW, typed(**changes))
    assert answer.status_code == 303, answer.text
    path: str = answer.headers["location"]
    return path


async def stored(api: Api, path: str) -> dict[str, Any]:
    """What the API says of the hook whose page is at *path*."""
    answer = await api.call("GET", f"/api/v1/eventHooks/{path.rpartition('/')[2]}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def problems_of(page: str) -> dict[str, str]:
    """What a page complains of, by field."""
    found = re.findall(r'class="problem" id="(\w+)-problem">([^<]*)<', page)
    return {name: unescape(text) for name, text in found}
