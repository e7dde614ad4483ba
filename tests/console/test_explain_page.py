"""Explain: where one event went, from its uuid or from the eventId of a delivery."""

from __future__ import annotations

from api_rig import EVENT, Api, receiving, with_api
from console_rig import signed_in, words_of

from tenterhook.domain.delivery_policy import CustomRetry, DeliveryPolicy
from tenterhook.domain.event_hook import Events
from tenterhook.domain.principal import Role

PATH = "/console/explain"
ONCE = DeliveryPolicy(retry=CustomRetry(waits_seconds=(), retry_on=()))
EVENT_OF_ADA = {
    **EVENT,
    "displayMessage": "Create <b>user",
    "actor": {"id": "a", "type": "User", "displayName": "Ada"},
    "target": [{"id": "t", "type": "User", "displayName": "Grace"}],
    "outcome": {"result": "SUCCESS"},
}


@with_api()
async def test_an_event_is_told_with_every_hook_and_what_became_of_it(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as good, receiving(500) as bad:
        fine = await api.add_hook(good.url, name="Fine", delivery_policy=ONCE)
        broken = await api.add_hook(bad.url, name="Broken", delivery_policy=ONCE)
        await api.add_hook(good.url, name="Elsewhere", events=Events(items=("group.x",)))
        [uuid] = await api.publish(EVENT_OF_ADA)
        delivered = await api.wait_for(fine, "DELIVERED")
        failed = await api.wait_for(broken, "FAILED")
        page = (await browser.open(f"{PATH}?uuid={uuid}")).text
    words = words_of(page)
    assert "Ada → Create <b>user → Grace" in words
    assert "Create &lt;b&gt;user" in page
    assert "2 of 3 event hooks" in words
    assert "1 failed, 1 delivered" in words
    assert "The hook did not subscribe to user.lifecycle.create" in words
    assert f"/console/deliveries/{delivered['id']}" in page
    assert f"/console/deliveries/{failed['id']}" in page
    assert "The endpoint answered 500 Internal Server Error." in words
    assert f'"uuid": "{uuid}"' in words


@with_api()
async def test_an_event_that_went_nowhere_says_so(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as good:
        [alone] = await api.publish()
        words = words_of((await browser.open(f"{PATH}?uuid={alone}")).text)
        assert "There is no event hook that it could have gone to." in words
        await api.add_hook(good.url, name="Later")
        words = words_of((await browser.open(f"{PATH}?uuid={alone}")).text)
        assert "None of 1 event hook asked for it." in words
        assert "The hook did not exist yet when the event was logged." in words


@with_api()
async def test_an_event_of_a_type_that_nobody_knows_is_told_as_that(api: Api) -> None:
    async with signed_in(api) as browser:
        for event_type, said in (("user.lifecycle.creat", True), ("user.session.start", False), ("user.mfa.x", True)):
            [uuid] = await api.publish({**EVENT, "eventType": event_type})
            words = words_of((await browser.open(f"{PATH}?uuid={uuid}")).text)
            assert (f"'{event_type}' is no known event type" in words) is said
            assert ("did you mean 'user.lifecycle.create'?" in words) is ("lifecycle" in event_type)


@with_api()
async def test_the_event_id_of_a_delivery_leads_to_it(api: Api) -> None:
    async with signed_in(api) as browser, receiving(204) as good:
        hook = await api.add_hook(good.url)
        await api.publish()
        delivery = await api.wait_for(hook, "DELIVERED")
        answer = await browser.open(f"{PATH}?uuid=%20{delivery['id']}%20")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/deliveries/{delivery['id']}")


@with_api()
async def test_what_is_no_uuid_or_unknown_is_told_beside_what_was_typed(api: Api) -> None:
    async with signed_in(api) as browser:
        for typed, said in (
            ("0198c2f4-5b1e-7c3a-9d42-6f0e8a1b2c3d", "Neither an event nor a delivery of this org has it."),
            ("%22%3E%3Cscript%3E", "look like 0198c2f4-"),
            ("x" * 5000, "look like 0198c2f4-"),
        ):
            answer = await browser.open(f"{PATH}?uuid={typed}")
            assert answer.status_code == 404
            assert said in words_of(answer.text)
            assert "<script>" not in answer.text.replace('<script type="module"', "")


@with_api()
async def test_without_a_uuid_the_newest_events_are_offered_but_for_what_we_log_of_hooks(api: Api) -> None:
    async with signed_in(api) as browser, receiving(500) as bad:
        hook = await api.add_hook(bad.url, delivery_policy=ONCE)
        [uuid] = await api.publish(EVENT_OF_ADA)
        await api.wait_for(hook, "FAILED")
        page = (await browser.open(PATH)).text
    assert f"{PATH}?uuid={uuid}" in page
    assert "event_hook.delivery" not in page


@with_api()
async def test_explaining_is_for_those_who_may_read_hooks(api: Api) -> None:
    [uuid] = await api.publish()
    for role, status in ((Role.HOOKS_ADMIN, 200), (Role.READ_ONLY_ADMIN, 403), (Role.PUBLISHER, 403)):
        async with signed_in(api, role) as browser:
            assert (await browser.open(f"{PATH}?uuid={uuid}")).status_code == status
