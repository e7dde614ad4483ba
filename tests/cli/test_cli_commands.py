"""The client commands against a real server: one event's whole way, and every list, show and change."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from command_line import COMMAND, WAIT_S, CommandLine, Running, environment, lines_of


@pytest.fixture(scope="module")
def endpoint(served: CommandLine) -> Iterator[Running]:
    with served.start("listen", "--port", "0", "--secret", "s3cret") as receiver:
        receiver.address = receiver.url()  # type: ignore[attr-defined]
        yield receiver


@pytest.fixture
def hook(served: CommandLine, endpoint: Running) -> Iterator[str]:
    """The id of a verified hook that is deleted afterwards."""
    (served.folder / "secret").write_text("s3cret\n")
    made = served.json(
        *("hooks", "create", "--name", f"hook {uuid.uuid4()}", "--uri", endpoint.address),  # type: ignore[attr-defined]
        *("--event", "user.lifecycle.create", "--event", "user.session.start"),
        *("--secret-file", "secret", "--header", "X-Team: security", "--verify"),
    )
    assert made["verificationStatus"] == "VERIFIED"
    yield made["id"]
    if any(one["id"] == made["id"] for one in served.json("hooks", "list")):
        served.json("hooks", "deactivate", made["id"])
        served.json("hooks", "delete", made["id"])


def terminal() -> tuple[int, int]:
    """Return both ends of a pseudo-terminal; a bare chroot may have none."""
    try:
        return pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminal here ({error}): mount devpts on /dev/pts")


def publish(served: CommandLine, event_type: str = "user.lifecycle.create") -> str:
    identity = str(uuid.uuid4())
    event = {"uuid": identity, "eventType": event_type, "actor": {"id": "1", "type": "User", "displayName": "A\x1b[2J"}}
    assert served.json("publish", "-", stdin=lines_of([event]))["accepted"] == 1
    return identity


def delivered(served: CommandLine, endpoint: Running, hook: str) -> dict[str, object]:
    """Publish an event, wait until the receiver has it, and return its delivery once that is settled."""
    identity = publish(served)
    endpoint.wait_for("user.lifecycle.create")
    for _ in range(100):
        found = served.json("deliveries", "list", hook, "--status", "delivered")
        if found and identity in found[0]["events"]:
            return dict(found[0])
    raise AssertionError("the delivery is not settled")


def test_an_event_is_published_delivered_explained_and_found_in_the_log(
    served: CommandLine, endpoint: Running, hook: str
) -> None:
    delivery = delivered(served, endpoint, hook)
    (identity,) = delivery["events"]  # type: ignore[misc]
    explained = {one["hookId"]: one for one in served.json("explain", identity)}
    assert explained[hook]["matched"]
    assert [one["id"] for one in explained[hook]["deliveries"]] == [delivery["id"]]
    said = served.run("explain", identity).stdout
    first, summary, *rest = said.splitlines()
    assert first.startswith("user.lifecycle.create  A\\x1b[2J")
    assert "matched; deliveries: 1 DELIVERED." in summary
    assert ": matched: " in rest[0]
    assert "attempt 1" in said
    found = served.json("logs", "--filter", 'eventType eq "user.lifecycle.create"', "--since", "1h", "--limit", "5")
    assert identity in [event["uuid"] for event in found]


def test_the_event_id_that_a_receiver_knows_is_explained_as_that_delivery(
    served: CommandLine, endpoint: Running, hook: str
) -> None:
    delivery = delivered(served, endpoint, hook)
    done = served.run("explain", str(delivery["id"]))
    assert done.returncode == 0, done.stderr
    assert "No event has this id, but a delivery has." in done.stderr
    assert "attempt 1" in done.stdout
    assert served.json("explain", str(delivery["id"]))["events"] == delivery["events"]


def test_a_delivery_is_shown_with_its_attempts(served: CommandLine, endpoint: Running, hook: str) -> None:
    delivery = delivered(served, endpoint, hook)
    shown = served.run("deliveries", "show", str(delivery["id"])).stdout
    assert "DELIVERED" in shown
    assert "attempt 1" in shown
    assert "204 in" in shown
    assert "; queue " in shown
    assert str(delivery["id"]) in served.run("deliveries", "list", hook).stdout


def test_an_event_that_no_hook_asked_for_is_explained(served: CommandLine, hook: str) -> None:
    identity = publish(served, "user.session.end")
    assert f"{hook}" in (said := served.run("explain", identity).stdout)
    assert "did not match" in said


def test_a_slip_in_an_event_type_is_told_when_it_is_published_and_when_it_is_explained(served: CommandLine) -> None:
    event = {"uuid": "0198c2f4-5b1e-7c3a-9d42-6f0e8a1b2c01", "eventType": "user.lifecycle.creat"}
    slip = "'user.lifecycle.creat' is no known event type; did you mean 'user.lifecycle.create'?"
    done = served.run("publish", "-", stdin=lines_of([event, {"eventType": "user.lifecycle.creat"}]))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(slip) == 1
    assert slip in served.run("explain", event["uuid"]).stderr


def test_types_of_the_catalogue_and_of_one_s_own_are_published_without_a_word(served: CommandLine) -> None:
    assert served.run("event-types", "create", "acme.order.paid").returncode == 0
    events = [{"eventType": name} for name in ("acme.order.paid", "user.session.start")]
    done = served.run("publish", "--fresh", "-", stdin=lines_of(events))
    assert (done.returncode, done.stderr) == (0, "")
    slip = served.run("publish", "-", stdin=lines_of([{"eventType": "acme.order.payed"}])).stderr
    assert "did you mean 'acme.order.paid'?" in slip


def test_a_token_that_only_publishes_publishes_types_that_it_cannot_look_up(served: CommandLine) -> None:
    token = served.json("tokens", "create", "publisher", "--role", "publisher")["token"]
    done = served.run("publish", "-", "--token", token, stdin=lines_of([{"eventType": "acme.other.type"}]))
    assert (done.returncode, "is no known event type" in done.stderr) == (0, False)


def test_the_log_is_printed_inert_and_oldest_first(served: CommandLine) -> None:
    first, second = publish(served), publish(served)
    said = served.run("logs", "--limit", "50").stdout
    assert said.index(first) < said.index(second)
    assert "A\\x1b[2J" in said
    assert "\x1b" not in said


def test_more_events_than_a_page_are_all_found(served: CommandLine) -> None:
    events = [{"eventType": "user.mfa.okta_verify", "actor": {"id": str(n), "type": "User"}} for n in range(1200)]
    assert served.json("publish", "-", stdin=lines_of(events))["accepted"] == 1200
    arguments = ["logs", "--filter", 'eventType eq "user.mfa.okta_verify"', "--limit"]
    found = served.json(*arguments, "5000")
    assert [event["actor"]["id"] for event in found] == [str(n) for n in range(1200)]
    assert len(served.json(*arguments, "1100")) == 1100


def test_running_publish_again_publishes_nothing_twice(served: CommandLine) -> None:
    raw = lines_of([{"eventType": "user.session.end", "severity": "INFO", "displayMessage": str(n)} for n in range(3)])
    first = served.json("publish", "-", stdin=raw)
    again = served.json("publish", "-", stdin=raw)
    assert (first["accepted"], first["duplicates"]) == (3, 0)
    assert (again["accepted"], again["duplicates"]) == (0, 3)
    assert again["conflictLines"] == []
    fresh = served.run("publish", "-", "--fresh", stdin=raw)
    assert fresh.stdout == "published 3 events\n"


def test_a_bad_event_is_told_by_its_line_and_nothing_is_stored(served: CommandLine) -> None:
    raw = lines_of([{"eventType": "user.session.end"}, {"eventType": ""}, {"eventType": "event_hook.created"}])
    done = served.run("publish", "-", stdin=raw)
    assert done.returncode == 1
    assert "line 2" in done.stderr
    assert "line 3" in done.stderr
    assert "Nothing of lines 1 to 3 was stored." in done.stderr


def test_hooks_are_listed_shown_replaced_and_switched(served: CommandLine, hook: str) -> None:
    shown = served.json("hooks", "show", hook)
    assert hook in served.run("hooks", "list").stdout
    assert served.json("hooks", "show", shown["name"])["id"] == hook
    assert "security" not in (said := served.run("hooks", "show", hook).stdout)
    assert "X-Team" in said
    assert "durable · 3 s · 100 events a request · 16 at once" in said
    assert served.run("hooks", "verify", hook).stdout.splitlines()[0] == f"{shown['name']} is VERIFIED"
    body = shown | {"description": "changed"}
    replaced = served.json("hooks", "replace", hook, "-", stdin=json.dumps(body).encode())
    assert replaced["description"] == "changed"
    assert replaced["verificationStatus"] == "VERIFIED"
    assert served.json("hooks", "deactivate", hook)["status"] == "INACTIVE"
    assert served.json("hooks", "activate", hook)["status"] == "ACTIVE"
    assert served.json("hooks", "verify", hook)["verificationStatus"] == "VERIFIED"


def test_an_active_hook_is_not_deleted_and_the_reason_is_told(served: CommandLine, hook: str) -> None:
    done = served.run("hooks", "delete", hook)
    assert done.returncode == 1
    assert "Deactivate it first" in done.stderr


def test_what_is_not_there_is_told(served: CommandLine) -> None:
    hook, event = "who" + "a" * 17, str(uuid.uuid4())
    for arguments in (["hooks", "show", hook], ["deliveries", "show", event], ["explain", event]):
        done = served.run(*arguments)
        assert done.returncode == 1
        assert "Not found" in done.stderr
        listing = {"hooks": "hooks list", "deliveries": "deliveries list HOOK", "explain": "logs"}[arguments[0]]
        assert f"`tenterhook {listing}` shows what there is." in done.stderr
    done = served.run("hooks", "show", "no such/\x1bhook")
    assert done.returncode == 1
    assert "No event hook has the id or the name 'no such/\\x1bhook'" in done.stderr


def test_a_hook_without_what_it_needs_is_wrong_usage(served: CommandLine) -> None:
    assert served.run("hooks", "create", "--name", "x").returncode == 2
    assert served.run("hooks", "create", "--file", "missing.json").returncode == 2
    assert served.run("hooks", "replace", "x", "-", stdin=b"{").returncode == 2


def test_a_hook_that_is_not_verified_is_answered_with_the_next_command(served: CommandLine) -> None:
    arguments = ("--uri", "http://127.0.0.1:19000/", "--event", "user.session.start")
    said = served.run("hooks", "create", "--name", "plain name", *arguments).stderr
    assert said.rstrip().endswith('Next: tenterhook hooks verify "plain name"')
    made = served.run("hooks", "create", "--name", "a $(sly) name", *arguments)
    assert "$(" not in made.stderr
    assert "Next: tenterhook hooks verify who" in made.stderr


def test_a_token_may_end_after_a_while(served: CommandLine) -> None:
    made = served.json("tokens", "create", "brief", "--expires", "30d")
    left = datetime.fromisoformat(made["expires"]) - datetime.fromisoformat(made["created"])
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)


def test_a_file_without_events_is_said_to_be_one(served: CommandLine) -> None:
    done = served.run("publish", "-")
    assert (done.returncode, done.stdout) == (0, "published 0 events\n")
    assert "There are no events in it." in done.stderr


def screen(served: CommandLine, columns: int, *arguments: str, **variables: str) -> str:
    """Return what a command shows on a terminal of so many columns."""
    ours, theirs = terminal()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    kept = {name: value for name, value in environment(TERM="xterm").items() if name not in ("COLUMNS", "NO_COLOR")}
    with open(ours, "rb", buffering=0) as shown:
        command = [*COMMAND, *arguments]
        subprocess.run(command, cwd=served.folder, env=kept | variables, stdout=theirs, timeout=WAIT_S, check=True)
        os.close(theirs)
        return shown.read(65536).decode().replace("\r\n", "\n")


def test_a_table_on_a_terminal_is_coloured_and_never_folded(served: CommandLine, endpoint: Running, hook: str) -> None:
    delivery = delivered(served, endpoint, hook)
    shown = screen(served, 80, "deliveries", "list", hook, "--limit", "1")
    assert "\x1b[32mDELIVERED" in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines()
    assert len(plain) == 2
    assert re.fullmatch(rf"{delivery['id']} +DELIVERED +\d+s ago +1 +204 +- +1", plain[1])
    assert max(map(len, plain)) <= 80
    assert "\x1b[32m" not in screen(served, 80, "hooks", "list", NO_COLOR="1")
    assert "\x1b" not in served.run("hooks", "list").stdout


def test_tokens_are_made_used_and_revoked(served: CommandLine) -> None:
    made = served.json("tokens", "create", "ci", "--role", "publisher")
    assert made["id"] in served.run("tokens", "list").stdout
    event = lines_of([{"eventType": "user.session.end"}])
    assert served.run("publish", "-", "--token", made["token"], stdin=event).returncode == 0
    refused = served.run("hooks", "list", "--token", made["token"])
    assert refused.returncode == 1
    assert "do not have permission" in refused.stderr
    assert served.json("tokens", "revoke", made["id"])["revoked"]
    assert "Invalid token" in served.run("publish", "-", "--token", made["token"], stdin=event).stderr


def test_a_created_token_says_what_it_may_do_and_when_it_ends_and_how_to_give_less(served: CommandLine) -> None:
    much = served.run("tokens", "create", "much").stderr
    assert "(SUPER_ADMIN; never ends)" in much
    assert "To give less: --role PUBLISHER" in much
    little = served.run("tokens", "create", "little", "--role", "publisher", "--expires", "2099-01-01").stderr
    assert "(PUBLISHER; ends 2099-01-01T00:00:00.000Z)" in little
    assert "To give less" not in little


def test_the_openapi_document_is_printed_with_and_without_json(cli: CommandLine) -> None:
    assert cli.json("openapi") == json.loads(cli.run("openapi").stdout)


def test_a_created_token_is_all_that_standard_output_has(served: CommandLine) -> None:
    token = served.run("tokens", "create", "script").stdout.strip()
    assert served.run("tokens", "list", TENTERHOOK_TOKEN=token).returncode == 0


def test_simulate_publishes_as_many_as_it_is_told(served: CommandLine) -> None:
    assert served.json("simulate", "--rate", "0", "--count", "250", "--seed", "1")["published"] == 250
    assert served.json("simulate", "--rate", "500", "--count", "100")["published"] == 100


def test_simulate_keeps_its_pace_until_it_is_interrupted(served: CommandLine) -> None:
    import signal

    with served.start("simulate", "--rate", "50") as running:
        for _ in range(200):
            if served.json("logs", "--since", "3s", "--limit", "1"):
                break
        assert running.stop(signal.SIGINT) == 0
        assert running.printed[-1].startswith("published ")


def test_check_finds_the_running_server_and_leaves_its_database_alone(served: CommandLine) -> None:
    found = {one["check"]: one for one in json.loads(served.run("check", "--port", "0", "--json").stdout)}
    assert found["server"]["status"] == "ok"
    assert "answers at" in found["server"]["message"]
    assert found["database"]["message"].startswith("left alone")


def test_publish_draws_a_progress_bar_on_a_terminal_only(served: CommandLine) -> None:
    (served.folder / "events.ndjson").write_bytes(lines_of([{"eventType": "user.session.end"}] * 5))
    assert "publishing" not in served.run("publish", "events.ndjson").stderr
    ours, theirs = terminal()
    with open(ours, "rb", buffering=0) as screen:
        command = [*COMMAND, "publish", "events.ndjson"]
        variables = environment(TERM="xterm")
        done = subprocess.run(command, cwd=served.folder, env=variables, stderr=theirs, timeout=WAIT_S, check=True)
        os.close(theirs)
        assert b"publishing" in screen.read(65536)
    assert done.returncode == 0


def test_a_server_delivers_over_https_to_a_receiver_that_made_its_own_authority(cli: CommandLine) -> None:
    with cli.start("listen", "--port", "0", "--tls-dir", "tls") as receiver:
        uri = receiver.url()
        with cli.start("serve", "--port", "0", "--dev", TENTERHOOK_EGRESS_CA_FILE="tls/ca.pem") as server:
            server.url()
            made = cli.json("hooks", "create", "--name", "a", "--uri", uri, "--event", "user.session.end", "--verify")
            assert made["verificationStatus"] == "VERIFIED"
            publish(cli, "user.session.end")
            receiver.wait_for("user.session.end")


def test_demo_shows_deliveries_and_cleans_up(cli: CommandLine) -> None:
    (cli.folder / "temporary").mkdir()
    with cli.start("demo", "--rate", "10", TMPDIR=str(cli.folder / "temporary")) as demo:
        demo.wait_for("Ctrl-C ends it.")
        demo.wait_for("/console/sign-in?link=")
        demo.wait_for("VERIFIED")
        failed = demo.wait_for("→ 500").split()[-1]
        demo.wait_for(f"→ 204  sent again  {failed}")
        assert demo.stop(2) == 0
        assert demo.printed[-1].startswith("Next: `make run`")
    assert list((cli.folder / "temporary").iterdir()) == []


def test_demo_ends_by_itself(cli: CommandLine) -> None:
    done = cli.run("demo", "--seconds", "12", "--rate", "5")
    assert done.returncode == 0, done.stderr
    assert "→ 204" in done.stdout


def test_a_hook_whose_verification_fails_is_kept_and_that_is_said(served: CommandLine) -> None:
    with served.start("listen", "--port", "0", "--secret", "other") as receiver:
        uri = receiver.url()
        arguments = ("--uri", uri, "--event", "user.session.start", "--verify")
        done = served.run("hooks", "create", "--name", "kept", *arguments)
    assert done.returncode == 1
    assert 'The hook is kept, UNVERIFIED. Mend the endpoint, then: tenterhook hooks verify "kept"' in done.stderr
    assert "is what --secret-file gave" in done.stderr
    assert served.json("hooks", "show", "kept")["verificationStatus"] == "UNVERIFIED"
