"""The receiver for development, as a process of its own."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from command_line import CommandLine, Running

DELIVERY = {"eventType": "com.okta.event_hook", "eventId": "e1", "data": {"events": [{"eventType": "a.b"}]}}


def ask(
    url: str, body: object = None, headers: dict[str, str] | None = None, context: ssl.SSLContext | None = None
) -> tuple[int, bytes]:
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers or {})
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context or ssl.create_default_context())
    )
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def told(running: Running) -> Any:
    return json.loads(running.wait_for("{"))


@pytest.fixture
def url(receiver: Running) -> str:
    # With --json standard output is for requests only, so the address is on standard error.
    until = time.monotonic() + 20
    while not any("listening on" in line for line in receiver.errors):
        assert time.monotonic() < until, receiver.errors
        time.sleep(0.01)
    return receiver.errors[-1].partition("listening on ")[2]


def test_the_challenge_is_echoed(url: str, receiver: Running) -> None:
    status, body = ask(url, headers={"X-Okta-Verification-Challenge": "<abc>"})
    assert (status, json.loads(body)) == (200, {"verification": "<abc>"})
    assert told(receiver)["kind"] == "CHALLENGE"


def test_a_delivery_is_answered_and_told_and_its_repeat_is_known(url: str, receiver: Running) -> None:
    assert ask(url, DELIVERY) == (204, b"")
    assert ask(url, DELIVERY) == (204, b"")
    first, second = told(receiver), told(receiver)
    assert first["body"] == DELIVERY
    assert (first["repeat"], second["repeat"]) == (False, True)


@pytest.mark.parametrize("body", [b"not json", b"[" * 100_000, b"\xff"])
def test_what_is_not_json_is_refused(url: str, receiver: Running, body: bytes) -> None:
    assert ask(url, body)[0] == 400
    assert told(receiver)["kind"] == "REFUSED"


def test_a_body_without_end_is_refused(url: str, receiver: Running) -> None:
    assert ask(url, b"x" * (2 * 1024 * 1024 + 1))[0] == 413
    assert told(receiver)["kind"] == "REFUSED"


def test_it_stops_at_a_signal_with_exit_0(receiver: Running, url: str) -> None:
    assert receiver.stop() == 0
    assert not any("Traceback" in line for line in receiver.errors)


def test_the_secret_is_asked_for(cli: CommandLine) -> None:
    with cli.start("listen", "--port", "0", TENTERHOOK_LISTEN_SECRET="sésame") as receiver:
        url = receiver.url()
        assert ask(url, DELIVERY)[0] == 401
        assert ask(url, DELIVERY, {"Authorization": "wrong"})[0] == 401
        assert ask(url, headers={"X-Okta-Verification-Challenge": "a"})[0] == 401
        assert ask(url, DELIVERY, {"Authorization": "sésame".encode().decode("latin-1")})[0] == 204
        receiver.wait_for("→ 204")
        assert any("does not carry the secret" in line for line in receiver.printed)


def test_it_misbehaves_on_demand(cli: CommandLine) -> None:
    with cli.start("listen", "--port", "0", "--status", "503", "--delay", "0.4", "--wrong-echo") as receiver:
        url = receiver.url()
        began = time.monotonic()
        assert ask(url, DELIVERY)[0] == 503
        assert time.monotonic() - began >= 0.4
        assert json.loads(ask(url, headers={"X-Okta-Verification-Challenge": "a"})[1]) != {"verification": "a"}
        receiver.wait_for("challenge answered wrongly")


def test_it_fails_as_many_deliveries_as_it_is_told_and_then_no_more(cli: CommandLine) -> None:
    with cli.start("listen", "--port", "0", "--fail-first", "2") as receiver:
        url = receiver.url()
        assert [ask(url, DELIVERY)[0] for _ in range(4)] == [500, 500, 204, 204]


@pytest.mark.parametrize("body", [{"a": 1}, [], {"data": {"events": {}}}])
def test_a_post_that_is_no_delivery_is_called_so(url: str, receiver: Running, body: object) -> None:
    assert ask(url, body)[0] == 204
    record = told(receiver)
    assert record["kind"] == "OTHER"
    assert record["reason"] == "a POST that is no delivery of an event hook"


def test_several_events_of_one_delivery_are_counted_and_told_line_by_line(cli: CommandLine) -> None:
    with cli.start("listen", "--port", "0") as receiver:
        url = receiver.url()
        ask(url, DELIVERY | {"data": {"events": [{"eventType": "a.b"}, {"eventType": "c.d"}]}})
        assert receiver.wait_for("2 events").endswith("2 events  → 204  e1")
        receiver.wait_for("a.b")
        receiver.wait_for("c.d")


def test_events_are_printed_readably_and_inert(cli: CommandLine) -> None:
    event = {
        "eventType": "user.lifecycle.create",
        "actor": {"displayName": "\x1b[2J[bold]Ada[/bold]\nforged line", "alternateId": "\u202eada"},
        "target": [{"displayName": "Bo", "type": "User"}],
        "outcome": {"result": "SUCCESS"},
    }
    with cli.start("listen", "--port", "0") as receiver:
        url = receiver.url()
        ask(url, DELIVERY | {"eventId": "e\x1b[31m", "data": {"events": [event]}})
        line = receiver.wait_for("user.lifecycle.create")
        text = "\\x1b[2J[bold]Ada[/bold]\\nforged line <\\u202eada>  →  Bo (User)  SUCCESS"
        assert line.partition("  ")[2] == f"user.lifecycle.create  {text}  → 204  e\\x1b[31m"
        assert all(printed.isprintable() for printed in receiver.printed)


def test_tls_is_trusted_by_whoever_is_given_the_authority(cli: CommandLine) -> None:
    with cli.start("listen", "--port", "0", "--tls-dir", "certificates") as receiver:
        url = receiver.url()
        assert url.startswith("https://127.0.0.1:")
        assert any("TENTERHOOK_EGRESS_CA_FILE=certificates/ca.pem" in line for line in receiver.errors)
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(url, DELIVERY)
        context = ssl.create_default_context(cafile=cli.folder / "certificates" / "ca.pem")
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        assert ask(url, DELIVERY, context=context)[0] == 204
        assert (cli.folder / "certificates" / "server.pem").stat().st_mode & 0o077 == 0


def test_a_taken_port_is_one_line_and_exit_2(cli: CommandLine, url: str) -> None:
    port = url.rpartition(":")[2]
    done = cli.run("listen", "--port", port)
    assert done.returncode == 2
    assert done.stderr == (
        f"tenterhook: Port {port} on 127.0.0.1 is taken by another program. "
        "Stop that, or choose another port with --port.\n"
    )


def test_certificates_in_a_temporary_place_are_removed_in_the_end(cli: CommandLine) -> None:
    temporary = cli.folder / "temporary"
    temporary.mkdir()
    with cli.start("listen", "--port", "0", "--tls", TMPDIR=str(temporary)) as receiver:
        receiver.url()
        assert len(list(temporary.glob("*/ca.pem"))) == 1
        assert receiver.stop() == 0
    assert list(temporary.iterdir()) == []
