"""`tenterhook limits`."""

from __future__ import annotations

from pathlib import Path

from command_line import CommandLine, lines_of


def test_limits_show_used_limit_share_and_reset(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    with cli.start("serve", "--port", "0", "--dev", TENTERHOOK_PROFILE="okta-2021") as server:
        server.url()
        assert cli.json("publish", "-", stdin=lines_of([{"eventType": "a.b"}]))["accepted"] == 1
        found = {one["name"]: one for one in cli.json("limits")}
        assert (found["eventsTriggeringHooks"]["limit"], found["eventHooks"]["limit"]) == (100_000, 10)
        assert found["managementCalls"]["used"] == 1
        shown = cli.run("limits")
    assert shown.returncode == 0, shown.stderr
    lines = {line.split()[0]: line for line in shown.stdout.splitlines()}
    assert lines["LIMIT"].split() == ["LIMIT", "USED", "OF", "RESET", "WHAT"]
    assert lines["eventsTriggeringHooks"].split()[1:6] == ["0", "100,000", "events", "." * 10, "0%"]
    assert lines["managementCalls"].split()[1:6] == ["2", "1,200", "calls", "#.........", "0%"]
    assert lines["publishBody"].split()[1:4] == ["-", "8,388,608", "bytes"]


def test_a_limit_that_is_not_there_is_unlimited(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    with cli.start("serve", "--port", "0", "--dev") as server:
        server.url()
        shown = cli.run("limits").stdout
    [line] = [line for line in shown.splitlines() if line.startswith("eventHooks")]
    assert line.split()[1:4] == ["0", "unlimited", "hooks"]
