"""Whatever is sent to the routes of people, tokens and orgs, the answer is the caller's error and never ours."""

from __future__ import annotations

import itertools

from api_rig import Api, with_api
from people_rig import ADMINS, ORGS, SIGN_IN, TOKENS, first

ROUTES = [
    ("GET", ADMINS + "/{}"),
    ("PUT", ADMINS + "/{}"),
    ("DELETE", ADMINS + "/{}"),
    ("POST", ADMINS + "/{}/sign-in-link"),
    ("GET", TOKENS + "/{}"),
    ("DELETE", TOKENS + "/{}"),
    ("GET", ORGS + "/{}"),
    ("POST", ORGS + "/{}/api-tokens"),
]
IDS = ["x", "%00", "%ff", "%2e%2e", "%C3%A9", ";", "'", "a" * 10_000, "00u" + "a" * 17, "%F0%9F%92%A9", "00oé"]
BODIES = ["null", "[]", "{}", "0", '"x"', '{"name":{}}', '{"name":"x","role":[]}', '{"login":"\\ud800"}', "{" * 200]
VALUES = [None, True, 0, -1, 1e308, "", " ", "\u0000", "\u202e", "x" * 5000, [], {}, [[]], {"a": 1}]
KEYS = ["name", "login", "role", "password", "scopes", "expires", "link", "org", "id", "\u0000", "__proto__"]


@with_api()
async def test_row_179_a_path_that_names_nothing_is_not_found(api: Api) -> None:
    me = first(api)
    good = {"login": "a", "name": "a", "role": "PUBLISHER"}
    for (method, path), name in itertools.product(ROUTES, IDS):
        answer = await me.call(method, path.format(name), json=good)
        assert answer.status_code in (404, 405), (method, path, name, answer.text)


@with_api()
async def test_no_body_makes_an_error_of_ours(api: Api) -> None:
    me = first(api)
    headers = {"Content-Type": "application/json"}
    for path, body in itertools.product((ADMINS, TOKENS, ORGS, SIGN_IN), BODIES):
        answer = await me.call("POST", path, content=body.encode(), headers=headers)
        assert answer.status_code in (400, 401, 429), (path, body, answer.text)
    for path, key, value in itertools.product((ADMINS, TOKENS, ORGS, SIGN_IN), KEYS, VALUES):
        good = {"login": "a", "name": "a"} if path == ADMINS else {"name": "a"} if path == TOKENS else {}
        answer = await me.call("POST", path, json={**good, key: value})
        named = path == ORGS and value == "\u202e"  # a name may hold what is inert when it is shown
        assert answer.status_code in ((200,) if named and key == "name" else (400, 401, 429)), (path, key, value)
        assert len(answer.content) < 5000


@with_api()
async def test_no_query_makes_an_error_of_ours(api: Api) -> None:
    me = first(api)
    for path in (ADMINS, TOKENS, ORGS):
        for query in ("limit=0", "limit=x", "limit=1e3", "limit=%D9%A1", "after=", "after=" + "x" * 300):
            answer = await me.call("GET", f"{path}?{query}")
            assert answer.status_code == 400, (path, query)
        for query in ("after=%00", "after=%ff", "after=zzz", "limit=1000", "x=1"):
            answer = await me.call("GET", f"{path}?{query}")
            assert answer.status_code == 200, (path, query)
