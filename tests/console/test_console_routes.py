"""Every page × every role: who may see it, what is offered to them, and the headers that all answers have."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape

import pytest
from api_rig import Api, with_api
from console_rig import browsing, signed_in, words_of

from tenterhook.console.app import HEADERS, PAGES
from tenterhook.console.assets import address
from tenterhook.console.routes import Kind, PageRoute
from tenterhook.domain.principal import Role, permissions_of
from tenterhook.door.rate_limit import RateLimits

ROUTES: list[PageRoute] = [route for module in PAGES for route in module.routes]
#: Whose answers end: a test that reads them to their end would wait for ever for the others.
ENDING = [route for route in ROUTES if route.kind is not Kind.STREAM]
#: Routes that ask nothing of their visitor, each for a reason.
PUBLIC = {("GET", "/console/sign-in"), ("POST", "/console/sign-in")}  # where one is not signed in yet
POLICY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
LINKED = re.compile(r'(?:href|src|action)="(/[^"#]*)')


def somewhere(path: str) -> str:
    return "/".join("00x0000000000000000x" if part.startswith("{") else part for part in path.split("/"))


def route_at(address: str) -> str:
    """The path, with the names of its parameters, of the route that answers at an address; its own if none does."""
    path = address.partition("?")[0]
    return next((one.path for one in ROUTES if re.fullmatch(re.sub(r"{\w+}", "[^/]+", one.path), path)), path)


def test_every_route_is_below_the_console_and_there_once() -> None:
    keys = [(route.method, route.path) for route in ROUTES]
    assert len(keys) == len(set(keys))
    assert {(route.method, route.path) for route in ROUTES if route.public} == PUBLIC
    for route in ROUTES:
        assert route.method in ("GET", "POST")
        assert route.path == "/console" or route.path.startswith("/console/")


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_what_its_permissions_allow_and_403_in_words_for_the_rest(role: Role, tmp_path) -> None:
    @with_api(limits=RateLimits(management=100_000))
    async def story(api: Api) -> None:
        may = permissions_of(role, operator=True)
        async with signed_in(api, role) as browser:
            for route in ROUTES:
                if route.public or route.path == "/console/sign-out":
                    continue
                if route.kind is Kind.STREAM and route.permission in may:
                    continue  # it never ends; its own test reads what comes
                path = somewhere(route.path)
                answer = await (browser.open(path) if route.method == "GET" else browser.send(path))
                if route.permission is None or route.permission in may:
                    assert answer.status_code not in (401, 403), (role, route.path, answer.text)
                else:
                    assert answer.status_code == 403, (role, route.path)
                    assert str(route.permission) in words_of(answer.text)

    story(tmp_path)


@pytest.mark.parametrize("role", list(Role))
def test_nobody_is_offered_a_link_that_they_may_not_follow(role: Role, tmp_path) -> None:
    @with_api(limits=RateLimits(management=100_000))
    async def story(api: Api) -> None:
        async with signed_in(api, role) as browser:
            # Of the addresses of one route, a few stand for all.
            to_see, seen, alike = ["/console"], set(), Counter()
            while to_see:
                path = to_see.pop()
                answer = await browser.open(path)
                assert answer.status_code == 200, (role, path)
                seen.add(path)
                actions = re.findall(r'action="([^"]+)"', answer.text)
                found = {unescape(one) for one in LINKED.findall(answer.text) if one not in actions}
                for one in sorted(found - seen - set(to_see)):
                    alike[route_at(one)] += 1
                    if alike[route_at(one)] <= 5:
                        to_see.append(one)

    story(tmp_path)


@with_api()
async def test_whoever_is_not_signed_in_is_sent_to_do_so_by_every_page(api: Api) -> None:
    async with browsing(api) as browser:
        await browser.open("/console/sign-in")
        for route in ROUTES:
            if route.public:
                continue
            path = somewhere(route.path)
            answer = await (browser.open(path) if route.method == "GET" else browser.send(path))
            assert answer.status_code == 303, route.path
            assert answer.headers["location"].startswith("/console/sign-in")


@with_api(limits=RateLimits(management=100_000))
async def test_every_answer_has_the_headers_that_keep_a_page_to_itself(api: Api) -> None:
    assert HEADERS.items() <= POLICY.items()
    async with signed_in(api) as browser, browsing(api) as nobody:
        for visitor in (browser, nobody):
            paths = [somewhere(route.path) for route in ENDING if route.method == "GET"]
            for path in [*paths, "/", "/console/", "/console/nothing", "/console/sign-out", "/console/static/x"]:
                answer = await visitor.open(path)
                assert POLICY.items() <= dict(answer.headers).items(), path
                assert "access-control-allow-origin" not in answer.headers
                assert "x-okta-request-id" in answer.headers
            refused = await visitor.send("/console/theme", {"csrf": "wrong"})
            assert POLICY.items() <= dict(refused.headers).items()
        strange = await browser.client.get("/console", headers={"Host": "evil.example"})
        assert strange.status_code == 421
        assert strange.headers["content-type"].startswith("text/html")
        assert POLICY.items() <= dict(strange.headers).items()


@with_api()
async def test_no_page_holds_a_style_or_a_script_or_an_address_of_elsewhere(api: Api) -> None:
    async with signed_in(api) as browser:
        for route in ENDING:
            if route.method == "GET":
                text = (await browser.open(somewhere(route.path))).text
                assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text), route.path
                assert re.findall(r"<script[^>]*>", text) in (
                    [],
                    [f'<script type="module" src="{address("console.js")}">'],
                )
                assert not re.search(r'(?:src|href|action)="(?!/|#)', text), route.path


@with_api()
async def test_the_root_leads_to_the_console_and_the_api_keeps_its_own_errors(api: Api) -> None:
    for path in ("/", "/console/"):
        answer = await api.client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    for path in ("/nothing", "/consoles", "/api/v1/nothing"):
        answer = await api.client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/json"


@with_api()
async def test_an_address_that_is_not_there_is_told_as_a_page_with_a_way_on(api: Api) -> None:
    async with signed_in(api) as browser:
        for path in ("/console/nothing", "/console/limits/", "/console/..%2f..%2fetc", "/console/%00", "/console/é"):
            answer = await browser.open(path)
            assert answer.status_code == 404, path
            assert "Nothing is here" in words_of(answer.text)
            assert 'class="button" href="/console' in answer.text
        answer = await browser.client.request("DELETE", "/console/limits")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@with_api()
async def test_a_forwarded_host_changes_no_address(api: Api) -> None:
    async with signed_in(api) as browser:
        answer = await browser.open("/console", **{"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"})
        assert "evil" not in answer.text


@with_api(limits=RateLimits(management=2))
async def test_too_many_pages_a_minute_are_refused_with_when_to_come_back(api: Api) -> None:
    async with signed_in(api) as browser:
        assert (await browser.open("/console")).status_code == 200
        answer = await browser.open("/console")
        assert answer.status_code == 429
        assert f"Wait {answer.headers['retry-after']} s" in words_of(answer.text)


@pytest.mark.parametrize(
    "path",
    [
        *("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "..%5c..%5cx", "%2e%2e/%2e%2e/app.py", "console.css", ""),
        *("0000000000000000/console.css", "{}/../console.css", "{}/console.css/", "{}/console.js", "{}/%00", "{}/"),
    ],
)
def test_no_path_leads_out_of_the_static_files(path: str, tmp_path) -> None:
    digest = address("console.css").split("/")[3]

    @with_api()
    async def story(api: Api) -> None:
        assert (await api.client.get("/console/static/" + path.format(digest))).status_code == 404

    story(tmp_path)


@with_api()
async def test_a_static_file_is_kept_for_good_under_the_address_of_its_content(api: Api) -> None:
    for name in ("console.css", "console.js", "mark.svg"):
        answer = await api.client.get(address(name), headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-encoding"] == "gzip"
        again = await api.client.get(address(name), headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        plain = await api.client.get(address(name), headers={"Accept-Encoding": "identity"})
        assert plain.content == answer.content
        assert "content-encoding" not in plain.headers
        assert (await api.client.post(address(name))).status_code == 405
