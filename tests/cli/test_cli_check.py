"""The doctor: what it finds, and what it leaves alone."""

from __future__ import annotations

import json
import os
import socket

from command_line import CommandLine


def findings(cli: CommandLine, *arguments: str, **variables: str) -> tuple[int, dict[str, tuple[str, str]]]:
    done = cli.run("check", "--json", *arguments, **variables)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, {one["check"]: (one["status"], one["message"]) for one in json.loads(done.stdout)}


def test_a_first_start_has_nothing_against_it_and_nothing_is_made(cli: CommandLine) -> None:
    code, found = findings(cli, "--port", "0")
    assert code == 0
    assert {status for status, _ in found.values()} <= {"ok", "warn"}
    assert found["durability"][0] == found["directory"][0] == "ok"
    assert list(cli.folder.iterdir()) == []


def test_after_a_stop_everything_is_well(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0") as server:
        server.url()
        server.stop()
    code, found = findings(cli, "--port", "0")
    assert code == 0
    assert found["database"] == ("ok", found["database"][1])
    assert found["secret-key"][0] == found["admin-token"][0] == "ok"


def test_a_secret_open_to_others_fails_and_a_directory_is_warned_of(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0") as server:
        server.url()
        server.stop()
    (cli.folder / "tenterhook-data").chmod(0o755)
    (cli.folder / "tenterhook-data" / "secret-key").chmod(0o644)
    code, found = findings(cli, "--port", "0")
    assert code == 1
    assert found["directory"][0] == "warn"
    assert "chmod 700" in found["directory"][1]
    assert found["secret-key"][0] == "fail"
    assert "chmod 600" in found["secret-key"][1]
    (cli.folder / "tenterhook-data").chmod(0o777)
    assert findings(cli, "--port", "0")[1]["directory"][0] == "fail"


def test_a_lost_key_file_fails(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0") as server:
        server.url()
        server.stop()
    (cli.folder / "tenterhook-data" / "secret-key").unlink()
    code, found = findings(cli, "--port", "0")
    assert code == 1
    assert found["key file"][0] == "fail"


def test_wrong_settings_fail_one_line_each(cli: CommandLine) -> None:
    done = cli.run("check", TENTERHOOK_PORT="x", TENTERHOOK_PROFILE="y")
    assert done.returncode == 2
    assert done.stdout.count("fail ") == 2


def test_settings_that_are_no_defaults_are_listed_with_where_they_came_from(cli: CommandLine) -> None:
    (cli.folder / "my.toml").write_text("delivery_max_concurrency = 3\n")
    token = "a-token-that-nobody-may-see"
    variables = {"TENTERHOOK_EGRESS_ALLOW": "10.0.0.0/8", "TENTERHOOK_BOOTSTRAP_TOKEN": token}
    said = cli.run("check", "--port", "0", "--config", "my.toml", **variables).stdout
    assert "port = 0, from --port" in said
    assert "delivery_max_concurrency = 3, from my.toml: delivery_max_concurrency" in said
    assert "egress_allow = 10.0.0.0/8, from TENTERHOOK_EGRESS_ALLOW" in said
    assert "bootstrap_token = (secret), from TENTERHOOK_BOOTSTRAP_TOKEN" in said
    assert token not in said
    assert "log_level" not in said


def test_a_running_server_is_asked_for_its_own_mode(cli: CommandLine) -> None:
    with cli.start("serve", "--port", "0", "--dev") as server:
        server.url()
        _, found = findings(cli, "--port", "0")
        assert "in development mode" in found["server"][1]
        assert found["egress"][0] == "warn"
    with cli.start("serve", "--port", "0") as server:
        server.url()
        _, found = findings(cli, "--port", "0", TENTERHOOK_DEV="1")
        assert found["egress"][0] == "ok"


def test_a_taken_port_fails(cli: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, found = findings(cli, "--port", str(taken.getsockname()[1]))
    assert code == 1
    assert found["port"][0] == "fail"


def test_a_directory_that_cannot_be_used_fails(cli: CommandLine) -> None:
    (cli.folder / "file").write_text("")
    code, found = findings(cli, "--port", "0", "--data", "file/data")
    assert code == 1
    assert found["directory"][0] == "fail"


def test_wide_egress_rules_and_development_mode_are_warned_of(cli: CommandLine) -> None:
    _, found = findings(cli, "--port", "0", TENTERHOOK_EGRESS_ALLOW="10.0.0.0/8:9000")
    assert found["egress"][0] == "ok"
    _, found = findings(cli, "--port", "0", TENTERHOOK_DEV="1")
    assert found["egress"][0] == "warn"


def test_a_clock_that_was_set_back_is_warned_of(cli: CommandLine) -> None:
    data = cli.folder / "tenterhook-data"
    data.mkdir(mode=0o700)
    (data / "admin-token").touch(mode=0o600)
    os.utime(data / "admin-token", (4e9, 4e9))
    _, found = findings(cli, "--port", "0")
    assert found["clock"][0] == "warn"


def test_a_left_over_server_file_does_not_pass_for_a_server(cli: CommandLine) -> None:
    data = cli.folder / "tenterhook-data"
    data.mkdir(mode=0o700)
    (data / "server.json").write_text('{"url": "http://127.0.0.1:1", "pid": 1}')
    _, found = findings(cli, "--port", "0")
    assert found["server"][1].startswith("none is running")
