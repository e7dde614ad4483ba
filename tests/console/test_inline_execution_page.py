"""Executing an inline hook by hand: the request, the answer, and what would follow, each told in full."""

from __future__ import annotations

import json
import re

from api_rig import Api, receiving, with_api
from console_rig import signed_in, words_of
from inline_pages_rig import COMMANDS, REFUSAL, REGISTRATION, SECRET, TELEPHONY, TOKEN, answer_of, made

from tenterhook.console.inline_hooks.changes import LONGEST, MOST, Change, changes_between
from tenterhook.domain.inline.kind import KINDS
from tenterhook.domain.inline.sample import sample_data
from tenterhook.door.rate_limit import RateLimits


def test_what_changed_is_told_by_pointer_in_the_order_of_the_tree() -> None:
    before = {"a": {"b/c": 1, "d": [1]}, "gone": None, "same": {"x": 1}, "flag": True}
    after = {"a": {"b/c": 2, "d": [1, 2], "new": {"y": 1}}, "same": {"x": 1}, "flag": 1}
    assert changes_between(before, after) == (
        [
            Change("/a/b~1c", "1", "2"),
            Change("/a/d", "[1]", "[1,2]"),
            Change("/a/new", None, '{"y":1}'),
            Change("/gone", "null", None),
            Change("/flag", "true", "1"),
        ],
        False,
    )
    assert [one.word for one in changes_between(before, after)[0]] == [
        *("replaced", "replaced", "added", "removed", "replaced")
    ]
    assert changes_between(before, before) == ([], False)


def test_a_page_shows_no_more_changes_than_one_can_read() -> None:
    found, more = changes_between({}, {str(at): "x" * 1000 for at in range(MOST + 1)})
    assert (len(found), more) == (MOST, True)
    assert len(found[0].after or "") == LONGEST


@with_api()
async def test_the_form_begins_with_the_sample_of_the_type(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await made(browser, type=TELEPHONY)
        for request_type in KINDS[TELEPHONY].request_types:
            page = (await browser.open(f"{path}/execute?request_type={request_type}")).text
            text = page.partition("<textarea")[2].partition(">")[2].partition("</textarea>")[0]
            assert json.loads(text.replace("&#34;", '"')) == sample_data(TELEPHONY, request_type)
            assert f'name="request_type" value="{request_type}"' in page


@with_api()
async def test_applied_commands_are_shown_before_and_after(api: Api) -> None:
    async with receiving(200, answer_of(COMMANDS)) as receiver, signed_in(api) as browser:
        path = await made(browser, url=receiver.url)
        answer = await browser.send(f"{path}/execute", {"data": json.dumps(sample_data(TOKEN)), "act": "send"})
        said = words_of(answer.text)
        assert answer.status_code == 200
        assert "Success" in said
        assert "1 command applied" in said
        assert '/access/claims/tier Added – "gold"' in said
        assert "/access/token/lifetime/expiration Replaced 3600 900" in said
        assert "The endpoint answered 200" in said
        assert SECRET not in answer.text
        assert "Authorization" in said
        assert json.loads(receiver.requests[0].partition(b"\r\n\r\n")[2])["data"]["context"]


@with_api()
async def test_an_answer_of_a_telephony_hook_says_what_became_of_the_code(api: Api) -> None:
    data = json.dumps(sample_data(TELEPHONY))
    async with receiving(200) as receiver, signed_in(api) as browser:
        path = await made(browser, type=TELEPHONY, url=receiver.url)
        for status, word, meaning in (
            ("SUCCESSFUL", "Success", "The endpoint says that it has sent the code."),
            ("PENDING", "Success", "The endpoint says that the code is on its way."),
            ("FAILED", "Fallback", "The endpoint could not send the message"),
        ):
            receiver.body = answer_of(
                {"commands": [{"type": "com.okta.telephony.action", "value": [{"status": status}]}]}
            )
            answer = await browser.send(f"{path}/execute", {"data": data, "act": "send"})
            said = words_of(answer.text)
            assert answer.status_code == 200
            assert word in said
            assert meaning in said
            assert "left everything as it was" not in said


@with_api()
async def test_a_refusal_is_told_with_its_error_spelled_out(api: Api) -> None:
    async with receiving(200, answer_of(REFUSAL)) as receiver, signed_in(api) as browser:
        path = await made(browser, type=REGISTRATION, url=receiver.url)
        answer = await browser.send(f"{path}/execute", {"data": json.dumps(sample_data(REGISTRATION))})
        assert "Denied" in words_of(answer.text)
        assert "Not today &lt;b&gt;" in answer.text
        assert "Not today <b>" not in answer.text
        assert "\u202e" not in answer.text


@with_api()
async def test_an_endpoint_that_is_away_is_told_in_words(api: Api) -> None:
    async with signed_in(api) as browser:
        async with receiving(200) as receiver:
            url = receiver.url
        path = await made(browser, type=REGISTRATION, url=url)
        answer = await browser.send(f"{path}/execute", {"data": json.dumps(sample_data(REGISTRATION))})
        said = words_of(answer.text)
        assert "Failed The process stops" in said
        assert "No answer" in said
        assert "asked 2 times" in said


@with_api()
async def test_the_request_alone_is_shown_without_a_call(api: Api) -> None:
    async with receiving(200, b"{}") as receiver, signed_in(api) as browser:
        path = await made(browser, url=receiver.url)
        await browser.send(f"{path}/deactivate")
        data = {"data": json.dumps(sample_data(TOKEN)), "act": "show"}
        answer = await browser.send(f"{path}/execute", data)
        assert f"POST {receiver.url}" in words_of(answer.text)
        assert '"eventType": "com.okta.oauth2.tokens.transform"' in words_of(answer.text)
        assert 'id="result"' not in answer.text
        assert receiver.requests == []


@with_api()
async def test_data_that_is_wrong_comes_back_with_its_problems(api: Api) -> None:
    async with signed_in(api) as browser:
        path = await made(browser)
        for text in ("{not json", "[]", '{"surprise": 1}', '"</textarea><script>"'):
            answer = await browser.send(f"{path}/execute", {"data": text})
            assert answer.status_code == 400, text
            assert re.search(r'id="data-problem"', answer.text), text
            assert "<script>" not in answer.text.partition("<main")[2]


@with_api(limits=RateLimits(verification=2))
async def test_executing_is_counted_like_verifying(api: Api) -> None:
    async with receiving(200, b"{}") as receiver, signed_in(api) as browser:
        path = await made(browser, url=receiver.url)
        form = {"data": json.dumps(sample_data(TOKEN))}
        statuses = [(await browser.send(f"{path}/execute", form)).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert len(receiver.requests) == 2
