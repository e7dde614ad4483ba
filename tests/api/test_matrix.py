"""Who may do what: every route × every kind of credential, and no cell that is not as declared.

The table of routes is the application's own, so a new route is in here from the start. What a role may do is written
out once more, so that a slip in the product is no slip here as well. `pytest -s` prints the matrix.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from api_rig import EVENT, Api, api_at, receiving
from issuer_rig import issuing
from route_table import HOT, PUBLIC, Entry, call, entries
from structlog.testing import capture_logs

from tenterhook.api.app import create_app
from tenterhook.domain.principal import Permission, Role
from tenterhook.door.rate_limit import RateLimits
from tenterhook.engine.found_org import found_org
from tenterhook.engine.issue_token import TokenDraft, create_token
from tenterhook.store import admins, orgs
from tenterhook.store.admins import Admin
from tenterhook.store.transaction import Tx

NO_LIMITS = RateLimits(*[1_000_000] * len(RateLimits.__struct_fields__))
EVERYTHING = frozenset(Permission)
BEYOND = frozenset({Permission.MANAGE_ORGS, Permission.PUBLISH_ANYWHERE})
#: DESIGN §2.2, "roles".
MAY: dict[Role, frozenset[Permission]] = {
    Role.SUPER_ADMIN: EVERYTHING,
    Role.HOOKS_ADMIN: frozenset(
        {
            *(Permission.READ_HOOKS, Permission.MANAGE_HOOKS, Permission.READ_LOG),
            *(Permission.READ_INLINE_HOOKS, Permission.MANAGE_INLINE_HOOKS),
        }
    ),
    Role.READ_ONLY_ADMIN: frozenset({Permission.READ_LOG}),
    Role.PUBLISHER: frozenset({Permission.PUBLISH, Permission.RUN_INLINE_CALLS}),
}
#: Who may manage may read; who may publish anywhere may publish at home.
WITH = {
    Permission.MANAGE_HOOKS: Permission.READ_HOOKS,
    Permission.MANAGE_INLINE_HOOKS: Permission.READ_INLINE_HOOKS,
    Permission.PUBLISH_ANYWHERE: Permission.PUBLISH,
}


@dataclass(frozen=True)
class Credential:
    """One kind of caller. may: None for nobody at all."""

    name: str
    header: str | None
    may: frozenset[Permission] | None


@dataclass(frozen=True)
class Cell:
    """What one caller got from one route."""

    entry: Entry
    credential: Credential
    status: int

    @property
    def expected(self) -> bool:
        permission, may = self.entry.permission, self.credential.may
        if self.entry.public:
            return self.status < 500
        if may is None:
            return self.status == 401
        if not {permission, *self.entry.also} <= may:
            return self.status == 403
        return self.status not in (401, 403) and self.status < 500


def scoped(permission: Permission) -> frozenset[Permission]:
    return frozenset({permission, WITH.get(permission, permission)})


async def tokens_of(api: Api) -> tuple[dict[str, str], str]:
    """Make an API token of each kind; return their texts by name, and the other org's id."""
    names: dict[str, str] = {}

    def make(tx: Tx) -> str:
        now = api.pipeline.now_ms()
        first = orgs.first(tx)
        assert first is not None
        admin = admins.first_super_admin(tx, first.id)
        assert admin is not None
        org, other = found_org(tx, "other", now)
        drafts: list[tuple[str, Admin, TokenDraft]] = [
            ("operator", admin, TokenDraft("a", Role.SUPER_ADMIN)),
            ("other org", other, TokenDraft("b", Role.SUPER_ADMIN)),
            *((str(role), admin, TokenDraft(str(role), role)) for role in Role if role is not Role.SUPER_ADMIN),
            *((str(one), admin, TokenDraft(str(one), None, None, (str(one),))) for one in Permission),
            ("expired", admin, TokenDraft("expired", Role.SUPER_ADMIN, now - 1)),
            ("revoked", admin, TokenDraft("revoked", Role.SUPER_ADMIN)),
        ]
        for name, owner, draft in drafts:
            names[name], row = create_token(tx, owner, draft, now)
            if name == "revoked":
                names["revoked id"] = row.id
        return org.id

    org_id = await api.pipeline.database.write(make)
    used = await call(api.frame, "GET", "/api/v1/eventHooks", f"SSWS {names['revoked']}")
    assert used.status == 200
    assert (await api.call("DELETE", f"/api/v1/api-tokens/{names.pop('revoked id')}")).status_code == 204
    return names, org_id


@asynccontextmanager
async def callers(path: Path) -> AsyncIterator[tuple[Api, list[Credential]]]:
    """A running API, and one credential of each kind for it."""
    async with (
        asyncio.timeout(300),
        issuing() as issuer,
        api_at(path / "data", limits=NO_LIMITS, oauth_issuers=[issuer.url]) as api,
    ):
        names, _ = await tokens_of(api)
        text = {name: f"SSWS {token}" for name, token in names.items()}
        now_s = api.pipeline.now_ms() // 1000

        def oauth(*scopes: str, expires_s: int = 3600) -> str:
            return "Bearer " + issuer.token(scp=list(scopes), iat=now_s - 7200, exp=now_s + expires_s)

        found = [
            Credential("none", None, None),
            Credential("bad", f"SSWS 00{'x' * 43}", None),
            Credential("expired", text["expired"], None),
            Credential("revoked", text["revoked"], None),
            Credential("oauth expired", oauth("okta.logs.read", expires_s=-61), None),
            Credential("operator", text["operator"], EVERYTHING),
            Credential("other org", text["other org"], EVERYTHING - BEYOND),
            *(Credential(role, text[role], MAY[role]) for role in Role if role is not Role.SUPER_ADMIN),
            *(Credential(one, text[one], scoped(one)) for one in Permission),
            *(Credential(f"oauth {one}", oauth(str(one)), scoped(one)) for one in Permission),
            Credential("oauth no scope", oauth("openid"), frozenset()),
        ]
        yield api, found


async def fill(api: Api, credentials: Sequence[Credential]) -> list[Cell]:
    """Call every route as everybody, with ids that are nobody's."""
    cells = []
    for entry in entries(api.frame):
        for one in credentials:
            said = await call(api.frame, entry.method, entry.at(), one.header)
            cells.append(Cell(entry, one, said.status))
    return cells


def table(cells: Sequence[Cell]) -> str:
    """Return the matrix as text: a line a route, a column a credential, a mark at what was not expected."""
    columns = list(dict.fromkeys(cell.credential.name for cell in cells))
    lines = [f"{chr(65 + n % 26)}{n // 26 or ''} {name}" for n, name in enumerate(columns)]
    heads = [line.split(" ")[0].rjust(4) for line in lines]
    rows: dict[Entry, list[Cell]] = {}
    for cell in cells:
        rows.setdefault(cell.entry, []).append(cell)
    width = max(len(entry.method) + len(entry.path) for entry in rows) + 1
    wants = max(len(_wanted(entry)) for entry in rows)
    lines += ["", " " * (width + wants + 2) + "".join(heads)]
    for entry, row in rows.items():
        told = "".join(f"{cell.status}".rjust(4) if cell.expected else f"!{cell.status}" for cell in row)
        lines.append(f"{entry.method} {entry.path}".ljust(width + 1) + _wanted(entry).ljust(wants) + " " + told)
    return "\n".join(lines)


def _wanted(entry: Entry) -> str:
    return " + ".join((entry.permission or "public", *entry.also))


def test_every_cell_of_the_matrix_is_as_declared(tmp_path: Path) -> None:
    async def walk() -> None:
        async with callers(tmp_path) as (api, credentials):
            with capture_logs():
                cells = await fill(api, credentials)
            print("\n" + table(cells))
            assert [cell for cell in cells if not cell.expected] == [], table(cells)
            granted = {cell.entry.permission for cell in cells if cell.credential.may and cell.status < 401}
            assert granted - {None}, "something was allowed at all"

    asyncio.run(walk())


def test_a_cell_that_is_not_as_declared_is_marked() -> None:
    entry = Entry("GET", "/api/v1/logs", Permission.READ_LOG)
    nobody, reader = Credential("none", None, None), Credential("reader", "x", frozenset({Permission.READ_LOG}))
    other = Credential("other", "x", frozenset({Permission.PUBLISH}))
    good = [Cell(entry, nobody, 401), Cell(entry, reader, 200), Cell(entry, other, 403)]
    wrong = [Cell(entry, nobody, 200), Cell(entry, reader, 403), Cell(entry, other, 200), Cell(entry, reader, 500)]
    assert [cell.expected for cell in good + wrong] == [True] * 3 + [False] * 4
    assert table(good).count("!") == 0
    assert table(wrong[:3]).count("!") == 3


def test_every_route_declares_what_it_asks_or_is_on_the_list_of_public_ones(tmp_path: Path) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data") as api:
            found = entries(api.frame)
            asks_nothing = {(one.method, one.path) for one in found if one.permission is None}
            assert asks_nothing == set(PUBLIC), "a route must declare its caller: api/access.py, `needs`"
            assert set(api.frame._hot) == set(HOT)
            assert len(found) == len(set(found))
            described = create_app(api.pipeline).app
            known = {path for path, _ in ((one.path, one) for one in found)}
            assert {route.path for route in described.routes if hasattr(route, "path")} <= known, "and none is left out"

    asyncio.run(walk())


@pytest.mark.parametrize("kind", ["READ_ONLY_ADMIN", "okta.eventHooks.read", "okta.logs.read", "okta.inlineHooks.read"])
def test_who_may_only_read_changes_nothing_on_any_route(tmp_path: Path, kind: str) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data", limits=NO_LIMITS) as api:
            names, _ = await tokens_of(api)
            header = f"SSWS {names[kind]}"
            mutating = [one for one in entries(api.frame) if one.mutates and not one.public]
            assert len(mutating) > 15
            statuses = {
                f"{one.method} {one.path}": (await call(api.frame, one.method, one.at(), header)).status
                for one in mutating
            }
            assert {route: status for route, status in statuses.items() if status != 403} == {}

    asyncio.run(walk())


async def ids_of(api: Api, url: str) -> dict[str, str]:
    """Return an id of the operator's org for each name that a path may have."""
    hook = await api.add_hook(url)
    (uuid,) = await api.publish(EVENT)
    delivered = await api.wait_for(hook, "DELIVERED")
    made = await api.call("POST", "/api/v1/api-tokens", json={"name": "mine", "role": "PUBLISHER"})
    key = await api.call("POST", "/api/v1/hook-keys", json={"name": "Key"})
    channel = {"type": "HTTP", "version": "1.0.0", "config": {"uri": url}}
    asked = {"name": "Inline", "type": "com.okta.import.transform", "version": "1.0.0", "channel": channel}
    inline = await api.call("POST", "/api/v1/inlineHooks", json=asked)
    assert (key.status_code, inline.status_code) == (200, 200), inline.text
    defined = await api.call("POST", "/api/v1/eventTypes", json={"name": "acme.thing.made", "displayName": "Made"})
    assert defined.status_code == 200, defined.text
    return {
        "hook_id": hook.id,
        "inline_hook_id": inline.json()["id"],
        "hook_key_id": key.json()["id"],
        "key_id": key.json()["keyId"],
        "event_id": delivered["eventId"],
        "uuid": uuid,
        "token_id": made.json()["id"],
        "admin_id": made.json()["adminId"],
        "org_id": hook.org_id,
        "name": "acme.thing.made",
    }


#: What is told of an id that is nobody's, in the form that it must have.
NOBODYS = {
    "hook_id": "who00000000000000000",
    "inline_hook_id": "cal00000000000000000",
    "hook_key_id": "HKY00000000000000000",
    "key_id": "01234567-89ab-4cde-8f01-23456789abcd",
    "event_id": "01234567-89ab-7cde-8f01-23456789abcd",
    "uuid": "01234567-89ab-7cde-8f01-23456789abcd",
    "token_id": "00T00000000000000000",
    "admin_id": "00u00000000000000000",
    "org_id": "00o00000000000000000",
    "name": "acme.nothing.made",
}
#: A body that is good, where one is asked for before the id is looked at.
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/api/v1/eventHooks/{hook_id}/preview"): {"eventType": "user.lifecycle.create"},
    ("PUT", "/api/v1/admins/{admin_id}"): {"login": "mallory", "name": "Mallory", "role": "SUPER_ADMIN"},
    ("POST", "/api/v1/orgs/{org_id}/api-tokens"): {"name": "a", "role": "PUBLISHER"},
}


def test_the_ids_of_another_org_are_like_ids_that_are_nobodys_on_every_route(tmp_path: Path) -> None:
    async def walk() -> None:
        async with receiving(204) as receiver, api_at(tmp_path / "data", limits=NO_LIMITS) as api:
            ids = await ids_of(api, receiver.url)
            names, _ = await tokens_of(api)
            theirs, operator = f"SSWS {names['other org']}", f"SSWS {names['operator']}"
            with_ids = [one for one in entries(api.frame) if one.parameters]
            assert {name for one in with_ids for name in one.parameters} <= set(ids), "tell this test of the new name"
            sent = len(receiver.requests)
            for one in with_ids:
                body = BODIES.get((one.method, one.path))
                said = await call(api.frame, one.method, one.at(**ids), theirs, body)
                if one.permission in BEYOND:
                    assert said.status == 403, one
                    continue
                assert said.status == 404, (one, said)
                nobodys = await call(api.frame, one.method, one.at(**NOBODYS), theirs, body)
                for name in one.parameters:
                    said_of = said.told["errorSummary"].replace(ids[name], "ID")
                    assert said_of == nobodys.told["errorSummary"].replace(NOBODYS[name], "ID"), one
            assert len(receiver.requests) == sent, "nobody was called for them"
            for one in with_ids:
                if not one.mutates:
                    assert (await call(api.frame, "GET", one.at(**ids), operator)).status == 200, f"{one}: a real id"

    asyncio.run(walk())


def test_the_ids_of_another_org_in_a_body_are_like_ids_that_are_nobodys(tmp_path: Path) -> None:
    async def walk() -> None:
        async with receiving(204) as receiver, api_at(tmp_path / "data", limits=NO_LIMITS) as api:
            ids = await ids_of(api, receiver.url)
            names, org_id = await tokens_of(api)
            theirs = await api.add_hook(receiver.url, org_id=org_id)
            path, header = f"/api/v1/eventHooks/{theirs.id}/preview", f"SSWS {names['other org']}"
            told = [await call(api.frame, "POST", path, header, {"uuid": one["uuid"]}) for one in (ids, NOBODYS)]
            assert {one.status for one in told} <= {400, 404}
            texts = [one.told["errorSummary"] + str(one.told["errorCauses"]) for one in told]
            assert texts[0].replace(ids["uuid"], "ID") == texts[1].replace(NOBODYS["uuid"], "ID")

    asyncio.run(walk())


def test_a_list_is_the_callers_orgs_alone_and_its_cursors_too(tmp_path: Path) -> None:
    async def walk() -> None:
        async with receiving(204) as receiver, api_at(tmp_path / "data", limits=NO_LIMITS) as api:
            ids = await ids_of(api, receiver.url)
            names, _ = await tokens_of(api)
            theirs = {"Authorization": f"SSWS {names['other org']}"}
            lists = [one.path for one in entries(api.frame) if one.method == "GET" and not one.parameters]
            lists = [path for path in lists if path.startswith("/api/") and not path.endswith("/stream")]
            assert "/api/v1/eventHooks" in lists
            for path in lists:
                answer = await api.client.get(path, headers=theirs)
                assert answer.status_code in (200, 403), path
                assert not [value for value in ids.values() if value in answer.text], path
            page = await api.call("GET", "/api/v1/logs?limit=1&sortOrder=ASCENDING")
            following = page.headers.get_list("link")[-1].partition(">")[0].partition("/api/")[2]
            assert "after=" in following
            assert (await api.call("GET", f"/api/{following}")).status_code == 200
            refused = await api.client.get(f"/api/{following}", headers=theirs)
            assert refused.status_code == 400, refused.text
            for query in (f'filter=uuid eq "{ids["uuid"]}"', f"q={ids['uuid']}", "limit=1000"):
                found = await api.client.get(f"/api/v1/logs?{query}", headers=theirs)
                assert found.status_code == 200, found.text
                assert ids["uuid"] not in found.text

    asyncio.run(walk())


EVIL = [
    "..",
    ".",
    "../admins",
    "a;b",
    "a\x00b",
    "\x00",
    "a\rb",
    "x" * 10_240,
    "who1/../who2",
    "%2e%2e",
    "%00",
    "\ud7ff",
    "*",
    "'--",
]


def test_an_id_that_is_none_is_not_found_on_any_route(tmp_path: Path) -> None:
    async def walk() -> None:
        async with api_at(tmp_path / "data", limits=NO_LIMITS) as api:
            with_ids = [one for one in entries(api.frame) if one.parameters]
            for one in with_ids:
                for evil in EVIL:
                    path = one.at(**dict.fromkeys(one.parameters, evil))
                    body = BODIES.get((one.method, one.path))
                    said = await call(api.frame, one.method, path, f"SSWS {api.token}", body)
                    # A slash makes it another path: of none, or of a method that it has not.
                    assert said.status == 404 or ("/" in evil and said.status == 405), (one, evil[:40], said)
                    assert len(said.body) < 1500

    asyncio.run(walk())
