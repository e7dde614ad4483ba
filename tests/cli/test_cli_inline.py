"""`inline` and `hook-keys` on a running server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from command_line import CommandLine

from tenterhook.cli.inline import TYPES
from tenterhook.domain.inline.kind import KINDS

URI = "http://127.0.0.1:9009/ask"


def make(cli: CommandLine, name: str, *more: str, type: str = "token", stdin: bytes = b"") -> dict[str, Any]:
    arguments = ("inline", "create", "--name", name, "--type", type, "--uri", URI, *more)
    made: dict[str, Any] = cli.json(*arguments, stdin=stdin)
    return made


def refused(cli: CommandLine, *arguments: str) -> str:
    """Run a command that must end as wrong usage, and return what it says."""
    done = cli.run(*arguments)
    assert done.returncode == 2, done.stderr
    return done.stderr


def test_every_type_has_a_short_word() -> None:
    assert list(TYPES.values()) == list(KINDS)


def test_an_inline_hook_is_led_through_its_life(served: CommandLine) -> None:
    made = make(served, "life", "--header", "X-Source: cli", "--secret-file", "-", stdin=b"s3cret-value\n")
    assert made["channel"]["config"]["headers"] == [{"key": "X-Source", "value": "cli"}]
    shown = served.run("inline", "show", "life")
    assert made["id"] in shown.stdout
    assert "auth header:       Authorization" in shown.stdout
    assert "s3cret" not in shown.stdout
    changed = served.json("inline", "update", "life", "--uri", URI + "/2", "--name", "renamed")
    assert (changed["name"], changed["channel"]["config"]["uri"]) == ("renamed", URI + "/2")
    assert changed["channel"]["config"]["authScheme"] == {"type": "HEADER", "key": "Authorization"}
    again = served.run("inline", "delete", "renamed")
    assert again.returncode == 1
    assert "Deactivate it first." in again.stderr
    assert served.json("inline", "deactivate", "renamed")["status"] == "INACTIVE"
    assert served.json("inline", "activate", "renamed")["status"] == "ACTIVE"
    served.json("inline", "deactivate", made["id"])
    assert served.run("inline", "delete", "renamed").stdout == "renamed is deleted\n"
    gone = served.run("inline", "show", made["id"])
    assert gone.returncode == 1
    assert "`tenterhook inline list` shows what there is." in gone.stderr
    assert "tenterhook inline list" in served.run("inline", "show", "renamed").stderr


def test_inline_hooks_are_listed_and_narrowed_by_type(served: CommandLine) -> None:
    token, saml = make(served, "listed token"), make(served, "listed saml", type=TYPES["saml"])
    lines = served.run("inline", "list").stdout.splitlines()
    assert lines[0].split() == ["ID", "STATUS", "TYPE", "CHANNEL", "NAME", "URL"]
    assert [line.split()[1:4] for line in lines if saml["id"] in line] == [["ACTIVE", "saml", "HTTP"]]
    assert token["id"] in [one["id"] for one in served.json("inline", "list", "--type", "token")]
    assert [one["id"] for one in served.json("inline", "list", "--type", "saml")] == [saml["id"]]
    assert served.run("inline", "list", "--type", "import").stdout.startswith("No inline hooks yet.")
    assert "token, saml, registration" in refused(served, "inline", "list", "--type", "sms")


def test_an_oauth_channel_is_made_with_a_secret_or_a_key(served: CommandLine) -> None:
    oauth = ("--token-url", "http://127.0.0.1:9009/token", "--client-id", "tenterhook")
    posted = make(served, "posted", *oauth, "--secret-file", "-", "--scope", "a b", stdin=b"s3cret")
    assert posted["channel"]["type"] == "OAUTH"
    assert posted["channel"]["config"]["authType"] == "client_secret_post"
    assert posted["channel"]["config"]["scope"] == "a b"
    key = served.json("hook-keys", "create", "signs")
    signed = make(served, "signed", *oauth, "--hook-key", key["id"])
    assert signed["channel"]["config"]["hookKeyId"] == key["id"]
    shown = served.run("inline", "show", "signed").stdout
    assert f"hook key:          {key['id']}" in shown
    assert "token url:         http://127.0.0.1:9009/token" in shown
    renewed = served.run("inline", "update", "posted", "--secret-file", "-", stdin=b"new")
    assert renewed.returncode == 0, renewed.stderr
    wrong = served.run("inline", "update", "posted", "--secret-file", "-", "--auth-header", "X-A", stdin=b"new")
    assert "--auth-header is not for this hook" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("create", "--name", "x"), "Give --name, --type and --uri"),
        (("create", "--name", "x", "--file", "-"), "--file has the whole hook: leave --name out"),
        (("create", "--name", "x", "--type", "no", "--uri", URI), "'no' is no type of inline hook"),
        (("create", "--name", "x", "--type", "saml", "--uri", "nowhere"), "channel.config.uri: must begin with"),
        (("create", "--name", "x", "--type", "saml", "--uri", URI, "--scope", "a"), "--scope needs --token-url"),
        (
            ("create", "--name", "x", "--type", "saml", "--uri", URI, "--token-url", URI, "--auth-header", "X-A"),
            "--auth-header goes without --token-url",
        ),
        (("create", "--name", "x", "--type", "saml", "--uri", URI, "--token-url", URI), "or --hook-key, one of them"),
        (("update", "x"), "Nothing to change: give --name"),
        (("update", "x", "--name", "y", "--file", "-"), "--file has the whole hook: leave --name out"),
    ],
)
def test_wrong_usage_of_inline_is_told(served: CommandLine, arguments: tuple[str, ...], told: str) -> None:
    assert told in refused(served, "inline", *arguments)


def test_a_header_is_not_renamed_without_its_secret(served: CommandLine) -> None:
    make(served, "header")
    assert "--auth-header needs --secret-file" in refused(served, "inline", "update", "header", "--auth-header", "X-A")


def test_an_inline_hook_is_made_replaced_and_changed_from_json(served: CommandLine) -> None:
    channel = {"type": "HTTP", "version": "1.0.0", "config": {"uri": URI}}
    whole = {"name": "from a file", "type": TYPES["import"], "version": "1.0.2", "channel": channel}
    made = served.json("inline", "create", "--file", "-", stdin=json.dumps(whole).encode())
    assert (made["name"], made["version"]) == ("from a file", "1.0.2")
    whole["name"] = "replaced"
    replaced = served.json("inline", "replace", "from a file", "-", stdin=json.dumps(whole).encode())
    assert (replaced["id"], replaced["name"]) == (made["id"], "replaced")
    change = {"version": "1.0.0"}
    changed = served.json("inline", "update", "replaced", "--file", "-", stdin=json.dumps(change).encode())
    assert (changed["name"], changed["version"]) == ("replaced", "1.0.0")


def test_a_hook_key_is_led_through_its_life(served: CommandLine) -> None:
    key = served.json("hook-keys", "create", "first")
    taken = served.run("hook-keys", "create", "first")
    assert (taken.returncode, "already exists" in taken.stderr) == (1, True)
    public = json.loads(served.run("hook-keys", "public", "first").stdout)
    assert public == key["_embedded"]
    renamed = served.run("hook-keys", "rename", "first", "second").stdout
    assert "name:              second" in renamed
    assert key["keyId"] in served.run("hook-keys", "show", key["id"]).stdout
    lines = served.run("hook-keys", "list").stdout.splitlines()
    assert lines[0].split() == ["ID", "USED", "CREATED", "NAME"]
    assert [line.split()[1] for line in lines if key["id"] in line] == ["no"]
    assert served.run("hook-keys", "delete", "second").stdout == "second is deleted\n"
    assert "tenterhook hook-keys list" in served.run("hook-keys", "show", "second").stderr
    assert "`tenterhook hook-keys list` shows what there is." in served.run("hook-keys", "show", key["id"]).stderr
