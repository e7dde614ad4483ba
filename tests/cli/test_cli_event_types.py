"""`event-types` and `hooks preview` on a running server."""

from __future__ import annotations

import json

from command_line import CommandLine


def make_hook(cli: CommandLine, name: str, uri: str = "http://127.0.0.1:9009/in") -> str:
    made = cli.json("hooks", "create", "--name", name, "--uri", uri, "--event", "user.lifecycle.create")
    return str(made["id"])


def test_the_catalogue_is_listed_and_narrowed(served: CommandLine) -> None:
    assert len(served.json("event-types", "list", "--catalogue")) == 1178
    assert len(served.json("event-types", "list", "--eligible", "--catalogue")) == 264
    shown = served.run("event-types", "list", "--q", "user.lifecycle.create")
    assert shown.returncode == 0, shown.stderr
    assert "Create user" in shown.stdout
    nothing = served.run("event-types", "list", "--q", "nothing is like this")
    assert nothing.stdout == "No event type is like that.\n"
    assert served.run("event-types").stdout.count("\n") > 1178


def test_a_type_is_shown_with_its_sample(served: CommandLine) -> None:
    shown = served.run("event-types", "show", "user.session.start")
    assert "User signs in" in shown.stdout
    assert '"eventType": "user.session.start"' in shown.stdout
    missing = served.run("event-types", "show", "no.such")
    assert missing.returncode == 1
    assert "tenterhook event-types list" in missing.stderr


def test_a_type_of_ones_own_is_made_and_deleted(served: CommandLine) -> None:
    sample = json.dumps({"data": {"amount": 7}}).encode()
    made = served.json(
        "event-types", "create", "acme.order.paid", "--display-name", "Paid", "--sample", "-", stdin=sample
    )
    assert made["sample"]["data"] == {"amount": 7}
    assert [one["name"] for one in served.json("event-types", "list", "--custom")] == ["acme.order.paid"]
    again = served.run("event-types", "create", "acme.order.paid")
    assert again.returncode == 1
    assert "already exists" in again.stderr
    assert served.run("event-types", "delete", "acme.order.paid").stdout == "acme.order.paid is deleted\n"
    assert served.run("event-types", "delete", "acme.order.paid").returncode == 1


def test_a_preview_is_printed_readably_and_not_sent(served: CommandLine) -> None:
    hook = make_hook(served, "readable")
    shown = served.run("hooks", "preview", "readable")
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[0] == "POST http://127.0.0.1:9009/in"
    assert "User-Agent: Okta-Integrations" in lines
    assert '  "eventType": "com.okta.event_hook",' in lines
    assert hook in shown.stdout
    assert "Not sent. --deliver sends it." in shown.stderr
    other = served.run("hooks", "preview", hook, "--type", "group.lifecycle.create")
    assert "does not subscribe" in other.stderr


def test_a_delivered_preview_tells_what_came_of_it(served: CommandLine) -> None:
    with served.start("listen", "--port", "0") as receiver:
        make_hook(served, "delivered", receiver.url())
        event = json.dumps({"eventType": "user.lifecycle.create", "displayMessage": "edited"}).encode()
        told = served.json("hooks", "preview", "delivered", "--event", "-", "--deliver", stdin=event)
        assert told["delivered"]["outcome"] == "DELIVERED"
        receiver.wait_for("user.lifecycle.create")
        shown = served.run("hooks", "preview", "delivered", "--deliver")
        assert "\nanswer  20" in shown.stdout


def test_only_one_source_can_be_previewed(served: CommandLine) -> None:
    make_hook(served, "sources")
    both = served.run("hooks", "preview", "sources", "--type", "x", "--uuid", "y")
    assert both.returncode == 2
    assert "only one of" in both.stderr
    missing = served.run("hooks", "preview", "sources", "--uuid", "0b5e86a1-5d2c-4bd0-9e0e-6d0d0f3c7a10")
    assert missing.returncode == 1


def test_a_new_type_is_told_in_one_line(served: CommandLine) -> None:
    said = served.run("event-types", "create", "acme.order.refunded").stdout
    assert len(said.splitlines()) == 1
    assert "tenterhook event-types show acme.order.refunded" in said
    served.json("event-types", "delete", "acme.order.refunded")
