"""Create Event Hook, and Edit: every field, every problem at its field, and every lesser button, without script."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from api_rig import Api, with_api
from console_rig import signed_in, words_of
from hook_pages import NEW, PATH, SECRET, create, problems_of, sent_again, stored, typed

from tenterhook.console.event_hooks.fields import read_waits, wait_text
from tenterhook.domain.event_type import catalogue
from tenterhook.domain.retry import named_policy, policy_names

FILTER = "event.outcome.result eq 'SUCCESS'"


@with_api()
async def test_a_hook_is_created_with_all_that_the_form_offers(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await create(
            browser,
            description="What it is for",
            auth_key="X-Key",
            header_key=["X-Team", "", "X-Env"],
            header_value=["people", "", "prod"],
            filter_event=["user.session.start"],
            filter_expression=[FILTER],
            retry="custom",
            waits="1 s, 5min, 0.5 h,2 d",
            retry_on=["CONNECT", "5XX"],
            timeout="2.5",
            max_events="10",
            concurrency="4",
            paused="on",
        )
        assert "Verify it next" in words_of((await browser.open(path)).text)
        hook = await stored(api, path)
        assert (hook["name"], hook["description"]) == ("Provision accounts", "What it is for")
        assert (hook["status"], hook["verificationStatus"]) == ("ACTIVE", "UNVERIFIED")
        assert sorted(hook["events"]["items"]) == ["user.lifecycle.create", "user.session.start"]
        [entry] = hook["events"]["filter"]["eventFilterMap"]
        assert (entry["event"], entry["condition"]["expression"]) == ("user.session.start", FILTER)
        config = hook["channel"]["config"]
        assert config["headers"] == [{"key": "X-Team", "value": "people"}, {"key": "X-Env", "value": "prod"}]
        assert config["authScheme"]["key"] == "X-Key"
        assert hook["deliveryPolicy"] == {
            "retry": {"waitsSeconds": [1, 300, 1800, 172800], "retryOn": ["CONNECT", "5XX"]},
            "timeoutSeconds": 2.5,
            "maxEventsPerRequest": 10,
            "maxConcurrency": 4,
            "paused": True,
        }


@with_api()
async def test_a_form_that_nothing_was_changed_in_changes_nothing(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await create(
            browser,
            header_key=["X-Team"],
            header_value=["people"],
            filter_event=["user.session.start"],
            filter_expression=[FILTER],
            retry="custom",
            waits="1 s, 90 s, 1.5 s, 3 h",
            retry_on=["TLS"],
        )
        before = await stored(api, path)
        page = (await browser.open(f"{path}/edit")).text
        answer = await browser.send(f"{path}/edit", sent_again(page))
        assert answer.status_code == 303, problems_of(answer.text)
        after = await stored(api, path)
        for hook in (before, after):
            hook["lastUpdated"] = ""
            hook["events"]["items"].sort()
        assert after == before


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"name": ""}, "name", "cannot be left blank"),
    ({"name": "x" * 256}, "name", "255"),
    ({"description": "x" * 1025}, "description", "1,024"),
    ({"url": ""}, "url", "cannot be left blank"),
    ({"url": "ftp://svc.example.com"}, "url", "https://"),
    ({"url": "javascript:alert(1)"}, "url", "https://"),
    ({"types": []}, "types", "cannot be left blank"),
    ({"types": ["user.lifecycle.creat"]}, "types", "did you mean 'user.lifecycle.create'?"),
    ({"types": ["event_hook.created"]}, "types", "not one that event hooks can ask for"),
    ({"auth_value": ""}, "auth_value", "cannot be left blank"),
    ({"auth_key": "No Token"}, "auth_key", ""),
    ({"auth": "keep"}, "auth_value", "cannot be left blank"),
    ({"header_key": ["", "Host"], "header_value": ["", "x"]}, "header_1", ""),
    ({"header_key": ["X-A"], "header_value": ["a\nb"]}, "header_0", ""),
    (
        {"header_key": ["X-A", "x-a"], "header_value": ["1", "2"]},
        "header_1",
        "the same header name as that of header 1",
    ),
    ({"filter_event": ["user.session.start"], "filter_expression": ["event.x eq 1"]}, "filter_0", "column"),
    ({"filter_event": ["group.lifecycle.create"], "filter_expression": [FILTER]}, "filter_0", "does not ask for"),
    ({"retry": "often"}, "retry", "must be one of"),
    ({"retry": "custom", "waits": "soon"}, "waits", "number of seconds"),
    ({"retry": "custom", "waits": "8 d"}, "waits", "a week"),
    ({"retry": "custom", "waits": ",".join(["1"] * 21)}, "waits", "at most 20"),
    ({"retry": "custom", "retry_on": ["6XX"]}, "retry_on", "must be one of"),
    ({"timeout": "never"}, "timeout", "number"),
    ({"timeout": "31"}, "timeout", "30"),
    ({"timeout": "nan"}, "timeout", ""),
    ({"max_events": "0"}, "max_events", "1"),
    ({"concurrency": "1.5"}, "concurrency", "whole"),
]


@with_api()
async def test_each_problem_stands_at_its_field_and_nothing_typed_is_lost(api: Api) -> None:
    async with signed_in(api) as browser:
        await browser.open(NEW)
        for changes, field, text in BAD:
            answer = await browser.send(NEW, typed(**{"name": "Typed name", **changes}))
            found = problems_of(answer.text)
            assert answer.status_code == 400, changes
            assert text.casefold() in found.get(field, "missing").casefold(), (changes, found)
            assert f'href="#{field}"' in answer.text, field
            assert f'id="{field}"' in answer.text, field
            again = sent_again(answer.text)
            kept = {key: value for key, value in typed(**{"name": "Typed name", **changes}).items() if key in again}
            for key in ("url", "types", "timeout", "waits", "retry"):
                wanted = kept.get(key)
                known = [one for one in again.get(key, []) if one]
                if key != "retry" and wanted:
                    assert sorted(known) == sorted([wanted] if isinstance(wanted, str) else wanted), (key, changes)
            assert SECRET not in answer.text
        assert (await api.call("GET", "/api/v1/eventHooks")).json() == []


@with_api()
async def test_all_problems_are_told_at_once(api: Api) -> None:
    async with signed_in(api) as browser:
        await browser.open(NEW)
        answer = await browser.send(NEW, typed(name="", url="", types=[], timeout="x", auth_value=""))
        assert set(problems_of(answer.text)) == {"name", "url", "types", "timeout", "auth_value"}
        assert "5 things need your attention" in words_of(answer.text)


@with_api()
async def test_a_taken_name_is_told_at_the_name(api: Api) -> None:
    async with signed_in(api) as browser:
        await create(browser)
        await browser.open(NEW)
        answer = await browser.send(NEW, typed())
        assert problems_of(answer.text)["name"] == "An event hook with this name already exists."


@with_api()
async def test_the_stored_secret_is_kept_replaced_or_taken_away_and_never_shown(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await create(browser)

        def secret() -> str | None:
            hook = api.pipeline.subscriptions.committed[path.rpartition("/")[2]]
            return None if hook.secret is None else hook.secret.reveal()

        for auth, value, wanted in (
            ("keep", "ignored", SECRET),
            ("set", "another-one", "another-one"),
            ("none", "", None),
        ):
            page = (await browser.open(f"{path}/edit")).text
            assert SECRET not in page
            answer = await browser.send(f"{path}/edit", sent_again(page, auth=auth, auth_value=value))
            assert answer.status_code == 303, problems_of(answer.text)
            assert secret() == wanted


@with_api()
async def test_somebody_elses_change_is_not_overwritten_and_mine_is_not_lost(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await create(browser)
        mine = (await browser.open(f"{path}/edit")).text
        theirs = {**(await stored(api, path)), "name": "Their name"}
        theirs["channel"]["config"] |= {"uri": "https://theirs.example.com/in", "authScheme": None}
        assert (await api.call("PUT", f"/api/v1/eventHooks/{theirs['id']}", json=theirs)).status_code == 200
        answer = await browser.send(f"{path}/edit", sent_again(mine, description="My words"))
        said = words_of(answer.text)
        assert answer.status_code == 412
        assert "Somebody has changed this hook since you opened it" in said
        assert "Name Their name" in said
        assert "URL https://theirs.example.com/in" in said
        assert "Secret none" in said
        assert (await stored(api, path))["description"] is None
        again = sent_again(answer.text)
        assert again["description"] == ["My words"]
        answer = await browser.send(f"{path}/edit", {**again, "auth": "none"})
        assert answer.status_code == 303
        now = await stored(api, path)
        assert (now["name"], now["description"]) == ("Provision accounts", "My words")


@with_api()
async def test_the_secret_that_goes_to_a_new_host_is_told_of(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await create(browser)
        page = (await browser.open(f"{path}/edit")).text
        await browser.send(f"{path}/edit", sent_again(page, url="https://elsewhere.example.com/"))
        assert "The stored secret will be sent to the new host." in words_of((await browser.open(path)).text)


@with_api()
async def test_rows_are_added_and_removed_by_buttons_that_store_nothing(api: Api) -> None:
    async with signed_in(api) as browser:
        await browser.open(NEW)
        page = (await browser.send(NEW, typed(act="add_header", header_key=["X-A"], header_value=["1"]))).text
        assert sent_again(page)["header_key"] == ["X-A", ""]
        assert problems_of(page)["auth_value"].startswith("Type the secret again")
        page = (await browser.send(NEW, sent_again(page, act="remove_header:0"))).text
        assert sent_again(page)["header_key"] == [""]
        page = (await browser.send(NEW, sent_again(page, act="add_filter", filter_add="user.session.start"))).text
        assert sent_again(page)["filter_event"] == ["user.session.start"]
        page = (await browser.send(NEW, sent_again(page, act="add_filter", filter_add="not.chosen"))).text
        assert sent_again(page)["filter_event"] == ["user.session.start"]
        page = (await browser.send(NEW, sent_again(page, act="remove_filter:0"))).text
        assert "filter_event" not in sent_again(page)
        for act in ("remove_header:x", "remove_header:99", "remove_header:-1", "nonsense", "remove_filter"):
            assert (await browser.send(NEW, sent_again(page, act=act))).status_code == 200
        assert (await api.call("GET", "/api/v1/eventHooks")).json() == []


@with_api()
async def test_event_types_are_found_without_script_and_the_chosen_ones_stay(api: Api) -> None:
    async with signed_in(api) as browser:
        await browser.open(NEW)
        answer = await browser.send(NEW, typed(act="find", find="GROUP.user"))
        offered = sent_again(answer.text)["types"]
        assert sorted(offered) == ["user.lifecycle.create", "user.session.start"]
        assert 'value="group.user_membership.add"' in answer.text
        assert 'value="user.account.lock"' not in answer.text
        by_enter = await browser.send(NEW, typed(act="enter", find="signs in", found=""))
        assert by_enter.status_code == 200
        nothing = await browser.send(NEW, typed(act="find", find="no such thing", types=[]))
        assert re.search(r"data-none>No type .* Try fewer", nothing.text)
        assert "data-none hidden" in answer.text
        assert (await api.call("GET", "/api/v1/eventHooks")).json() == []


@with_api()
async def test_the_picker_offers_every_type_that_may_be_asked_for_and_names_the_others(api: Api) -> None:
    await api.call("POST", "/api/v1/eventTypes", json={"name": "acme.order.paid", "displayName": "Order paid"})
    async with signed_in(api) as browser:
        page = (await browser.open(NEW)).text
        for name, eligible in catalogue().items():
            assert (f'value="{name}"' in page) is eligible, name
            assert name in page
        assert 'value="acme.order.paid"' in page
        assert page.index("Custom") < page.index("Access governance")
        assert len(gzip.compress(page.encode(), 6)) < 30_000


@with_api()
async def test_filters_are_checked_by_a_button_and_for_the_script(api: Api) -> None:
    async with signed_in(api) as browser:
        await browser.open(NEW)
        rows = {
            "filter_event": ["user.session.start", "user.lifecycle.create"],
            "filter_expression": [FILTER, "event."],
        }
        answer = await browser.send(NEW, typed(act="check", **rows))
        assert answer.status_code == 200
        assert answer.text.count("Reads well.") == 1
        assert "filter_1" in problems_of(answer.text)
        check = f"{NEW}/check-filter"
        assert (await browser.send(check, {"expression": FILTER})).json() == {"problem": None}
        for wrong in ("", "event.x eq 1", "x" * 5000, "'", "\u202e"):
            assert (await browser.send(check, {"expression": wrong})).json()["problem"], wrong


@with_api()
async def test_filters_are_tried_on_the_last_events_before_there_is_a_hook(api: Api) -> None:
    await api.publish(
        {"eventType": "user.mfa.factor.activate", "outcome": {"result": "SUCCESS"}},
        {"eventType": "user.mfa.factor.activate", "outcome": {"result": "FAILURE"}},
        {"eventType": "user.lifecycle.create"},
    )
    async with signed_in(api) as browser:
        await browser.open(NEW)
        rows = {"filter_event": ["user.mfa.factor.activate"], "filter_expression": [FILTER], "last": "20"}
        answer = await browser.send(NEW, typed(act="try", types=["user.mfa.factor.activate"], **rows))
        said = words_of(answer.text)
        assert "1 of 2 events would be delivered." in said
        assert "event.outcome.result is 'FAILURE', not 'SUCCESS'" in said
        wrong = await browser.send(NEW, typed(act="try", **{**rows, "filter_expression": ["event."]}))
        assert (wrong.status_code, set(problems_of(wrong.text)) >= {"filter_0"}) == (400, True)
        path = await create(browser, types=["user.mfa.factor.activate"])
        page = (await browser.open(f"{path}/edit")).text
        again = await browser.send(f"{path}/edit", sent_again(page, act="try", **rows))
        assert "1 of 2 events would be delivered." in words_of(again.text)


@with_api()
async def test_a_hook_of_300_types_with_a_filter_each_is_edited_in_one_form(api: Api) -> None:
    names = [name for name, eligible in catalogue().items() if eligible]
    async with signed_in(api) as browser:
        path = await create(browser, types=names, filter_event=names, filter_expression=[FILTER] * len(names))
        page = (await browser.open(f"{path}/edit")).text
        assert (await browser.send(f"{path}/edit", sent_again(page, name="Large"))).status_code == 303
        assert len((await stored(api, path))["events"]["filter"]["eventFilterMap"]) == len(names)


@with_api(limit_event_hooks=1)
async def test_a_limit_that_is_met_is_told_in_the_summary(api: Api) -> None:
    async with signed_in(api) as browser:
        await api.add_hook("https://svc.example.com/1", name="First")
        second = await api.add_hook("https://svc.example.com/2", name="Second", status="INACTIVE")
        answer = await browser.send(f"{PATH}/{second.id}/activate")
        assert answer.status_code == 400
        assert "TENTERHOOK_LIMIT_EVENT_HOOKS" in words_of(answer.text)


@pytest.mark.parametrize("seconds", [0.0, 0.25, 1.0, 1.5, 59.0, 60.0, 90.0, 300.0, 3600.0, 5400.0, 86400.0, 604800.0])
def test_a_wait_in_words_reads_back_as_the_same_wait(seconds: float) -> None:
    assert read_waits(wait_text(seconds)) == [seconds]


@pytest.mark.parametrize("name", policy_names())
def test_the_waits_of_each_policy_read_back(name: str) -> None:
    waits = named_policy(name).waits_s
    assert read_waits(", ".join(map(wait_text, waits))) == list(waits)
