"""Settings › Orgs: the operator founds orgs, and lets a person or a program in; nobody else sees them."""

from __future__ import annotations

import re

from api_rig import Api, with_api
from console_rig import browsing, enter, signed_in, token_of, words_of

ORGS = "/console/orgs"


@with_api()
async def test_an_org_is_founded_and_somebody_let_in(api: Api) -> None:
    async with signed_in(api) as browser, browsing(api) as newcomer:
        await browser.open(f"{ORGS}/new")
        answer = await browser.send(ORGS, {"name": "Northwind"})
        path = answer.headers["location"]
        shown = words_of((await browser.open(path)).text)
        assert "“Northwind” is founded" in shown
        linked = await browser.send(f"{path}/sign-in-link")
        link = re.search(r"\?link=([A-Za-z0-9_-]{43})", linked.text)
        assert link is not None
        assert (await enter(newcomer, link[1])).status_code == 303
        overview = (await newcomer.open("/console")).text
        assert f'href="{ORGS}"' not in overview
        assert (await newcomer.open(ORGS)).status_code == 403


@with_api()
async def test_a_program_is_let_into_an_org_by_a_token_of_its_own(api: Api) -> None:
    async with signed_in(api) as browser:
        path = (await browser.send(ORGS, {"name": "Northwind"})).headers["location"]
        issued = await browser.send(f"{path}/tokens", {"name": "first", "grant": "SUPER_ADMIN", "expires": "0"})
        headers = {"Authorization": f"SSWS {token_of(issued.text)}"}
        [admin] = (await api.client.get("/api/v1/admins", headers=headers)).json()
        assert admin["login"] == "admin"
        assert (await api.client.get("/api/v1/orgs", headers=headers)).status_code == 403


@with_api()
async def test_what_is_wrong_stands_at_its_field(api: Api) -> None:
    async with signed_in(api) as browser:
        path = (await browser.send(ORGS, {"name": "Northwind"})).headers["location"]
        taken = await browser.send(ORGS, {"name": "Northwind"})
        assert taken.status_code == 400
        assert 'id="name-problem"' in taken.text
        nameless = await browser.send(f"{path}/tokens", {"name": "", "grant": "PUBLISHER", "expires": "90"})
        assert nameless.status_code == 400
        assert 'id="name-problem"' in nameless.text
        assert (await browser.open(f"{ORGS}/00o00000000000000000")).status_code == 404


@with_api()
async def test_a_link_into_an_org_is_told_in_both_logs(api: Api) -> None:
    async with signed_in(api) as browser:
        path = (await browser.send(ORGS, {"name": "Northwind"})).headers["location"]
        await browser.send(f"{path}/sign-in-link")
        query = {"filter": 'eventType eq "tenterhook.sign_in_link.created"'}
        [here] = (await api.call("GET", "/api/v1/logs", params=query)).json()
        assert here["debugContext"]["debugData"]["org"] == path.rpartition("/")[2]
        issued = await browser.send(f"{path}/tokens", {"name": "t", "grant": "SUPER_ADMIN", "expires": "0"})
        headers = {"Authorization": f"SSWS {token_of(issued.text)}"}
        [there] = (await api.client.get("/api/v1/logs", params=query, headers=headers)).json()
        assert "org" not in there["debugContext"]["debugData"]
