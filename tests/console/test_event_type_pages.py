"""Settings › Event Types: the catalogue is found through, and an org makes types of its own."""

from __future__ import annotations

import re
from html import unescape

from api_rig import Api, with_api
from console_rig import signed_in, words_of

from tenterhook.domain.event_type import catalogue
from tenterhook.domain.principal import Role

TYPES = "/console/event-types"
OWN = {"name": "acme.order.paid", "displayName": "Order paid", "description": "The money\nis there.", "sample": ""}


def names_in(page: str) -> list[str]:
    return re.findall(rf'href="{TYPES}/([a-z][^"/]*\.[^"/]*)"', page)


@with_api()
async def test_the_catalogue_is_shown_page_by_page(api: Api) -> None:
    async with signed_in(api, Role.READ_ONLY_ADMIN) as browser:
        path, seen = TYPES, list[str]()
        for _ in range(20):
            page = (await browser.open(path)).text
            seen += names_in(page)
            onward = re.search(r'rel="next" href="([^"]+)"', page)
            if onward is None:
                break
            path = onward[1].replace("&amp;", "&")
        assert seen == sorted(catalogue())


@with_api()
async def test_types_are_found_by_name_by_words_and_by_kind(api: Api) -> None:
    async with signed_in(api) as browser:
        for sought in ("user.session.start", "session+start", "login", "sign-in"):
            assert "user.session.start" in names_in((await browser.open(f"{TYPES}?q={sought}")).text), sought
        eligible = (await browser.open(f"{TYPES}?kind=eligible&q=user.lifecycle")).text
        assert "In the log alone" not in re.sub(r"<option.*?</option>", "", eligible)
        nothing = await browser.open(f"{TYPES}?q=%3Cnothing%3E")
        assert "No event type is like that" in words_of(nothing.text)
        assert "Try fewer, or one part of a name" in words_of(nothing.text)
        assert 'value="&lt;nothing&gt;"' in nothing.text
        assert "No event types of your own" in words_of((await browser.open(f"{TYPES}?kind=custom")).text)


@with_api()
async def test_a_type_is_shown_with_its_sample(api: Api) -> None:
    async with signed_in(api, Role.READ_ONLY_ADMIN) as browser:
        page = await browser.open(f"{TYPES}/user.session.start")
        assert '"eventType": "user.session.start"' in words_of(page.text)
        assert "Eligible" in words_of(page.text)
        assert """echo '{"eventType":"user.session.start"}' | tenterhook publish --fresh -""" in words_of(page.text)
        assert f"{TYPES}/new" not in page.text
        logged = re.search(r'href="(/console/system-log[^"]+)"', page.text)
        assert logged is not None
        assert (await browser.open(unescape(logged[1]))).status_code == 200
        assert (await browser.open(f"{TYPES}/no.such.type")).status_code == 404


@with_api()
async def test_a_type_of_ones_own_is_defined_used_and_deleted(api: Api) -> None:
    async with signed_in(api, Role.HOOKS_ADMIN) as browser:
        await browser.open(f"{TYPES}/new")
        answer = await browser.send(TYPES, {**OWN, "sample": '{"displayMessage": "Order 7"}'})
        assert answer.headers["location"] == f"{TYPES}/acme.order.paid"
        page = words_of((await browser.open(f"{TYPES}/acme.order.paid")).text)
        assert '"displayMessage": "Order 7"' in page
        hook = await api.add_hook("http://127.0.0.1:1/", name="Ledger", events={"items": ("acme.order.paid",)})
        refused = await browser.send(f"{TYPES}/acme.order.paid/delete")
        assert refused.status_code == 400
        assert "'Ledger'" in words_of(refused.text)
        await api.call("POST", f"/api/v1/eventHooks/{hook.id}/lifecycle/deactivate")
        await api.call("DELETE", f"/api/v1/eventHooks/{hook.id}")
        assert "stay in the System Log" in words_of((await browser.open(f"{TYPES}/acme.order.paid/delete")).text)
        assert (await browser.send(f"{TYPES}/acme.order.paid/delete")).status_code == 303
        assert (await browser.open(f"{TYPES}/acme.order.paid")).status_code == 404


@with_api()
async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_comes_back(api: Api) -> None:
    async with signed_in(api) as browser:
        await browser.open(f"{TYPES}/new")
        for changes, wrong in (
            ({"name": "Nodots"}, {"name"}),
            ({"name": "user.session.start"}, {"name"}),
            ({"sample": "{not json"}, {"sample"}),
            ({"sample": "[]"}, {"sample"}),
            ({"sample": '{"severity": "LOUD"}'}, {"sample"}),
            ({"name": "", "displayName": "x" * 256}, {"name", "displayName"}),
        ):
            answer = await browser.send(TYPES, {**OWN, **changes})
            assert answer.status_code == 400, changes
            assert set(re.findall(r'id="(\w+)-problem"', answer.text)) == wrong
            assert "The money\nis there." in answer.text
