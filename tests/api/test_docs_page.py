"""/docs: the reference as a page that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from api_rig import Api, with_api

from tenterhook.api.app import resource_routes
from tenterhook.api.openapi.document import document
from tenterhook.api.openapi.page import STYLE, prose, render_page

DOCUMENT = document(resource_routes(), "http://localhost:8080")
PAGE = render_page(DOCUMENT).decode()

#: Elements that are never closed.
VOID = {"meta", "link", "wbr", "br"}
#: Pairs of colours that text is read in, ink on ground.
PAIRS = [
    *((ink, ground) for ink in ("ink", "soft", "accent", "must") for ground in ("ground", "panel")),
    *((ink, "panel") for ink in ("get", "post", "put", "delete")),
    *((ink, "ground") for ink in ("get", "post", "put", "delete")),
    *(("ink", "sunk"), ("ink", "accent-soft")),
]


class Reader(HTMLParser):
    """Collects what a page holds, and whether its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID and "svg" not in self.open[-1:]:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


@with_api()
async def test_the_page_is_served_without_a_token_and_lets_a_browser_load_nothing(api: Api) -> None:
    answer = await api.client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-okta-request-id"]
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    nothing = ("default-src", "base-uri", "form-action", "frame-ancestors")
    assert policy == {"style-src": f"'sha256-{digest}'", "img-src": "data:"} | dict.fromkeys(nothing, "'none'")
    assert f"<style>{STYLE}</style>" in answer.text
    head = await api.client.head("/docs")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(answer.content)


def test_the_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    for tag, attributes in read(PAGE).elements:
        assert tag not in ("script", "iframe", "img", "object", "form", "base")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert attributes.get("href", "#").startswith(("#", "/openapi.json", "data:"))


def test_every_operation_error_and_schema_is_on_the_page_and_in_its_contents() -> None:
    elements = read(PAGE).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    links = {attributes["href"] for tag, attributes in elements if tag == "a"}
    operations = [said["operationId"] for item in DOCUMENT["paths"].values() for said in item.values()]
    operations += [said["operationId"] for item in DOCUMENT["webhooks"].values() for said in item.values()]
    wanted = operations + [f"schema-{name}" for name in DOCUMENT["components"]["schemas"]]
    assert set(wanted) <= set(ids)
    assert {f"#{one}" for one in wanted} <= links
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids), "a link that leads nowhere"


def test_what_the_document_says_is_shown_as_text() -> None:
    hostile: dict[str, Any] = {
        **DOCUMENT,
        "info": {**DOCUMENT["info"], "title": "<script>alert(1)</script>", "description": "`<b>` *<i>* & \"'"},
    }
    page = render_page(hostile).decode()
    assert "<script" not in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_prose_knows_paragraphs_code_and_emphasis() -> None:
    assert prose("one `two *x*`\n\n*three* <") == ("<p>one <code>two *x*</code></p><p><em>three</em> &lt;</p>")


def test_the_page_has_headings_in_order_and_landmarks() -> None:
    elements = read(PAGE).elements
    levels = [int(tag[1]) for tag, _ in elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    tags = {tag for tag, _ in elements}
    assert {"header", "nav", "main"} <= tags
    assert ("html", {"lang": "en"}) in elements
    assert any(attributes.get("class") == "skip" for _, attributes in elements)


@pytest.mark.parametrize("pair", PAIRS, ids="-on-".join)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_its_ground(scheme: str, pair: tuple[str, str]) -> None:
    first, second = STYLE.split("@media (prefers-color-scheme: dark)", 1)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", first if scheme == "light" else second))
    ink, ground = (luminance(colours[name]) for name in pair)
    lighter, darker = max(ink, ground), min(ink, ground)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def luminance(colour: str) -> float:
    """Return a colour's relative luminance (WCAG 2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
