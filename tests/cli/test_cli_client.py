"""What the commands say when the server is not there, refuses, or is something else."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine

from tenterhook.cli.client import DEFAULT_URL, connect


class Fake(ThreadingHTTPServer):
    """Answers from a script, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.script: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answering(BaseHTTPRequestHandler):
    server: Fake

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, headers, content = self.server.script.pop(0)
        self.send_response(status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content))} | headers
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def fake() -> Iterator[Fake]:
    with Fake() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def error(code: str, summary: str, *causes: str) -> bytes:
    body = {"errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oae1"}
    return json.dumps(body | {"errorCauses": [{"errorSummary": cause} for cause in causes]}).encode()


OK = b'{"accepted":1,"duplicates":0,"events":[{"uuid":"u","duplicate":false}]}'


def test_no_server_is_said_with_what_to_do(cli: CommandLine) -> None:
    done = cli.run("hooks", "list", "--url", "http://127.0.0.1:1", "--token", "t")
    assert done.returncode == 1
    assert "No server at http://127.0.0.1:1: start one with `tenterhook serve`" in done.stderr
    assert done.stdout == ""


def test_no_token_is_wrong_usage_and_says_where_it_would_be(cli: CommandLine) -> None:
    done = cli.run("hooks", "list")
    assert done.returncode == 2
    assert "tenterhook-data/admin-token does not exist" in done.stderr


def test_the_admin_token_is_never_sent_to_another_machine(cli: CommandLine) -> None:
    (cli.folder / "tenterhook-data").mkdir()
    (cli.folder / "tenterhook-data" / "admin-token").write_text("secret-token")
    done = cli.run("hooks", "list", "--url", "http://hooks.example")
    assert done.returncode == 2
    assert "An API token for http://hooks.example is missing" in done.stderr


def test_the_admin_token_and_the_address_come_from_the_data_directory(cli: CommandLine, fake: Fake) -> None:
    data = cli.folder / "tenterhook-data"
    data.mkdir()
    (data / "admin-token").write_text("secret-token\n")
    (data / "server.json").write_text(json.dumps({"url": fake.url, "pid": 1}))
    fake.script = [(200, {}, b"[]")]
    assert cli.run("hooks", "list").returncode == 0
    assert fake.asked[0][2]["Authorization"] == "SSWS secret-token"


@pytest.mark.parametrize("url", ["ftp://x", "nonsense", "http://", "http://x:99999", "http://[::1"])
def test_what_is_no_url_is_wrong_usage(cli: CommandLine, url: str) -> None:
    done = cli.run("hooks", "list", "--url", url, "--token", "t")
    assert done.returncode == 2
    assert "is not the URL of a server" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_is_shown_with_each_cause_and_what_to_do(cli: CommandLine, fake: Fake) -> None:
    body = error("E0000001", "Api validation failed: eventHook", "name: is missing", "uri: must be https")
    fake.script = [(400, {}, body)]
    done = cli.run("hooks", "verify", "who" + "a" * 17, "--url", fake.url, "--token", "t")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "tenterhook: name: is missing",
        "tenterhook: uri: must be https",
        "tenterhook: (400 E0000001: Api validation failed: eventHook)",
    ]


def test_with_json_an_error_is_the_apis_error_object_on_standard_error(cli: CommandLine, fake: Fake) -> None:
    body = error("E0000001", "Api validation failed: eventHook", "name: is missing")
    fake.script = [(400, {}, body)]
    done = cli.run("hooks", "list", "--json", "--url", fake.url, "--token", "t")
    assert done.returncode == 1
    assert done.stdout == ""
    assert json.loads(done.stderr) == json.loads(body)
    done = cli.run("hooks", "list", "--json", "--url", "http://127.0.0.1:1", "--token", "t")
    assert "No server at" in json.loads(done.stderr)["errorSummary"]


def test_a_refused_token_is_said_with_what_to_do(cli: CommandLine, fake: Fake) -> None:
    fake.script = [(401, {}, error("E0000011", "Invalid token provided"))]
    done = cli.run("tokens", "list", "--url", fake.url, "--token", "t")
    assert "Invalid token provided" in done.stderr
    assert "TENTERHOOK_TOKEN" in done.stderr


def test_control_characters_of_an_answer_are_inert(cli: CommandLine, fake: Fake) -> None:
    fake.script = [(400, {}, error("E1", "\x1b[2Jboo", "\x9b31m\u202e"))]
    done = cli.run("tokens", "list", "--url", fake.url, "--token", "t")
    assert "\\x1b[2Jboo" in done.stderr
    assert "\\x9b31m\\u202e" in done.stderr


@pytest.mark.parametrize("content", [b"<html>", b'"text"', b"["])
def test_a_server_that_is_no_tenterhook_is_named(cli: CommandLine, fake: Fake, content: bytes) -> None:
    fake.script = [(200, {}, content)]
    done = cli.run("logs", "--url", fake.url, "--token", "t")
    assert done.returncode == 1
    assert "is it a Tenterhook?" in done.stderr


def test_publish_waits_as_it_is_told_and_goes_on(cli: CommandLine, fake: Fake) -> None:
    busy = error("E0000010", "Service is in read only mode")
    fake.script = [(429, {"Retry-After": "0"}, busy), (503, {"Retry-After": "0"}, busy), (200, {}, OK)]
    done = cli.run("publish", "-", "--url", fake.url, "--token", "t", stdin=b'{"eventType":"user.session.start"}\n')
    assert done.returncode == 0, done.stderr
    assert done.stdout == "published 1 event\n"
    assert len({body for *_, body in fake.asked}) == 1


def test_publish_gives_up_in_the_end(cli: CommandLine, fake: Fake) -> None:
    fake.script = [(503, {"Retry-After": "0"}, error("E0000010", "Service is in read only mode"))] * 20
    done = cli.run("publish", "-", "--url", fake.url, "--token", "t", stdin=b'{"eventType":"a"}\n')
    assert done.returncode == 1
    assert len(fake.asked) == 8
    assert "Nothing was published" in done.stderr


def test_errors_of_a_batch_are_told_by_line(cli: CommandLine, fake: Fake, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b'{"eventType":"a"}\n\n{"eventType":"b"}\n')
    fake.script = [(400, {}, error("E0000001", "Api validation failed: logEvent", "events[1].eventType: is odd"))]
    done = cli.run("publish", str(file), "--url", fake.url, "--token", "t")
    assert done.returncode == 1
    assert done.stderr.startswith("tenterhook: line 3: eventType: is odd\n")
    assert "Nothing of lines 1 to 3 was stored." in done.stderr


def test_the_next_link_is_followed_on_the_address_that_was_reached(cli: CommandLine, fake: Fake) -> None:
    link = '<http://other.example/api/v1/logs?after=x>; rel="next"'
    fake.script = [(200, {"Link": link}, b'[{"uuid":"b"}]'), (200, {}, b'[{"uuid":"a"}]')]
    done = cli.run("logs", "--json", "--url", fake.url, "--token", "t")
    assert [event["uuid"] for event in json.loads(done.stdout)] == ["a", "b"]
    assert fake.asked[1][1] == "/api/v1/logs?after=x"


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["hooks", "show"], ["logs", "--limit", "0"]])
def test_wrong_usage_exits_2(cli: CommandLine, arguments: list[str]) -> None:
    assert cli.run(*arguments).returncode == 2


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [("--dveelop", "(Possible options: --dev)"), ("--hots", "(Possible options: --host)"), ("--zzz", "")],
)
def test_a_mistyped_option_is_answered_with_a_close_one_or_none(cli: CommandLine, typed: str, suggested: str) -> None:
    done = cli.run("serve", typed)
    assert done.returncode == 2
    assert done.stderr.rstrip().endswith(f"No such option: {typed} {suggested}".rstrip())


@pytest.mark.parametrize(
    "arguments",
    [
        ["tokens", "create", "x", "--role", "FOO"],
        ["tokens", "create", "x", "--expires", "tomorrow"],
        ["deliveries", "list", "x", "--status", "FOO"],
        ["hooks", "create", "--name", "x", "--uri", "https://x.example/", "--event", "a", "--retry", "FOO"],
    ],
    ids=lambda arguments: arguments[-2],
)
def test_a_value_that_no_option_has_is_wrong_usage(cli: CommandLine, arguments: list[str]) -> None:
    done = cli.run(*arguments, "--token", "t", "--url", "http://127.0.0.1:1")
    assert done.returncode == 2
    assert arguments[-1] in done.stderr


def test_a_value_that_the_server_refuses_is_wrong_usage(cli: CommandLine, fake: Fake) -> None:
    fake.script = [(400, {}, error("E0000001", "Api validation failed: apiToken", "expires: must be in the future"))]
    done = cli.run("tokens", "create", "x", "--expires", "2020-01-01", "--url", fake.url, "--token", "t")
    assert done.returncode == 2
    assert json.loads(fake.asked[0][3])["expires"] == "2020-01-01T00:00:00.000Z"


@pytest.mark.parametrize("path", ["/api/v1", "/console"])
def test_a_path_in_the_url_that_leads_nowhere_is_told_to_be_left_out(cli: CommandLine, fake: Fake, path: str) -> None:
    fake.script = [(404, {}, error("E0000008", "The requested path was not found"))]
    done = cli.run("hooks", "list", "--url", fake.url + path, "--token", "t")
    assert f"--url (TENTERHOOK_URL) is the server's root, without a path: {fake.url}\n" in done.stderr
    fake.script = [(404, {}, error("E0000007", "Not found: Resource not found: who1 (Webhook)"))]
    assert (
        "root" not in cli.run("hooks", "show", "who12345678901234567", "--url", fake.url + "/x", "--token", "t").stderr
    )
    fake.script = [(404, {}, error("E0000008", "The requested path was not found"))]
    assert "root" not in cli.run("hooks", "list", "--url", fake.url, "--token", "t").stderr


def test_every_command_has_a_summary_that_help_does_not_cut(cli: CommandLine) -> None:
    for arguments in (
        [],
        ["hooks"],
        ["hooks", "filter"],
        ["deliveries"],
        ["event-types"],
        ["inline"],
        ["hook-keys"],
        ["tokens"],
        ["admins"],
        ["orgs"],
    ):
        done = cli.run(*arguments, "-h", COLUMNS="80")
        assert done.returncode == 0
        assert "..." not in done.stdout.replace("[ARGS]...", "")


def test_a_time_that_is_none_is_wrong_usage(cli: CommandLine) -> None:
    done = cli.run("logs", "--since", "yesterday", "--token", "t", "--url", "http://127.0.0.1:1")
    assert done.returncode == 2
    assert "write 2026-01-31T12:00:00Z" in done.stderr


def test_help_needs_none_of_the_heavy_libraries(cli: CommandLine) -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.argv = ['tenterhook', '--help']\n"
        "from tenterhook.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'httpx2', 'uvicorn', 'fastapi', 'sqlalchemy', 'pydantic', 'cryptography', 'rich.console'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_given_token_does_not_go_to_an_address_that_only_a_file_names(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text(json.dumps({"url": "https://stranger.example", "pid": os.getpid()}))
    (tmp_path / "server.json").chmod(0o600)
    assert connect(None, "00given", tmp_path).url == DEFAULT_URL
    (tmp_path / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:19555", "pid": os.getpid()}))
    assert connect(None, "00given", tmp_path).url == "http://127.0.0.1:19555"
    (tmp_path / "server.json").chmod(0o666)
    assert connect(None, "00given", tmp_path).url == DEFAULT_URL


def test_the_admin_token_does_not_go_to_whoever_is_at_the_default_address(cli: CommandLine) -> None:
    data = cli.folder / "tenterhook-data"
    data.mkdir()
    (data / "admin-token").write_text("secret-token\n")
    done = cli.run("hooks", "list")
    assert done.returncode == 1
    assert "No server is running on tenterhook-data: start one with `tenterhook serve`, or say where" in done.stderr


def test_the_admin_token_goes_to_an_address_of_this_machine_that_is_named(cli: CommandLine, fake: Fake) -> None:
    data = cli.folder / "tenterhook-data"
    data.mkdir()
    (data / "admin-token").write_text("secret-token\n")
    fake.script = [(200, {}, b"[]")]
    assert cli.run("hooks", "list", TENTERHOOK_URL=fake.url).returncode == 0
    assert fake.asked[0][2]["Authorization"] == "SSWS secret-token"


@pytest.mark.parametrize(
    ("scope", "advice"),
    [
        ("okta.eventHooks.read", "Ask a super admin for a token that may do this."),
        ("tenterhook.admins.manage", "Ask a super admin."),
    ],
)
def test_what_a_token_lacks_is_told_with_whom_to_ask(cli: CommandLine, fake: Fake, scope: str, advice: str) -> None:
    cause = f"This call needs {scope}; this caller has okta.logs.read."
    fake.script = [(403, {}, error("E0000006", "You do not have permission", cause))]
    done = cli.run("hooks", "list", "--url", fake.url, "--token", "t")
    assert done.stderr.splitlines()[:2] == [f"tenterhook: {cause}", f"tenterhook: {advice}"]


def test_a_summary_that_spells_out_its_causes_is_not_printed_beside_them(cli: CommandLine, fake: Fake) -> None:
    fake.script = [(400, {}, error("E0000001", "Api validation failed: 'q': is too long", "q: is too long"))]
    done = cli.run("logs", "--q", "x", "--url", fake.url, "--token", "t")
    assert done.stderr.splitlines() == ["tenterhook: q: is too long", "tenterhook: (400 E0000001)"]


def test_a_name_that_is_taken_is_no_wrong_usage(cli: CommandLine, fake: Fake) -> None:
    cause = "name: An event hook with this name already exists."
    fake.script = [(400, {}, error("E0000001", "Api validation failed: eventHook", cause))]
    arguments = ("--name", "x", "--uri", "https://svc.example.com/", "--event", "user.session.start")
    assert cli.run("hooks", "create", *arguments, "--url", fake.url, "--token", "t").returncode == 1


HELD = {"id": "d", "eventId": "d", "status": "HELD", "holdReason": "QUOTA", "nextAttempt": "2026-01-02T00:00:00.000Z"}
BY_QUOTA = "held by the quota TENTERHOOK_LIMIT_EVENTS_PER_24H until 2026-01-02T00:00:00.000Z; see `tenterhook limits`"


def test_a_delivery_that_the_quota_holds_says_so_and_until_when(cli: CommandLine, fake: Fake) -> None:
    where = ("--url", fake.url, "--token", "t")
    fake.script = [(200, {}, json.dumps(HELD).encode()), (200, {}, json.dumps([HELD]).encode())]
    assert f"HELD ({BY_QUOTA})" in cli.run("deliveries", "show", "d", *where).stdout
    assert f"1 {BY_QUOTA}." in cli.run("deliveries", "list", "who" + "a" * 17, *where).stderr


@pytest.mark.parametrize("option", ["--name", "--uri", "--event", "--header", "--auth-header", "--secret-file"])
def test_the_options_of_a_hook_do_not_go_beside_its_file(cli: CommandLine, option: str) -> None:
    done = cli.run("hooks", "create", "--file", "z.json", option, "x", "--token", "t")
    assert done.returncode == 2
    assert f"--file has the whole hook: leave {option} out" in done.stderr


@pytest.mark.parametrize(
    ("summary", "hint"),
    [
        ("Invalid filter 'a': Unrecognized attribute operator 'x' at position 1. Expected: eq", "ne and ew work"),
        ("field is not valid: eventTpe", "Did you mean eventType?"),
        ("The supplied combination. Operator: gt, Field: published", "searched with --since and --until"),
    ],
)
def test_what_okta_says_of_a_filter_gets_a_hint(cli: CommandLine, fake: Fake, summary: str, hint: str) -> None:
    fake.script = [(400, {}, error("E0000053", summary))]
    done = cli.run("logs", "--filter", "x", "--url", fake.url, "--token", "t")
    assert done.returncode == 2
    assert hint in done.stderr


def test_errors_of_an_array_are_told_by_its_elements(cli: CommandLine, fake: Fake) -> None:
    fake.script = [(400, {}, error("E0000001", "Api validation failed: logEvent", "events[1].eventType: is odd"))]
    raw = b'[{"eventType":"a"},{"eventType":"b"}]'
    done = cli.run("publish", "-", "--url", fake.url, "--token", "t", stdin=raw)
    assert done.stderr.startswith("tenterhook: line 1, event 2 of the array: eventType: is odd\n")
    assert "Nothing of events 1 to 2 of the array was stored." in done.stderr


def test_a_search_says_that_it_found_nothing_or_more(cli: CommandLine, fake: Fake) -> None:
    where = ("--url", fake.url, "--token", "t")
    fake.script = [(200, {}, b"[]"), (200, {}, b'[{"uuid":"a"},{"uuid":"b"}]'), (200, {}, b'[{"uuid":"a"}]')]
    assert cli.run("logs", *where).stderr.startswith("No event matches.")
    cut = cli.run("logs", "--limit", "1", *where)
    assert (len(cut.stdout.splitlines()), "There are more: these are the newest 1." in cut.stderr) == (1, True)
    assert cli.run("logs", "--limit", "1", *where).stderr == ""
