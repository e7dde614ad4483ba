from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hook_rig import CHALLENGE, Rig, answer, causes, echo, endpoint, with_rig
from hook_samples import GUIDE_BODY

from ports import closed_port
from tenterhook.engine.register import replace_event_hook
from tenterhook.engine.verify import verify_event_hook
from tenterhook.errors import InvalidError

UNABLE = "Unable to verify event hook. Hook Event Hook Test execution failed"
URI = "channel__config__uri"


@with_rig()
async def test_the_guides_body_is_accepted_with_a_hint_and_verifying_it_names_the_dns_failure(rig: Rig) -> None:
    rig.resolve_nothing()
    made = await rig.call("POST", "/api/v1/eventHooks", GUIDE_BODY)
    assert made.status_code == 200
    assert made.headers["x-tenterhook-hint"].startswith("channel.config.authScheme.value holds '${...}'")
    assert made.json()["channel"]["config"]["uri"] == "https://www.YOURSSLSECUREURLENDPOINT"
    first, second = causes(await rig.act(made.json(), "verify"))
    assert first == UNABLE
    assert second.startswith("The host name www.yoursslsecureurlendpoint did not resolve: no such name.")
    (told,) = await rig.log("event_hook.verified")
    assert told["outcome"]["result"] == "FAILURE"
    assert told["debugContext"]["debugData"]["errorMessage"] == f'Hook "Event Hook Test" execution failed. {second}'
    assert told["target"][0]["id"] == made.json()["id"]


@with_rig()
async def test_verifying_is_one_get_with_the_challenge_and_everything_the_hook_sends(rig: Rig) -> None:
    async with endpoint() as receiver:
        hook = await rig.create(**{URI: receiver.url})
        shown = await rig.act(hook, "verify")
        assert shown.status_code == 200
        assert shown.json()["verificationStatus"] == "VERIFIED"
        assert shown.json()["status"] == "ACTIVE"
        (request,) = receiver.requests
    head, _, rest = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    assert lines[0] == "GET /in HTTP/1.1"
    assert rest == b""
    assert re.fullmatch(r"[A-Za-z0-9_-]{40}", fields.pop("X-Okta-Verification-Challenge"))
    assert re.fullmatch(r"[A-Za-z0-9_-]{27}", fields.pop("X-Okta-Request-Id"))
    assert fields == {
        "Host": receiver.url.split("/")[2],
        "User-Agent": "Okta-Integrations",
        "Accept": "application/json",
        "X-Other-Header": "some-other-value",
        "Authorization": "s3cret-value",
    }
    (told,) = await rig.log("event_hook.verified")
    assert told["outcome"]["result"] == "SUCCESS"


@with_rig()
async def test_until_it_is_verified_a_hook_sends_nothing_whatever_happens(rig: Rig) -> None:
    async with endpoint() as receiver:
        hook = await rig.create(**{URI: receiver.url})
        await rig.hooks.publish({"eventType": "user.lifecycle.create", "displayMessage": "before"})
        await rig.act(hook, "deactivate")
        await rig.act(hook, "activate")
        assert (await rig.act(hook, "verify")).status_code == 200
        await rig.hooks.publish({"eventType": "user.lifecycle.create", "displayMessage": "after"})
        await receiver.posted.wait()
        (request,) = receiver.posts
        assert b"after" in request
        assert b"before" not in request
        assert len(receiver.gets) == 1


@with_rig()
async def test_the_guides_own_handler_is_told_what_it_answered_and_what_to_answer_instead(rig: Rig) -> None:
    for say in (lambda got: answer(f'"{got}"'), lambda got: answer(str(got))):
        async with endpoint(say) as receiver:
            hook = await rig.create(name=receiver.url, **{URI: receiver.url})
            first, second = causes(await rig.act(hook, "verify"))
            assert first == f"Unable to verify event hook. Hook {receiver.url} execution failed"
            assert "the bare string instead of an object (in Express: res.json({ verification: req.get(" in second
            assert len(receiver.gets) == 1
        assert (await rig.read(hook))["verificationStatus"] == "UNVERIFIED"


REFUSED: dict[str, tuple[Callable[[str | None], bytes | None], int, str]] = {
    "a wrong value": (lambda got: answer('{"verification":"no"}'), 1, "another value than the challenge"),
    "a megabyte": (lambda got: answer(b" " * 1_000_000 + echo(got)), 1, "exceeds 256 KiB"),
    "a page": (lambda got: answer("<html><body>Sign in"), 1, "an HTML or XML page"),
    "a byte order mark": (lambda got: answer(f'\ufeff{{"verification":"{got}"}}'), 1, "a byte order mark"),
    "a compressed echo": (
        lambda got: answer(gzip.compress(echo(got).partition(b"\r\n\r\n")[2]), "200 OK", "Content-Encoding: gzip"),
        1,
        "no strict JSON",
    ),
    "a redirect": (lambda got: answer("", "302 Found", "Location: /other"), 2, "redirects are not followed"),
    "an error": (lambda got: answer(f'{{"verification":"{got}"}}', "500 Oops"), 2, "answered 500"),
    "another success": (lambda got: answer(f'{{"verification":"{got}"}}', "201 Created"), 2, "answered 201"),
    "no HTTP": (lambda got: b"220 smtp.example.com\r\n\r\n", 2, "HTTP/1.1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_endpoint_that_does_not_echo_exactly_stays_unverified(name: str, tmp_path: object) -> None:
    say, gets, says = REFUSED[name]

    @with_rig()
    async def story(rig: Rig) -> None:
        async with endpoint(say) as receiver:
            hook = await rig.create(**{URI: receiver.url})
            first, second = causes(await rig.act(hook, "verify"))
            assert (first, says in second) == (UNABLE, True), second
            assert "s3cret" not in second
            assert "127.0.0.1" not in second
            assert len(receiver.requests) == gets
            assert await rig.read(hook) == hook

    story(tmp_path)  # type: ignore[arg-type]


def test_a_challenge_is_kept_nowhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    challenges: list[bytes] = []

    @with_rig()
    async def story(rig: Rig) -> None:
        for name, say, status in (("wrong", lambda got: answer(f'["{got}"]'), 400), ("right", echo, 200)):
            async with endpoint(say) as receiver:
                hook = await rig.create(name=name, **{URI: receiver.url})
                shown = await rig.act(hook, "verify")
                assert shown.status_code == status
                challenges.extend(found[1] for found in map(CHALLENGE.search, receiver.gets) if found)
                assert challenges[-1] not in shown.content

    story(tmp_path)
    assert len(challenges) == 2
    printed = "".join(capfd.readouterr()).encode()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"event_hook.verified" in written
    assert not any(challenge in printed + written for challenge in challenges)


@with_rig()
async def test_a_time_out_an_error_or_a_cut_connection_is_asked_once_more_with_a_new_challenge(rig: Rig) -> None:
    principal = await rig.principal()
    bad: list[Callable[[str | None], bytes | None]] = [
        lambda got: None,
        lambda got: answer("", "503 Busy"),
        lambda got: b"HTTP/1.1 200 OK\r\nContent-Le",
    ]
    for number, first in enumerate(bad):
        async with endpoint(first, echo) as receiver:
            hook = await rig.create(name=str(number), **{URI: receiver.url})
            shown = await verify_event_hook(rig.pipeline, principal, hook["id"], timeout_s=0.5)
            assert shown.verification_status == "VERIFIED"
            assert len(receiver.requests) == 2
            assert len(set(receiver.requests)) == 2


@with_rig()
async def test_an_endpoint_that_hangs_is_asked_twice_and_never_longer_than_the_total_time_out(rig: Rig) -> None:
    principal = await rig.principal()
    async with endpoint(lambda got: None) as receiver:
        hook = await rig.create(**{URI: receiver.url})
        with pytest.raises(InvalidError) as refused:
            await verify_event_hook(rig.pipeline, principal, hook["id"], timeout_s=0.2)
        assert refused.value.problems[0] == UNABLE
        assert refused.value.problems[1].startswith("The endpoint did not answer within 0.2 seconds. Answer the chall")
        assert len(receiver.requests) == 2


@with_rig()
async def test_a_closed_port_and_a_port_without_tls_are_explained(rig: Rig) -> None:
    principal = await rig.principal()
    async with endpoint() as receiver:
        secure = await rig.create(name="tls", **{URI: receiver.url.replace("http:", "https:")})
        with pytest.raises(InvalidError) as refused:
            await verify_event_hook(rig.pipeline, principal, secure["id"], timeout_s=0.3)
        assert refused.value.problems[1].startswith("No TLS connection")
    with closed_port() as port:
        closed = await rig.create(name="closed", **{URI: f"http://127.0.0.1:{port}/in"})
        assert causes(await rig.act(closed, "verify"))[1].startswith("No TCP connection to the endpoint")


@with_rig()
async def test_a_verified_hook_stays_verified_when_it_fails_to_be_verified_again(rig: Rig) -> None:
    async with endpoint(echo, lambda got: answer("no")) as receiver:
        hook = await rig.create(**{URI: receiver.url})
        before = (await rig.act(hook, "verify")).json()
        assert causes(await rig.act(hook, "verify"))[0] == UNABLE
        assert await rig.read(hook) == before
        assert [told["outcome"]["result"] for told in await rig.log("event_hook.verified")] == ["SUCCESS", "FAILURE"]


@with_rig()
async def test_an_inactive_hook_can_be_verified_and_stays_inactive(rig: Rig) -> None:
    async with endpoint() as receiver:
        hook = await rig.create(status="INACTIVE", **{URI: receiver.url})
        shown = (await rig.act(hook, "verify")).json()
        assert (shown["status"], shown["verificationStatus"]) == ("INACTIVE", "VERIFIED")


@with_rig()
async def test_a_channel_that_changes_while_its_endpoint_is_asked_is_not_verified_by_the_old_answer(rig: Rig) -> None:
    principal = await rig.principal()
    gate = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await gate.wait()
        writer.write(echo(re.search(rb"Challenge: (\S+)", head)[1].decode()))  # type: ignore[index]
        writer.close()

    asked = asyncio.Event()
    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    hook = await rig.create(**{URI: url})
    verifying = asyncio.create_task(rig.act(hook, "verify"))
    await asked.wait()
    changed = {**GUIDE_BODY, "channel": {**hook["channel"], "config": {"uri": url + "other"}}}
    await replace_event_hook(rig.pipeline, principal, hook["id"], changed)
    gate.set()
    assert "was changed while its endpoint was asked" in causes(await verifying)[1]
    assert (await rig.read(hook))["verificationStatus"] == "UNVERIFIED"
    server.close()


@with_rig(limit_event_hooks=3)
async def test_of_many_hooks_verified_at_once_exactly_as_many_as_the_limit_succeed(rig: Rig) -> None:
    async with endpoint() as receiver:
        hooks = [await rig.create(name=str(number), **{URI: receiver.url}) for number in range(8)]
        answers = await asyncio.gather(*(rig.act(hook, "verify") for hook in hooks))
        assert sorted(one.status_code for one in answers) == [200] * 3 + [400] * 5
        refused = next(one for one in answers if one.status_code == 400)
        assert "TENTERHOOK_LIMIT_EVENT_HOOKS" in causes(refused)[1]
        verified = [one.json() for one in answers if one.status_code == 200]
        assert (await rig.act(verified[0], "verify")).status_code == 200


@with_rig(limit_event_hooks=1)
async def test_a_hook_beyond_the_limit_cannot_be_switched_on_by_either_way(rig: Rig) -> None:
    async with endpoint() as receiver:
        first = await rig.create(name="first", **{URI: receiver.url})
        second = await rig.create(name="second", status="INACTIVE", **{URI: receiver.url})
        for hook in (first, second):
            assert (await rig.act(hook, "verify")).status_code == 200
        (cause,) = causes(await rig.act(second, "activate"))
        assert cause.startswith("status: This org has 1 event hooks")
        body = {**second, "status": "ACTIVE"}
        body["channel"]["config"]["authScheme"]["value"] = "s3cret-value"
        assert causes(await rig.call("PUT", f"/api/v1/eventHooks/{second['id']}", body)) == [cause]
        assert (await rig.read(second))["status"] == "INACTIVE"
        await rig.act(first, "deactivate")
        assert (await rig.act(second, "activate")).json()["status"] == "ACTIVE"
