"""The list of deliveries: what the filter asks for, how one gets on, and what is said of a wrong one."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from api_rig import EVENT, Api, receiving, until, with_api
from console_rig import signed_in, words_of

from tenterhook.console.deliveries import LIMIT
from tenterhook.domain.delivery_policy import CustomRetry, DeliveryPolicy
from tenterhook.domain.event_hook import Events
from tenterhook.domain.principal import Role
from tenterhook.door.rate_limit import RateLimits

PATH = "/console/deliveries"
ONCE = DeliveryPolicy(retry=CustomRetry(waits_seconds=(), retry_on=()), max_events_per_request=1)
ROW = re.compile(r'class="row-link" href="/console/deliveries/([0-9a-f-]{36})"')


async def ended(api: Api, many: int) -> None:
    async def there() -> bool:
        found = await api.pipeline.database.read(
            lambda tx: tx.driver.execute("SELECT count(*) FROM delivery WHERE ended_at IS NOT NULL").fetchall()
        )
        return int(found[0][0]) >= many  # type: ignore[arg-type]

    await until(there)


@with_api()
async def test_an_empty_list_teaches_how_to_fill_it(api: Api) -> None:
    async with signed_in(api) as browser:
        words = words_of((await browser.open(PATH)).text)
        assert "No deliveries yet" in words
        assert "tenterhook publish --fresh -" in words
        words = words_of((await browser.open(f"{PATH}?status=FAILED")).text)
        assert "No delivery is like that" in words
        assert "Clear the filter" in words


@with_api(limits=RateLimits(management=1000))
async def test_the_filter_narrows_by_hook_status_failure_type_and_time(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as good, receiving(503) as bad:
        fine = await api.add_hook(good.url, name="Fine", delivery_policy=ONCE)
        await api.add_hook(
            bad.url, name="Broken", delivery_policy=ONCE, events=Events(items=("user.lifecycle.create", "group.x"))
        )
        await api.publish(EVENT, EVENT, EVENT)
        await ended(api, 6)
        for query, many in (
            ("", 6),
            (f"hookId={fine.id}", 3),
            ("hookId=Broken", 3),
            ("status=FAILED", 3),
            ("status=RETRYING,FAILED", 3),
            ("status=HELD", 0),
            ("reason=STATUS", 3),
            ("reason=TLS", 0),
            ("eventType=user.lifecycle.create", 6),
            ("eventType=group.x", 0),
            ("range=15m", 6),
            ("range=custom&until=2020-01-01T00:00Z", 0),
            ("since=2020-01-01T00:00Z", 6),
            ("endedSince=2020-01-01T00:00Z", 6),
            ("endedUntil=2020-01-01T00:00Z", 0),
            ("endedSince=2020-01-01T00:00Z&status=FAILED", 3),
            (f"hookId={fine.id}&status=FAILED", 0),
        ):
            answer = await browser.open(f"{PATH}?{query}")
            assert answer.status_code == 200, query
            assert len(ROW.findall(answer.text)) == many, query
        page = (await browser.open(f"{PATH}?hookId={fine.id}&eventType=user.lifecycle.create&range=hour")).text
        assert f'<option value="{fine.id}" selected>Fine</option>' in page
        assert '<option value="hour" selected>' in page
        assert 'value="user.lifecycle.create"' in page


@with_api(limits=RateLimits(management=1000))
async def test_older_and_newer_pages_keep_the_filter_and_miss_nothing(api: Api) -> None:
    many = 2 * LIMIT + 20
    async with signed_in(api) as browser, receiving(204) as good:
        await api.add_hook(good.url, name="Fine", delivery_policy=ONCE)
        await api.publish(*[EVENT] * many)
        await ended(api, many)
        path, seen, pages = f"{PATH}?status=DELIVERED", [], []
        while path:
            page = (await browser.open(path)).text
            pages.append(path)
            seen += ROW.findall(page)
            onward = re.findall(r'rel="next" href="([^"]+)"', page)
            path = onward[0].replace("&amp;", "&") if onward else ""
        assert len(seen) == len(set(seen)) == many
        assert len(pages) == 3
        assert all("status=DELIVERED" in one for one in pages)
        [back] = re.findall(r'rel="prev" href="([^"]+)"', page)
        assert ROW.findall((await browser.open(back.replace("&amp;", "&"))).text) == seen[LIMIT : 2 * LIMIT]
        assert "data-live" in (await browser.open(PATH)).text
        assert "data-live" not in page  # what one has turned to stays


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("since=yesterday", "since", "Must be a date-time in ISO 8601"),
        ("since=2026-02-02T00:00Z&until=2026-01-01T00:00Z", "since", "Must not be after until."),
        ("endedUntil=soon", "endedUntil", "Must be a date-time in ISO 8601"),
        ("endedSince=2026-02-02T00:00Z&endedUntil=2026-01-01T00:00Z", "endedSince", "Must not be after endedUntil."),
        ("status=LOST", "status", "Must be one or more of PENDING"),
        ("reason=BAD", "reason", "Must be one of STATUS"),
        (f"eventType={'x' * 300}", "eventType", "at most 255 characters"),
        ("hookId=who00000000000000000", "hookId", "This org never had an event hook of this id."),
    ],
)
def test_a_filter_that_is_wrong_comes_back_filled_with_the_problem_at_its_field(
    query: str, field: str, words: str, tmp_path
) -> None:
    @with_api()
    async def story(api: Api) -> None:
        async with signed_in(api) as browser:
            answer = await browser.open(f"{PATH}?{query}")
            assert answer.status_code == 400
            [problem] = re.findall(rf'<p class="problem" id="{field}-problem">([^<]+)', answer.text)
            assert words in problem
            assert f'href="#{field}"' in answer.text
            typed = query.partition("=")[2].partition("&")[0]
            assert f'value="{typed}"' in answer.text

    story(tmp_path)


@with_api()
async def test_a_list_that_is_narrowed_by_when_they_ended_says_so_and_how_to_widen_it(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as good:
        await api.add_hook(good.url, delivery_policy=ONCE)
        await api.publish(EVENT)
        await ended(api, 1)
        page = (await browser.open(f"{PATH}?status=DELIVERED&endedSince=2020-01-02T03:04Z")).text
        assert "ended 2020-01-02 03:04:00 UTC or later, whenever they were made." in words_of(page)
        assert 'name="endedSince" type="text" value="2020-01-02T03:04Z"' in page  # Apply keeps it
        [wider] = re.findall(r'<a href="([^"]+)">Remove this condition', page)
        assert wider == f"{PATH}?status=DELIVERED"
        both = f"{PATH}?range=hour&endedSince=2020-01-02T03:04Z&endedUntil=2020-01-02T03:05:06Z"
        said = words_of((await browser.open(both)).text)
        assert "ended 2020-01-02 03:04:00 UTC or later and before 2020-01-02 03:05:06 UTC" in said
        assert "whenever they were made" not in said
        assert "Only deliveries that ended" not in words_of((await browser.open(wider)).text)


@with_api()
async def test_strange_cursors_and_queries_are_refused_in_words(api: Api) -> None:
    async with signed_in(api) as browser:
        for query in ("after=x", "before=0198c2f4-5b1e-7c3a-9d42-6f0e8a1b2c3d", "after=%00", f"after={quote('é')}"):
            answer = await browser.open(f"{PATH}?{query}")
            assert answer.status_code == 400, query
            assert "must be the eventId of a delivery" in words_of(answer.text).replace("Must", "must")


@with_api(limits=RateLimits(management=1000))
async def test_where_there_are_many_hooks_one_is_typed_by_name_or_id(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as good:
        hooks = [await api.add_hook(good.url, name=f"Hook {at}", status="INACTIVE") for at in range(201)]
        page = (await browser.open(PATH)).text
        assert '<select id="hookId"' not in page
        assert '<input id="hookId"' in page
        for chosen in ("Hook 7", hooks[7].id):
            answer = await browser.open(f"{PATH}?hookId={quote(chosen)}")
            assert answer.status_code == 200
            assert f'value="{chosen}"' in answer.text


@with_api()
async def test_deliveries_are_for_those_who_may_read_hooks(api: Api) -> None:
    for role, status in ((Role.HOOKS_ADMIN, 200), (Role.READ_ONLY_ADMIN, 403), (Role.PUBLISHER, 403)):
        async with signed_in(api, role) as browser:
            assert (await browser.open(PATH)).status_code == status
