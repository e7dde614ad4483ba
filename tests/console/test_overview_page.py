"""The overview: whether anything fails, since when and why; and what somebody new here does first."""

from __future__ import annotations

import re

from api_rig import EVENT, Api, receiving, until, with_api
from console_rig import Browser, signed_in, words_of

from tenterhook.domain.delivery_policy import CustomRetry, DeliveryPolicy
from tenterhook.domain.principal import Role

ONCE = DeliveryPolicy(retry=CustomRetry(waits_seconds=(), retry_on=()), max_events_per_request=1)
PAUSED = DeliveryPolicy(retry="durable", paused=True)


async def rows_of(browser: Browser, path: str) -> int:
    """Return how many deliveries the list shows that a link of a page leads to."""
    answer = await browser.open(path.replace("&amp;", "&"))
    assert answer.status_code == 200
    return answer.text.count("row-link")


@with_api()
async def test_the_first_steps_lead_to_a_first_delivery_and_are_gone_then(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as receiver:
        page = (await browser.open("/console")).text
        assert page.count("step-done") == 0
        assert "First steps" in page
        assert 'class="figures' not in page  # there is nothing to count yet
        hook = await api.add_hook(receiver.url, delivery_policy=PAUSED)
        page = (await browser.open("/console")).text
        assert page.count("step-done") == 2
        command = words_of(page)
        assert f"curl {api.pipeline.public_url}/api/v1/events" in command
        assert '"eventType":"user.lifecycle.create"' in command
        await api.publish()
        assert (await browser.open("/console")).text.count("step-done") == 3
        await api.change_hook(hook, delivery_policy=ONCE)
        api.pipeline.lanes.wake(hook.id)
        await api.wait_for(hook, "DELIVERED")
        page = (await browser.open("/console")).text
        assert "First steps" not in page
        assert "The one delivery of the last hour arrived." in words_of(page)


@with_api()
async def test_the_overview_says_what_fails_since_when_why_and_what_to_do(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as good, receiving(401) as bad:
        await api.add_hook(good.url, name="Fine", delivery_policy=ONCE)
        hook = await api.add_hook(bad.url, name="Broken <b>", delivery_policy=ONCE)
        await api.publish(EVENT, EVENT)
        await until(lambda: len(bad.requests) == 2 and len(good.requests) == 2)

        async def told() -> bool:
            return "2 of 4 that ended" in words_of((await browser.open("/console")).text)

        await until(told)
        page = (await browser.open("/console")).text
    words = words_of(page)
    assert "Broken <b> has failed for" in words
    assert "The endpoint answered 401 Unauthorized." in words
    assert "check the event hook’s authentication header and secret" in words
    assert "50.0 %" in words
    assert "Broken &lt;b&gt;" in page
    assert f"/console/deliveries?hookId={hook.id}&amp;status=RETRYING%2CFAILED" in page
    assert page.count("row-link") == 2  # the latest failures


@with_api()
async def test_each_number_leads_to_the_deliveries_that_it_counts(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as good, receiving(404) as bad:
        await api.add_hook(good.url, name="Fine", delivery_policy=ONCE)
        await api.add_hook(bad.url, name="Broken", delivery_policy=ONCE)
        await api.publish(EVENT, EVENT, EVENT)

        async def told() -> bool:
            return "3 of 6 that ended" in words_of((await browser.open("/console")).text)

        await until(told)
        page = (await browser.open("/console")).text
        for status in ("DELIVERED", "FAILED"):
            [path] = re.findall(rf'href="(/console/deliveries\?status={status}&amp;endedSince=[^"]+)"', page)
            assert await rows_of(browser, path) == 3
        bars = re.findall(r'href="(/console/deliveries\?endedSince=[^"]+)"', page)
        assert sum([await rows_of(browser, bar) for bar in bars]) == 6  # of two minutes, if one has just begun
        [log] = re.findall(r'href="(/console/system-log\?since=[^"]+)"', page)
        assert (await browser.open(log)).status_code == 200


@with_api()
async def test_a_number_leads_to_what_ended_in_its_time_however_long_ago_it_was_made(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as good:
        hook = await api.add_hook(good.url, delivery_policy=PAUSED)
        await api.publish(EVENT)
        await api.publish(EVENT)
        await api.wait_for(hook, "HELD")
        await api.pipeline.database.write(
            lambda tx: tx.driver.execute("UPDATE delivery SET created = created - 3 * 3600000").fetchall()
        )
        [first, _] = (await api.call("GET", "/api/v1/deliveries?status=HELD")).json()
        assert (await api.call("POST", f"/api/v1/deliveries/{first['id']}/cancel")).status_code == 200
        page = (await browser.open("/console")).text
        assert "Given up 1" in words_of(page)
        assert "No hook fails now, but 1 delivery of the last hour failed for good." in words_of(page)
        ended = re.findall(r'href="(/console/deliveries\?status=FAILED&amp;endedSince=[^"]+)"', page)
        bars = re.findall(r'href="(/console/deliveries\?endedSince=[^"]+)"', page)
        assert (len(ended), len(bars)) == (2, 1)
        assert [await rows_of(browser, path) for path in ended + bars] == [1, 1, 1]
        await api.change_hook(hook, delivery_policy=ONCE)
        api.pipeline.lanes.wake(hook.id)
        await until(lambda: good.requests)

        async def told() -> bool:
            return "1 of 2 that ended" in words_of((await browser.open("/console")).text)

        await until(told)
        page = (await browser.open("/console")).text
        [path] = re.findall(r'href="(/console/deliveries\?status=DELIVERED&amp;endedSince=[^"]+)"', page)
        assert await rows_of(browser, path) == 1


@with_api()
async def test_what_is_tried_again_is_said_though_its_hook_delivers_again(api: Api) -> None:
    later = DeliveryPolicy(retry=CustomRetry(waits_seconds=(3600,), retry_on=("5XX",)), max_events_per_request=1)
    async with signed_in(api) as browser, receiving(500) as receiver:
        hook = await api.add_hook(receiver.url, delivery_policy=later)
        await api.publish(EVENT)
        await api.wait_for(hook, "RETRYING")
        receiver.status = 204
        await api.publish(EVENT)
        await api.wait_for(hook, "DELIVERED")
        page = (await browser.open("/console")).text
    assert "No hook fails now, but 1 delivery failed and will be tried again." in words_of(page)
    assert "Healthy" not in words_of(page)
    assert 'href="/console/deliveries?status=RETRYING"' in page


@with_api()
async def test_the_spans_are_tabs_and_a_strange_one_is_the_first(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as good:
        hook = await api.add_hook(good.url)
        await api.publish()
        await api.wait_for(hook, "DELIVERED")
        for span, words in (("hour", "last hour"), ("day", "last day"), ("week", "last week"), ("x", "last hour")):
            answer = await browser.open(f"/console?span={span}")
            assert answer.status_code == 200
            assert f"The one delivery of the {words} arrived." in words_of(answer.text)


@with_api()
async def test_an_unverified_hook_that_holds_deliveries_needs_attention(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as receiver:
        hook = await api.add_hook(receiver.url, name="Moved")
        await api.change_hook(hook, verification_status="UNVERIFIED")
        await api.publish()
        await api.wait_for(hook, "HELD")
        words = words_of((await browser.open("/console")).text)
    assert "Moved holds its deliveries: its endpoint is not verified." in words
    assert "Verify the hook: what it holds goes out at once." in words


@with_api(limit_events_per_24h=2)
async def test_a_quota_that_is_used_up_is_said_with_how_much_waits(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as receiver:
        await api.add_hook(receiver.url)
        await api.publish(EVENT, EVENT, EVENT)
        await until(lambda: len(receiver.requests) >= 1)
        answer = await browser.open("/console")
    assert "The quota of 2 events in 24 hours is used up" in words_of(answer.text)
    assert "meter-full" in answer.text


@with_api()
async def test_who_may_read_the_log_alone_sees_the_log_and_nothing_of_hooks(api: Api) -> None:
    async with receiving(500) as bad, signed_in(api, Role.READ_ONLY_ADMIN) as reader:
        await api.add_hook(bad.url, name="Secret hook", delivery_policy=ONCE)
        await api.publish({**EVENT, "actor": {"id": "a", "type": "User", "displayName": "Ada \u202e Lovelace"}})
        await until(lambda: bad.requests)
        page = (await reader.open("/console")).text
        assert "user.lifecycle.create" in words_of(page)
        assert "Ada \\u202e Lovelace" in page
        assert "Success rate" not in page
        assert "/console/deliveries" not in page
    async with signed_in(api, Role.PUBLISHER) as publisher:
        assert "Your role publishes events" in (await publisher.open("/console")).text
