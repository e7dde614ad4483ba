"""The list of event hooks, one hook, and what is done with it: by HTTP, as each role, without script."""

from __future__ import annotations

import pytest
from api_rig import Api, receiving, until, with_api
from console_rig import signed_in, words_of
from hook_pages import NEW, PATH, SECRET, create, stored

from tenterhook.console.event_hooks.listing import PAGE
from tenterhook.domain.channel import AuthScheme, Channel, Config, Header
from tenterhook.domain.delivery_policy import CustomRetry, DeliveryPolicy
from tenterhook.domain.event_hook import Events
from tenterhook.domain.principal import Role
from tenterhook.domain.secret import Secret

HARM = "<img src=x onerror=alert(1)>\u202e{{7*7}}"


@with_api()
async def test_an_empty_list_teaches_the_first_step(api: Api) -> None:
    async with signed_in(api) as browser:
        page = (await browser.open(PATH)).text
        assert "No event hooks yet" in page
        assert "tenterhook listen" in page
        assert page.count(f'href="{NEW}"') == 1


@with_api()
async def test_the_list_says_of_each_hook_where_it_goes_and_how_it_stands(api: Api) -> None:
    await api.add_hook("https://one.example.com/a/b", name="First")
    await api.add_hook("https://two.example.com/in", name="Second", verification_status="UNVERIFIED")
    await api.add_hook("https://3.example.com", name="Third", status="INACTIVE")
    await api.add_hook(
        "https://4.example.com", name="Fourth", delivery_policy=DeliveryPolicy(retry="okta", paused=True)
    )
    async with signed_in(api) as browser:
        said = words_of((await browser.open(PATH)).text)
        assert "First one.example.com · 1 event type Active Verified nothing sent 0" in said
        assert "Second two.example.com · 1 event type Active Unverified" in said
        assert "Third 3.example.com · 1 event type Inactive Verified" in said
        assert "Fourth 4.example.com · 1 event type Paused Verified" in said
        assert "4 event hooks" in said


@with_api()
async def test_the_list_is_searched_by_name_url_and_state(api: Api) -> None:
    await api.add_hook("https://one.example.com/in", name="Billing")
    found = await api.add_hook("https://two.example.com/in", name="Mail", status="INACTIVE")
    async with signed_in(api) as browser:
        for query in ("q=mAIL", "q=two.example", f"q={found.id}", "state=inactive", "q=mail&state=inactive"):
            page = (await browser.open(f"{PATH}?{query}")).text
            assert ("Mail" in page, "Billing" in page) == (True, False), query
        for query in ("q=nothing", "q=billing&state=inactive", "state=failing", "state=unverified", "state=paused"):
            page = words_of((await browser.open(f"{PATH}?{query}")).text)
            assert "No event hook is like that" in page, query
        assert "Billing" in (await browser.open(f"{PATH}?state=nonsense&page=99999999999")).text


@with_api()
async def test_a_long_list_is_parted_into_pages(api: Api) -> None:
    for number in range(PAGE + 3):
        await api.add_hook("https://svc.example.com/in", name=f"Hook {number:03}")
    async with signed_in(api) as browser:
        first, second = [(await browser.open(f"{PATH}?page={number}")).text for number in (1, 2)]
        assert ("Hook 000" in first, f"Hook {PAGE:03}" in first) == (True, False)
        assert ("Hook 000" in second, f"Hook {PAGE:03}" in second) == (False, True)
        assert 'rel="next"' in first
        assert 'rel="prev"' in second
        assert "page 2 of 2" in (await browser.open(f"{PATH}?page=9")).text


@with_api()
async def test_a_hooks_page_tells_what_it_gets_and_how_it_is_delivered(api: Api) -> None:
    retry = CustomRetry(waits_seconds=(1.0, 90.0), retry_on=("CONNECT", "5XX"))
    channel = Channel(
        config=Config(
            uri="https://svc.example.com/in",
            headers=(Header(key="X-Team", value="people"),),
            auth_scheme=AuthScheme(key="X-Key"),
        )
    )
    hook = await api.add_hook(
        "",
        name="People",
        description="Tells the mail server.",
        channel=channel,
        secret=Secret(SECRET),
        events=Events(items=("user.lifecycle.create", "acme.own.type")),
        delivery_policy=DeliveryPolicy(retry=retry, timeout_seconds=2.5, max_events_per_request=1, max_concurrency=1),
    )
    async with signed_in(api) as browser:
        page = (await browser.open(f"{PATH}/{hook.id}")).text
        said = words_of(page)
        for part in (
            "Tells the mail server.",
            "user.lifecycle.create Create user",
            "acme.own.type",
            "https://svc.example.com/in",
            "in the header X-Key , never shown",
            "X-Team: people",
            "Up to 3 tries within 1 min 31 s.",
            "Tried again after no connection, failures of the receiver (5xx).",
            "Each request carries one event.",
            "One request at a time.",
            "Nothing delivered yet",
        ):
            assert part in said, part
        assert 'aria-label="Try 1 at once, try 2 after 1 s, try 3 after 1 min 31 s"' in page
        assert SECRET not in page


@with_api()
async def test_a_hook_without_deliveries_says_what_comes_first(api: Api) -> None:
    command = """echo '{"eventType":"user.lifecycle.create"}' | tenterhook publish --fresh -"""
    async with signed_in(api) as browser:
        for state, first in (
            ({"status": "INACTIVE", "verification_status": "UNVERIFIED"}, "Activate the hook first"),
            ({"verification_status": "UNVERIFIED"}, "Verify the hook first"),
            ({}, command),
        ):
            hook = await api.add_hook("https://svc.example.com/in", **state)
            words = words_of((await browser.open(f"{PATH}/{hook.id}")).text)
            assert first in words
            assert (command in words) is (state == {})


@with_api()
async def test_a_failing_hook_says_since_when_and_why_and_what_to_do(api: Api) -> None:
    async with receiving(503) as receiver, signed_in(api) as browser:
        hook = await api.add_hook(receiver.url, name="Fails")
        await api.publish()
        await api.wait_for(hook, "RETRYING")

        async def shown() -> bool:
            return "Its deliveries fail" in (await browser.open(f"{PATH}/{hook.id}")).text

        await until(shown)
        said = words_of((await browser.open(f"{PATH}/{hook.id}")).text)
        assert "Last answer: The endpoint answered 503" in said
        assert "1 delivery waits and is tried again by itself" in said.replace("themselves", "itself")
        assert "Retrying" in said
        assert "Failing" in words_of((await browser.open(f"{PATH}?state=failing")).text)


@with_api()
async def test_what_looks_like_a_slip_is_pointed_out(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await create(browser, auth_value="${api-key}", header_key=["X-Env"], header_value=["${env}"])
        said = words_of((await browser.open(path)).text)
        assert "Header 1 holds '${...}', which looks like a variable that nothing has expanded" in said
        assert "The secret holds '${...}'" in said


@with_api()
async def test_a_hook_is_switched_and_paused_from_its_menu_and_one_comes_back(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await create(browser)
        for verb, key, value in (
            ("deactivate", "status", "INACTIVE"),
            ("activate", "status", "ACTIVE"),
            ("pause", "paused", True),
            ("resume", "paused", False),
        ):
            answer = await browser.send(f"{path}/{verb}", {"back": f"{PATH}?q=prov"})
            assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}?q=prov"), verb
            found = await stored(api, path)
            assert (found | found["deliveryPolicy"])[key] == value
            assert "Provision accounts is" in words_of((await browser.open(PATH)).text)
        outside = await browser.send(f"{path}/pause", {"back": "https://evil.example/"})
        assert outside.headers["location"] == "/console"
        events = (await api.call("GET", '/api/v1/logs?filter=eventType sw "event_hook."&limit=100')).json()
        assert [one["eventType"].rpartition(".")[2] for one in events][1:] == [
            "deactivated",
            "activated",
            "updated",
            "updated",
            "updated",
        ]


@with_api()
async def test_deleting_says_what_waits_and_deactivates_first(api: Api) -> None:
    async with receiving(503) as receiver, signed_in(api) as browser:
        hook = await api.add_hook(receiver.url, name="Goes")
        await api.publish()
        await api.wait_for(hook, "RETRYING")
        page = await browser.open(f"{PATH}/{hook.id}/delete")
        said = words_of(page.text)
        assert "1 delivery waits for it. It is not delivered any more" in said
        assert "It is active. It is deactivated first" in said
        answer = await browser.send(f"{PATH}/{hook.id}/delete")
        assert (answer.status_code, answer.headers["location"]) == (303, PATH)
        assert "Goes is deleted." in words_of((await browser.open(PATH)).text)
        assert (await browser.open(f"{PATH}/{hook.id}")).status_code == 404


@with_api()
async def test_a_hook_that_cannot_be_deleted_stays_active(api: Api) -> None:
    refuse = (
        "CREATE TRIGGER refuse BEFORE UPDATE ON event_hook WHEN new.deleted IS NOT NULL"
        " BEGIN SELECT raise(ABORT, 'no'); END"
    )
    hook = await api.add_hook("https://svc.example.com/in", name="Stays")
    async with signed_in(api) as browser:
        await api.pipeline.database.write(lambda tx: tx.driver.execute(refuse))
        assert (await browser.send(f"{PATH}/{hook.id}/delete")).status_code == 500
        api.frame.failures = 0  # that one was meant
        await api.pipeline.database.write(lambda tx: tx.driver.execute("DROP TRIGGER refuse"))
        assert "Stays svc.example.com · 1 event type Active" in words_of((await browser.open(PATH)).text)
        assert (await browser.send(f"{PATH}/{hook.id}/delete")).status_code == 303
        told = [one["eventType"] for one in (await api.call("GET", "/api/v1/logs")).json()]
        assert told[-2:] == ["event_hook.deactivated", "event_hook.deleted"]


@with_api()
async def test_a_hook_that_is_deleted_while_its_page_is_made_is_404(api: Api) -> None:
    hook = await api.add_hook("https://svc.example.com/in")
    async with signed_in(api) as browser:
        # What a page sees that has read the hook just before: memory has forgotten it.
        await api.pipeline.database.write(lambda tx: api.pipeline.subscriptions.remove(tx, hook))
        for page in ("", "/delete"):
            assert (await browser.open(f"{PATH}/{hook.id}{page}")).status_code == 404, page


@with_api()
async def test_what_is_stored_is_shown_as_text_and_made_visible(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await create(browser, name=HARM, description=HARM)
        for page in (PATH, path, f"{path}/edit", f"{path}/verify", f"{path}/preview", f"{path}/delete"):
            text = (await browser.open(page)).text
            assert "<img" not in text, page
            assert "&lt;img" in text, page
            assert "{{7*7}}" in text, page
        assert "\\u202e{{7*7}}" in (await browser.open(path)).text


@pytest.mark.parametrize("role", [Role.READ_ONLY_ADMIN, Role.PUBLISHER])
def test_who_may_not_see_hooks_is_told_so_and_sees_no_way_to_them(role: Role, tmp_path) -> None:
    async def story(api: Api) -> None:
        hook = await api.add_hook("https://svc.example.com/in", name="Unseen")
        async with signed_in(api, role) as browser:
            assert PATH not in (await browser.open("/console")).text
            for path in ("", "/new", f"/{hook.id}", f"/{hook.id}/edit", f"/{hook.id}/preview", f"/{hook.id}/delete"):
                answer = await browser.open(PATH + path)
                assert (answer.status_code, "Unseen" in answer.text) == (403, False), path
            for verb in ("verify", "preview", "edit", "pause", "activate", "delete"):
                assert (await browser.send(f"{PATH}/{hook.id}/{verb}")).status_code == 403, verb

    with_api()(story)(tmp_path)


@with_api()
async def test_a_hook_that_is_not_there_is_404_on_every_page(api: Api) -> None:
    async with signed_in(api) as browser:
        for identity in ("who00000000000000000", "nonsense", "%00", "a" * 500):
            for page in ("", "/edit", "/verify", "/preview", "/delete"):
                assert (await browser.open(f"{PATH}/{identity}{page}")).status_code == 404, (identity, page)
            for verb in ("activate", "deactivate", "pause", "resume", "verify", "delete", "edit"):
                assert (await browser.send(f"{PATH}/{identity}/{verb}")).status_code == 404, (identity, verb)
