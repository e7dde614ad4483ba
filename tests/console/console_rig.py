"""A browser, as far as HTTP goes: it keeps cookies, says where its forms come from, and sends the token of the page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape

import httpx2
from api_rig import BASE, Api

from tenterhook.domain.principal import Role
from tenterhook.engine.sign_in import LINK_MS
from tenterhook.ids import ADMIN, new_id
from tenterhook.store import admins, orgs, sign_in_links
from tenterhook.store.admins import Admin
from tenterhook.store.sign_in_links import SignInLink
from tenterhook.store.transaction import Tx

TOKEN = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
PASSWORD = "correct horse battery"


@dataclass
class Browser:
    """One browser. Nothing is followed by itself, so that a test sees every answer."""

    api: Api
    client: httpx2.AsyncClient
    token: str = ""
    base: str = BASE
    headers: dict[str, str] = field(default_factory=dict)

    async def open(self, path: str, **headers: str) -> httpx2.Response:
        """Get a page and keep the token of its forms."""
        answer = await self.client.get(path, headers={**self.headers, **headers})
        found = TOKEN.search(answer.text)
        self.token = found[1] if found else self.token
        return answer

    async def send(self, path: str, fields: Mapping[str, str | list[str]] | None = None, **headers: str):
        """Send a form as one of our pages would."""
        said = {"Origin": self.base, "Sec-Fetch-Site": "same-origin", **self.headers, **headers}
        return await self.client.post(path, data={"csrf": self.token, **(fields or {})}, headers=said)

    async def is_signed_in(self) -> bool:
        """Whether the overview is shown."""
        return (await self.open("/console")).status_code == 200

    def cookie(self, name: str) -> str | None:
        return next((one.value for one in self.client.cookies.jar if one.name == name), None)

    def put_cookie(self, name: str, value: str) -> None:
        # Where the jar keeps what a server called localhost has set.
        self.client.cookies.set(name, value, domain="localhost.local", path="/")


@asynccontextmanager
async def browsing(api: Api, *, base: str = BASE, ip: str = "192.0.2.7") -> AsyncIterator[Browser]:
    """A browser that has not been here before."""
    transport = httpx2.ASGITransport(app=api.frame, client=(ip, 1234))
    async with httpx2.AsyncClient(transport=transport, base_url=base) as client:
        yield Browser(api, client, base=base)


@asynccontextmanager
async def signed_in(api: Api, role: Role = Role.SUPER_ADMIN, *, base: str = BASE) -> AsyncIterator[Browser]:
    """A browser in which a new admin with this role is signed in."""
    admin = await appoint(api, role)
    async with browsing(api, base=base) as browser:
        answer = await enter(browser, await link_of(api, admin))
        assert answer.status_code == 303, answer.text
        await browser.open("/console")
        yield browser


async def enter(browser: Browser, link: str) -> httpx2.Response:
    """Open the page of a link and press its button."""
    await browser.open(f"/console/sign-in?link={link}")
    return await browser.send("/console/sign-in", {"link": link, "next": "/console"})


async def appoint(api: Api, role: Role, login: str | None = None, password: str | None = None) -> Admin:
    """Store an admin of the first org."""
    hashed = None if password is None else await api.pipeline.passwords.hash(password)

    def store(tx: Tx) -> Admin:
        org = orgs.first(tx)
        assert org is not None
        id = new_id(ADMIN)
        admin = Admin(org.id, id, login or id, f"Admin {id[-4:]}", role, api.pipeline.now_ms(), hashed)
        admins.insert(tx, admin)
        return admin

    return await api.pipeline.database.write(store)


async def link_of(api: Api, admin: Admin) -> str:
    """Store a one-time link of an admin and return its text."""
    text, now_ms = new_id("lnk") * 2, api.pipeline.now_ms()

    def store(tx: Tx) -> None:
        from tenterhook.engine.authenticate import token_digest

        sign_in_links.put(tx, SignInLink(token_digest(text), admin.org_id, admin.id, now_ms, now_ms + LINK_MS))

    await api.pipeline.database.write(store)
    return text


def words_of(page: str) -> str:
    """What a page says, its tags taken away."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.replace("<wbr>", ""))).split())


def token_of(page: str) -> str:
    """The token in the call that tries it. A form's hidden token may hold what looks like one."""
    found = re.search(r"SSWS (00[A-Za-z0-9_-]{43})", page)
    assert found is not None
    return found[1]
