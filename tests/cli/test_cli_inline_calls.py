"""`listen --inline`, and `inline call`, `execute` and `preview` against it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from command_line import CommandLine, Running
from test_cli_listen import ask

from tenterhook import inline
from tenterhook.cli.inline import TYPES
from tenterhook.cli.inline_receiver import refusal_of, sample_reply
from tenterhook.domain.inline.kind import KINDS


@pytest.fixture
def here(served: CommandLine) -> Iterator[CommandLine]:
    """The command line beside a server that has no inline hook of another test."""
    yield served
    for hook in served.json("inline", "list"):
        if hook["status"] == "ACTIVE":
            served.json("inline", "deactivate", hook["id"])
        assert served.run("inline", "delete", hook["id"]).returncode == 0


def hooked(cli: CommandLine, type: str, receiver: Running, *more: str) -> dict[str, Any]:
    """Create a hook of *type* whose endpoint the receiver is."""
    url = receiver.url()
    arguments = ("inline", "create", "--name", type, "--type", type, "--uri", url, *more)
    made: dict[str, Any] = cli.json(*arguments, stdin=b"s3cret-value")
    return made


def url_beside_json(receiver: Running) -> str:
    """Return the URL of a receiver that prints JSON: it is told on standard error."""
    until = time.monotonic() + 20
    while not any("listening on" in line for line in receiver.errors):
        assert time.monotonic() < until, receiver.errors
        time.sleep(0.01)
    return receiver.errors[-1].partition("listening on ")[2]


@pytest.mark.parametrize("type", TYPES)
def test_each_type_can_be_tried_with_two_commands(here: CommandLine, type: str) -> None:
    with here.start("listen", "--port", "0", "--inline", type) as receiver:
        hook = hooked(here, type, receiver, "--secret-file", "-")
        result = here.json("inline", "call", type)
        receiver.wait_for(TYPES[type])
        assert (result["outcome"], result["hookId"]) == ("SUCCESS", hook["id"])
        assert len(result["commands"]) == 1
        assert here.json("inline", "execute", hook["id"])["commands"] == result["commands"]
        shown = here.json("inline", "preview", type, "--deliver")
        assert (shown["delivered"]["status"], shown["result"]["outcome"]) == (200, "SUCCESS")


def test_a_call_is_told_readably_on_both_sides(here: CommandLine) -> None:
    with here.start("listen", "--port", "0", "--inline", "registration") as receiver:
        hooked(here, "registration", receiver)
        done = here.run("inline", "call", "registration")
        line = receiver.wait_for("com.okta.user.pre-registration")
        assert "self.service.registration" in line
        assert "→ 200" in line
        assert (
            receiver.wait_for("com.okta.action.update").strip() == 'com.okta.action.update  {"registration": "ALLOW"}'
        )
    assert done.returncode == 0
    assert "outcome:           SUCCESS" in done.stdout
    assert 'applied  com.okta.action.update  {"registration": "ALLOW"}' in done.stdout


def test_a_static_reply_is_given_as_json_or_as_a_file(here: CommandLine) -> None:
    reply = {"error": {"errorSummary": "Not today."}}
    (here.folder / "reply.json").write_text(json.dumps(reply))
    for given in (json.dumps(reply), "reply.json"):
        with here.start("listen", "--port", "0", "--inline", "registration", "--reply", given) as receiver:
            body = inline.sample_call(inline.REGISTRATION)
            status, said = ask(receiver.url(), body)
            assert (status, json.loads(said)) == (200, reply)


def test_a_reply_against_the_contract_is_served_and_said_to_be_one(cli: CommandLine) -> None:
    with cli.start("listen", "--port", "0", "--inline", "token", "--reply", '{"commands": 1}') as receiver:
        assert ask(receiver.url(), inline.sample_call(inline.TOKEN)) == (200, b'{"commands": 1}')
        assert any("not as the contract has it" in line for line in receiver.errors)


def test_it_answers_its_own_type_only_and_nothing_that_is_no_call(cli: CommandLine) -> None:
    with cli.start("listen", "--port", "0", "--inline", "token", "--json") as receiver:
        url = url_beside_json(receiver)
        assert ask(url, inline.sample_call(inline.SAML))[0] == 400
        assert ask(url, b"not json")[0] == 400
        assert ask(url, {"data": {}})[0] == 400
        assert ask(url)[0] == 405
        kinds = [json.loads(receiver.wait_for("{"))["kind"] for _ in range(4)]
        assert kinds == ["REFUSED", "REFUSED", "REFUSED", "OTHER"]
        assert ask(url, inline.sample_call(inline.TOKEN))[0] == 200
        told = json.loads(receiver.wait_for("{"))
        assert (told["kind"], told["status"], told["repeat"]) == ("CALL", 200, False)
        assert told["reply"]["commands"][0]["type"] == "com.okta.access.patch"


def test_it_misbehaves_as_it_is_told(cli: CommandLine) -> None:
    arguments = ("--inline", "import", "--status", "503", "--fail-first", "1", "--secret", "abcd")
    with cli.start("listen", "--port", "0", *arguments) as receiver:
        url, body = receiver.url(), inline.sample_call(inline.IMPORT)
        assert ask(url, body)[0] == 401
        statuses = [ask(url, body, {"Authorization": "abcd"})[0] for _ in range(3)]
        assert statuses == [500, 503, 503]


def test_a_reply_without_a_type_is_refused(cli: CommandLine) -> None:
    done = cli.run("listen", "--reply", "{}")
    assert (done.returncode, "--reply goes with --inline" in done.stderr) == (2, True)
    done = cli.run("listen", "--inline", "nothing")
    assert (done.returncode, "is no type of inline hook" in done.stderr) == (2, True)


def test_the_samples_are_accepted_for_every_type_and_request_type() -> None:
    for kind in KINDS.values():
        for request_type in kind.request_types or (None,):
            call = inline.read_call(inline.sample_call(kind.type, request_type))
            assert refusal_of(kind.type, sample_reply(call).to_json()) is None


def test_data_comes_from_a_file_and_what_is_wrong_with_it_is_told(here: CommandLine) -> None:
    (here.folder / "data.json").write_text('{"userProfile": {"login": "ann@example.com"}, "context": {}}')
    done = here.json("inline", "call", "registration", "--file", "data.json")
    assert (done["outcome"], done["data"]["userProfile"]) == ("UNCHANGED", {"login": "ann@example.com"})
    (here.folder / "data.json").write_text('{"userProfile": 7}')
    wrong = here.run("inline", "call", "registration", "--file", "data.json")
    assert (wrong.returncode, "data.userProfile: " in wrong.stderr) == (2, True)
    unknown = here.run("inline", "call", "telephony", "--request-type", "nothing")
    assert (unknown.returncode != 0, "requestType: " in unknown.stderr) == (True, True)


def test_an_answer_against_the_contract_ends_execute_with_1(here: CommandLine) -> None:
    with here.start("listen", "--port", "0", "--inline", "import", "--status", "404") as receiver:
        hook = hooked(here, "import", receiver)
        done = here.run("inline", "execute", "import")
        assert (done.returncode, "could not communicate correctly" in done.stderr) == (1, True)
        shown = here.run("inline", "preview", "import")
        assert "POST http://127.0.0.1" in shown.stdout
        assert "Not sent. --deliver sends it." in shown.stderr
        delivered = here.run("inline", "preview", hook["id"], "--deliver")
        assert "outcome:           UNCHANGED" in delivered.stdout
        assert "404" in delivered.stdout
