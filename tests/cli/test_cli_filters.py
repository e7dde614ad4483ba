"""`hooks filter` and `hooks create --filter` against a real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from command_line import CommandLine, lines_of

CREATE = "user.lifecycle.create"
FAILED = "event.outcome.result eq 'FAILURE'"


@pytest.fixture
def hook(served: CommandLine) -> Iterator[str]:
    """The id of a hook with a filter that is deleted afterwards."""
    made = served.json(
        *("hooks", "create", "--name", f"filtered {uuid.uuid4()}", "--uri", "https://svc.example.com/in"),
        *("--event", CREATE, "--event", "user.lifecycle.activate", "--filter", f"{CREATE}={FAILED}"),
    )
    yield made["id"]
    served.json("hooks", "deactivate", made["id"])
    served.json("hooks", "delete", made["id"])


def publish(served: CommandLine, result: str, event_type: str = CREATE) -> None:
    event = {"uuid": str(uuid.uuid4()), "eventType": event_type, "outcome": {"result": result}}
    assert served.json("publish", "-", stdin=lines_of([event]))["accepted"] == 1


def test_a_hook_is_made_with_a_filter_and_shows_it(served: CommandLine, hook: str) -> None:
    (entry,) = served.json("hooks", "show", hook)["events"]["filter"]["eventFilterMap"]
    assert entry == {"event": CREATE, "condition": {"expression": FAILED, "version": None}}
    assert f"{CREATE} if {FAILED}" in served.run("hooks", "show", hook).stdout


def test_a_filter_is_tried_on_the_log(served: CommandLine, hook: str) -> None:
    publish(served, "SUCCESS")
    publish(served, "FAILURE")
    said = served.run("hooks", "filter", "test", hook, "--last", "2").stdout.splitlines()
    assert said[0] == "1 of 2 events matched."
    assert "event.outcome.result is 'SUCCESS', not 'FAILURE'." in said[1]
    assert "The filter matched." in said[2]


def test_an_expression_is_tried_before_it_is_saved(served: CommandLine, hook: str) -> None:
    publish(served, "SUCCESS")
    command = ("hooks", "filter", "test", hook, "--last", "1", "--event", CREATE, "--expression")
    assert served.json(*command, "event.outcome.result eq 'SUCCESS'")["matched"] == 1
    said = served.run(*command, "event.outcome.reason.contains('x')").stdout
    assert said.startswith("0 of 1 event matched; the filter failed on 1.")


def test_an_expression_that_cannot_be_read_is_told_with_its_column(served: CommandLine, hook: str) -> None:
    done = served.run("hooks", "filter", "test", hook, "--event", CREATE, "--expression", "event.actor.id eq")
    assert done.returncode == 2
    assert "unexpected end at column 18; expected a text in single quotes" in done.stderr


@pytest.mark.parametrize("options", [("--event", CREATE), ("--expression", FAILED)])
def test_an_expression_and_its_event_type_go_together(served: CommandLine, options: tuple[str, str]) -> None:
    done = served.run("hooks", "filter", "test", "who", *options)
    assert done.returncode == 2
    assert "Give --expression and --event together" in done.stderr


def test_a_filter_option_without_its_type_is_wrong_usage(served: CommandLine) -> None:
    made = ("hooks", "create", "--name", "x", "--uri", "https://a.example", "--event", CREATE)
    done = served.run(*made, "--filter", "event.actor.id ne null")
    assert done.returncode == 2
    assert "has no =: write it as 'TYPE=EXPRESSION'" in done.stderr
    for expression in ("event.actor.type == 'User'", "event.actor.type!='User'", "(event.actor.id)==null"):
        done = served.run(*made, "--filter", expression)
        assert done.returncode == 2
        assert "does not begin with an event type and =: write it as 'TYPE=EXPRESSION'" in done.stderr


def test_a_type_that_nobody_knows_is_refused_with_the_closest_one(served: CommandLine, hook: str) -> None:
    done = served.run("hooks", "filter", "test", hook, "--event", "user.lifecycle.creat", "--expression", FAILED)
    assert done.returncode == 2
    assert f"is no known event type; did you mean '{CREATE}'?" in done.stderr


def test_an_expression_is_tried_on_events_of_its_type_alone(served: CommandLine, hook: str) -> None:
    publish(served, "FAILURE", "user.session.end")
    publish(served, "FAILURE")
    command = ("hooks", "filter", "test", hook, "--event", "user.session.end", "--expression", FAILED)
    found = served.json(*command, "--last", "1")
    assert [event["eventType"] for event in found["events"]] == ["user.session.end"]
    assert found["events"][0]["reason"].endswith("The hook does not ask for user.session.end yet.")


def test_a_preview_tells_what_the_filter_would_say(served: CommandLine, hook: str) -> None:
    command = ("hooks", "preview", hook, "--type")
    said = served.run(*command, CREATE).stderr
    assert "The hook's filter would not let this event through: The filter did not match: event.outcome.result" in said
    assert "filter" not in served.run(*command, "user.lifecycle.activate").stderr
    typo = served.run(*command, "user.lifecycle.creat")
    assert typo.returncode == 2
    assert f"did you mean '{CREATE}'?" in typo.stderr
