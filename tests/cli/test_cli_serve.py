"""`tenterhook serve`: it says where it is, stops in order, and gives advice instead of tracebacks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from command_line import WAIT_S, CommandLine

#: As much of curl as the printed command needs, for machines that have none.
CURL = f"""#!{sys.executable}
import sys, urllib.request
given = [one for one in sys.argv[1:] if one not in ("-sS", "--noproxy", "*")]
headers, body, url = {{}}, None, given.pop()
while given:
    option, value = given.pop(0), given.pop(0)
    if option == "-H":
        headers.__setitem__(*value.split(": ", 1))
    else:
        body = value.encode()
sys.stdout.buffer.write(urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30).read())
"""


def path_with_curl(directory: Path) -> str:
    """Return a PATH on which there is a curl: the machine's own, if it has one."""
    path = os.environ["PATH"]
    if shutil.which("curl") is None:
        directory.mkdir()
        (directory / "curl").write_text(CURL)
        (directory / "curl").chmod(0o755)
        path = f"{directory}:{path}"
    return path


def test_the_printed_curl_publishes_an_event_when_pasted_in_any_directory(cli: CommandLine, tmp_path: Path) -> None:
    with cli.start("serve", "--port", "0", "--data", "it's here") as server:
        server.url()
        command = next(line for line in server.printed if "curl" in line)
        done = subprocess.run(
            ["/bin/sh", "-c", command.replace("curl ", "curl -sS --noproxy '*' ")],
            capture_output=True,
            cwd="/",
            env={**os.environ, "PATH": path_with_curl(tmp_path / "bin")},
            check=True,
            timeout=WAIT_S,
        )
        assert json.loads(done.stdout)["accepted"] == 1


def test_the_last_line_tells_the_address(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0") as server:
        url = server.url()
        assert server.stop() == 0
        assert server.printed[-1] == f"listening on {url}"


def test_each_start_prints_a_link_to_the_console_that_works_once(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0") as server:
        url = server.url()
        [line] = [one for one in server.printed if one.startswith("console: ")]
        assert line.startswith(f"console: {url}/console/sign-in?link=")
        assert line.endswith("  (works once, for 15 minutes)")
        link = line.split()[1].rpartition("link=")[2]
        for status in (200, 401):
            answer = httpx2.post(f"{url}/api/v1/sign-in", json={"link": link}, trust_env=False)
            assert answer.status_code == status


def test_the_log_begins_empty_and_a_start_adds_nothing_to_it(cli: CommandLine) -> None:
    for _ in range(2):
        with cli.start("serve", "--port", "0") as server:
            server.url()
            assert cli.json("logs", "--since", "1h") == []
            assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_exit_0_within_ten_seconds(cli: CommandLine, number: int) -> None:
    with cli.start("serve", "--port", "0") as server:
        server.url()
        began = time.monotonic()
        assert server.stop(number) == 0
        assert time.monotonic() - began < 10
        assert not any("Traceback" in line for line in server.errors)
        assert not (cli.folder / "tenterhook-data" / "server.json").exists()


def test_an_open_request_does_not_keep_it_from_stopping(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0") as server:
        port = int(server.url().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < 10


def test_a_second_signal_ends_it_at_once(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0") as server:
        port = int(server.url().rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
            server.process.send_signal(signal.SIGTERM)
            assert server.stop(signal.SIGINT) in (128 + signal.SIGINT, 128 + signal.SIGTERM)


def test_the_admin_token_is_for_its_owner_alone_and_lasts(cli: CommandLine) -> None:
    file = cli.folder / "tenterhook-data" / "admin-token"
    with cli.start("serve", "--port", "0") as server:
        server.url()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        token = file.read_text()
        server.stop()
    with cli.start("serve", "--port", "0") as server:
        server.url()
        assert file.read_text() == token
        assert cli.json("tokens", "list")


def test_with_json_it_prints_one_object(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0", "--json") as server:
        record = json.loads(server.wait_for("{"))
        assert record["url"].startswith("http://127.0.0.1:")
        assert (cli.folder / record["adminToken"]).exists()


def test_it_tells_that_development_mode_is_on(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0", "--dev") as server:
        server.url()
        server.stop()
        assert any("DEVELOPMENT MODE" in line for line in server.errors)


# ---- what the operator can mend: one line, exit 2 --------------------------------------------------------------------


def advice(cli: CommandLine, *arguments: str, **variables: str) -> str:
    """Return the one line that a start that cannot be says."""
    done = cli.run("serve", *arguments, **variables)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_a_second_process_on_the_same_directory_is_refused(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0") as server:
        server.url()
        assert "tenterhook-data" in advice(cli, "--port", "0")


def test_a_taken_port_is_named_and_nothing_is_made(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 is taken" in advice(cli, "--port", str(port))
    assert not (cli.folder / "tenterhook-data").exists()


def test_a_port_taken_by_the_same_server_is_told_as_that(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0") as server:
        url = server.url()
        said = advice(cli, "--dev", "--port", url.rpartition(":")[2])
        assert said.startswith("tenterhook: A Tenterhook on tenterhook-data is running already: ")
        assert f"is running already: {url} (process {server.process.pid})." in said
        assert "--port" not in said


@pytest.mark.parametrize(
    ("host", "told"), [("no-such-name.invalid", "this name has no address"), ("192.0.2.1", "no network interface")]
)
def test_a_host_that_is_not_ours_is_named(cli: CommandLine, host: str, told: str) -> None:
    assert told in advice(cli, "--host", host, "--port", "0")


def test_all_wrong_settings_are_told_at_once(cli: CommandLine) -> None:
    done = cli.run("serve", "--profile", "nonsense", TENTERHOOK_DEV="perhaps", TENTERHOOK_PROT="1")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("tenterhook: ") for line in lines)
    for word in ("--profile", "TENTERHOOK_DEV", "TENTERHOOK_PROT"):
        assert any(word in line for line in lines)


def test_a_directory_that_is_a_file_is_named(cli: CommandLine) -> None:
    (cli.folder / "file").write_text("")
    assert "file" in advice(cli, "--port", "0", "--data", "file")


def test_a_newer_schema_is_refused_with_advice(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0") as server:
        server.url()
        server.stop()
    with sqlite3.connect(cli.folder / "tenterhook-data" / "tenterhook.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "newer version" in advice(cli, "--port", "0")
    assert "newer" in cli.run("check", "--port", "0").stdout


def test_a_key_file_that_is_none_is_named(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0") as server:
        server.url()
        server.stop()
    (cli.folder / "tenterhook-data" / "secret-key").write_bytes(b"\xff\xfe")
    assert "secret-key" in advice(cli, "--port", "0")


def test_a_directory_without_the_right_to_write_is_named(cli: CommandLine) -> None:
    # /proc refuses even root.
    assert "Give this user the right to write" in advice(cli, "--port", "0", "--data", "/proc/tenterhook")
