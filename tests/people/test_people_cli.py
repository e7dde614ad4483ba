"""`tenterhook admins`, `orgs`, `tokens` and `sign-in` against a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CommandLine, lines_of

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line beside a running server, which it finds by the data directory."""
    here = CommandLine(tmp_path_factory.mktemp("served"))
    with here.start("serve", "--port", "0", "--dev") as server:
        server.url()
        yield here


def test_an_admin_is_appointed_signs_in_is_changed_and_dismissed(served: CommandLine) -> None:
    made = served.run(
        "admins", "create", "alice", "--role", "hooks_admin", "--password-stdin", stdin=PASSWORD.encode() + b"\n"
    )
    assert made.returncode == 0, made.stderr
    assert "HOOKS_ADMIN" in made.stdout
    assert PASSWORD not in made.stdout + made.stderr
    signed = served.run("sign-in", "alice", "--password-stdin", stdin=PASSWORD.encode())
    assert signed.returncode == 0, signed.stderr
    token = signed.stdout.strip()
    assert "alice (HOOKS_ADMIN)" in signed.stderr
    assert served.run("hooks", "list", "--token", token).returncode == 0
    refused = served.run("admins", "list", "--token", token)
    assert refused.returncode == 1
    assert "permission" in refused.stderr
    changed = served.json("admins", "change", "alice", "--role", "READ_ONLY_ADMIN", "--name", "Alice")
    assert (changed["role"], changed["name"], changed["passwordSet"]) == ("READ_ONLY_ADMIN", "Alice", True)
    assert served.run("hooks", "list", "--token", token).returncode == 1
    shown = served.json("admins", "show", "alice")
    assert shown["lastSignIn"]
    assert served.json("admins", "show", shown["id"]) == shown
    asked = served.run("admins", "delete", "alice")
    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    assert served.run("admins", "delete", "alice", "--yes").returncode == 0
    gone = served.run("admins", "show", "alice")
    assert gone.returncode == 1
    assert "admins list" in gone.stderr


def test_a_link_signs_in_once_and_prints_what_a_shell_can_read(served: CommandLine) -> None:
    served.json("admins", "create", "bob", "--role", "SUPER_ADMIN", "--name", "Bob")
    listed = served.run("admins", "list")
    assert "bob" in listed.stdout
    link = served.run("admins", "sign-in-link", "bob")
    assert "once" in link.stderr
    used = served.run("sign-in", "--link", "--password-stdin", "--export", stdin=link.stdout.encode())
    assert used.returncode == 0, used.stderr
    name, _, token = used.stdout.strip().partition("=")
    assert name == "export TENTERHOOK_TOKEN"
    assert served.run("admins", "list", TENTERHOOK_TOKEN=token).returncode == 0
    again = served.run("sign-in", "--link", "--password-stdin", stdin=link.stdout.encode())
    assert again.returncode == 1
    assert "was used" in again.stderr


def test_a_wrong_password_is_told_in_words_and_none_is_ever_an_argument(served: CommandLine) -> None:
    wrong = served.run("sign-in", "nobody", "--password-stdin", stdin=b"whatever it was")
    assert wrong.returncode == 1
    assert "wrong" in wrong.stderr
    assert "--token" not in wrong.stderr
    silent = served.run("sign-in", "nobody")
    assert silent.returncode == 2
    assert "terminal" in silent.stderr
    empty = served.run("sign-in", "nobody", "--password-stdin")
    assert empty.returncode == 2
    short = served.run("admins", "create", "x", "--role", "PUBLISHER", "--password-stdin", stdin=b"short")
    assert short.returncode == 2
    assert "12 characters" in short.stderr
    for command in (
        ("admins", "create", "x", "--role", "GOD"),
        ("admins", "change", "admin"),
        ("sign-in", "a", "--link"),
    ):
        assert served.run(*command).returncode == 2, command


def test_the_last_super_admin_stays(served: CommandLine) -> None:
    org = served.json("orgs", "create", "Alone")
    token = served.run("orgs", "token", org["id"], "its own").stdout.strip()
    refused = served.run("admins", "delete", "admin", "--yes", "--token", token)
    assert refused.returncode == 1
    assert "last super admin" in refused.stderr


def test_an_org_is_founded_and_published_into(served: CommandLine, tmp_path: Path) -> None:
    org = served.json("orgs", "create", "Acme")
    assert org["admin"]["role"] == "SUPER_ADMIN"
    assert "Acme" in served.run("orgs", "list").stdout
    assert org["admin"]["id"] in served.run("orgs", "show", org["id"]).stdout
    taken = served.run("orgs", "create", "Acme")
    assert taken.returncode == 1
    assert "already exists" in taken.stderr
    events = tmp_path / "events.ndjson"
    events.write_bytes(lines_of([{"eventType": "user.lifecycle.create"}] * 3))
    done = served.run("publish", str(events), "--org", org["id"])
    assert done.returncode == 0, done.stderr
    reader = served.run("orgs", "token", org["id"], "reader", "--scope", "okta.logs.read").stdout.strip()
    found = served.run("logs", "--filter", 'eventType eq "user.lifecycle.create"', "--json", "--token", reader)
    assert len(json.loads(found.stdout)) == 3
    unknown = served.run("publish", str(events), "--org", "00oaaaaaaaaaaaaaaaaa")
    assert unknown.returncode == 1
    assert "orgs list" in unknown.stderr
    odd = served.run("publish", str(events), "--org", "a\r\nb")
    assert (odd.returncode, "No org has the id or the name" in odd.stderr) == (1, True)


def test_a_token_has_scopes_an_end_and_a_last_use(served: CommandLine) -> None:
    made = served.json(
        "tokens",
        "create",
        "collector",
        "--scope",
        "okta.logs.read",
        "--scope",
        "okta.eventHooks.read",
        "--expires",
        "30d",
    )
    assert made["scopes"] == ["okta.logs.read", "okta.eventHooks.read"]
    assert made["expires"]
    assert served.run("logs", "--token", made["token"]).returncode == 0
    listed = served.run("tokens", "list").stdout
    (line,) = [line for line in listed.splitlines() if "collector" in line]
    assert "okta.logs.read,okta.eventHooks.read" in line
    assert "LAST USED" in listed
    (one,) = [one for one in served.json("tokens", "list") if one["name"] == "collector"]
    assert one["lastUsed"]
    unknown = served.run("tokens", "create", "x", "--scope", "okta.everything")
    assert unknown.returncode == 2
    assert "no scope" in unknown.stderr
    assert served.run("tokens", "create", "x", "--scope", "okta.logs.read", "--role", "PUBLISHER").returncode == 2
    for role in ("HOOKS_ADMIN", "READ_ONLY_ADMIN"):
        assert served.json("tokens", "create", "x", "--role", role)["role"] == role


def test_an_org_is_named_and_what_to_do_next_is_told(served: CommandLine) -> None:
    made = served.run("orgs", "create", "Named org")
    assert "Next: tenterhook orgs token 00o" in made.stderr
    assert "Named org" in served.run("orgs", "show", "Named org").stdout
    token = served.run("orgs", "token", "Named org", "reader", "--role", "super_admin").stdout.strip()
    event = lines_of([{"eventType": "user.session.end"}])
    assert served.run("publish", "-", "--org", "Named org", stdin=event).returncode == 0
    found = served.json("logs", "--filter", 'eventType eq "user.session.end"', "--token", token)
    assert len(found) == 1
    assert "No org has the id or the name" in served.run("orgs", "show", "Nobody").stderr


def test_tokens_are_listed_with_their_owners(served: CommandLine) -> None:
    made = served.json("tokens", "create", "owned")
    [line] = [one for one in served.run("tokens", "list").stdout.splitlines() if made["id"] in one]
    assert line.split()[1:3] == ["SUPER_ADMIN", "admin"]
