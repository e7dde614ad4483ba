"""`tenterhook logs --follow`: the log as it happens, across lost connections, until Ctrl-C."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any, cast

import pytest
from command_line import CommandLine, lines_of

from tenterhook.cli.client import Client
from tenterhook.cli.follow import Message, follow, read_messages


def publish(cli: CommandLine, *names: str) -> None:
    """Publish an event a name, with the name as its display message."""
    events = [
        {"eventType": "acme.cli", "displayMessage": name, "actor": {"id": name, "type": "User"}} for name in names
    ]
    assert cli.run("publish", "-", stdin=lines_of(events)).returncode == 0


def name_in(line: str) -> Any:
    return json.loads(line)["displayMessage"]


def begun(cli: CommandLine, *options: str) -> Any:
    return cli.start("logs", "--follow", "--json", "--since", "1h", "--filter", 'eventType eq "acme.cli"', *options)


def test_following_prints_one_event_a_line_and_ctrl_c_ends_it_well(served: CommandLine) -> None:
    publish(served, "first")
    with begun(served) as running:
        assert name_in(running.wait_for('"first"')) == "first"
        publish(served, "second", "third")
        assert name_in(running.wait_for('"second"')) == "second"
        assert name_in(running.wait_for('"third"')) == "third"
        assert running.stop(signal.SIGINT) == 0
        assert running.errors == []


def test_following_tells_people_who_did_what_on_one_line(served: CommandLine) -> None:
    with served.start("logs", "-f", "--since", "1h", "--q", "acme.cli hermes") as running:
        publish(served, "hera", "hermes")
        line = running.wait_for("hermes")
        assert "acme.cli" in line
        assert not [one for one in running.printed if "hera" in one]
        assert running.stop(signal.SIGINT) == 0
        assert running.errors[0] == "Following the log; Ctrl-C ends."


def test_following_comes_back_after_the_server_was_gone_and_misses_nothing(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0", "--dev") as server:
        port = server.url().rpartition(":")[2]
        publish(cli, "before")
        with begun(cli) as running:
            running.wait_for('"before"')
            assert server.stop() == 0
            with cli.start("serve", "--port", port, "--dev") as again:
                again.url()
                publish(cli, "between", "after")
                assert name_in(running.wait_for('"between"')) == "between"
                assert name_in(running.wait_for('"after"')) == "after"
                assert running.stop(signal.SIGINT) == 0
            assert [name_in(line) for line in running.printed] == ["before", "between", "after"]
            assert any("going on in 1 s" in line for line in running.errors), running.errors


@pytest.mark.parametrize("wrong", [("--until", "1m"), ("--limit", "5"), ("--filter", "eventType eqq 1")])
def test_what_a_tail_cannot_do_is_wrong_usage(served: CommandLine, wrong: tuple[str, str]) -> None:
    done = served.run("logs", "--follow", *wrong)
    assert done.returncode == 2, done.stderr
    assert wrong[0] in done.stderr or "eqq" in done.stderr


def test_without_a_server_following_fails_at_once(cli: CommandLine) -> None:
    done = cli.run("logs", "--follow", "--url", "http://127.0.0.1:9", "--token", "x")
    assert done.returncode == 1
    assert "No server at http://127.0.0.1:9" in done.stderr


def test_a_wrong_token_ends_following(served: CommandLine) -> None:
    done = served.run("logs", "--follow", TENTERHOOK_TOKEN="00wrong")
    assert done.returncode == 1
    assert "token" in done.stderr


class Scripted:
    """A client whose every stream says what the next script does, and then ends."""

    def __init__(self, *scripts: bytes) -> None:
        self.scripts = iter(scripts)
        self.slept: list[float] = []

    def lines(self, path: str, params: object, headers: object) -> Iterator[bytes]:
        script = next(self.scripts, None)
        if script is None:
            raise KeyboardInterrupt
        yield from script.split(b"\n")

    def waits(self) -> list[float]:
        """Follow to the end; return how long it waited before each try."""
        with pytest.raises(KeyboardInterrupt):
            list(follow(cast("Client", self), {}, self.slept.append))
        return self.slept


GREETING = b": connected\nretry: 2000\nid: 1\n\n"
PROBLEM = b'event: problem\ndata: {"errorCode": "E0000009", "errorSummary": "It took too long."}\n\n'


def test_a_search_that_always_times_out_is_tried_ever_more_rarely() -> None:
    assert Scripted(*[GREETING + PROBLEM] * 6).waits() == [1, 2, 5, 10, 30, 30]


@pytest.mark.parametrize("good", [b'id: 2\ndata: {"a": 1}\n\n', b": still here\nid: 2\n\n"])
def test_an_event_or_a_sign_of_life_makes_the_waits_short_again(good: bytes) -> None:
    assert Scripted(GREETING, GREETING, GREETING + good, GREETING).waits() == [1, 2, 1, 2]


def test_the_messages_of_a_stream_are_read_as_a_browser_reads_them() -> None:
    lines = b': hello\nretry: 5\nid: 1\n\nid: 2\r\ndata: {"a":\r\ndata: 1}\r\n\r\n'
    lines += b"event: problem\ndata:x\n\nid: 9\ndata: cut"
    assert list(read_messages(lines.split(b"\n"))) == [
        Message("1", "message", ""),
        Message("2", "message", '{"a":\n1}'),
        Message(None, "problem", "x"),
    ]
