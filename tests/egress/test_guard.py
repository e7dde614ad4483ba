"""Where connections may go: security checks A (at delivery) and D.

Rows that do not apply here: 80 (no egress proxy yet), 87 (no redirects, see 83), 88 and 90 (API), 91 (no OAuth or JWKS
yet; `tests/test_architecture.py` sees to it that only egress opens sockets). 78, 79 and 83 to 86 are in
`test_exchange.py`, 82 in `test_resolve.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from ipaddress import ip_address

import pytest
from rig import ALLOWING, DEV, NO_CONTENT, Saying, answering, listening, sending, to

from tenterhook.domain.attempt import Outcome, Reason
from tenterhook.domain.destination import Destination, DestinationRules, parse_allowed_network
from tenterhook.egress import guard
from tenterhook.egress.client import Request, render_head

PUBLIC = DestinationRules()
ONLY_127_0_0_2 = DestinationRules(allow=(parse_allowed_network("127.0.0.2/32"),))


def named(port, host="hooks.example", scheme="http", pool="hook"):
    """Make a request to a host name, past the registration's checks."""
    head = render_head("POST", Destination(scheme, host, port, "/"), [])
    return Request(head, "req01", b"{}", pool)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(["127.0.0.1"], id="71"),
        pytest.param(["1.2.3.4", "127.0.0.1"], id="72"),
        pytest.param(["1.2.3.4", "::1"], id="73"),
        pytest.param(["169.254.169.254"], id="54-metadata"),
        pytest.param(["10.0.0.1"], id="54-private"),
        pytest.param(["168.63.129.16"], id="13-azure"),
        pytest.param(["::ffff:127.0.0.1"], id="22-mapped"),
        pytest.param(["fe80::1%lo"], id="31-zone"),
        pytest.param(["64:ff9b::7f00:1"], id="26-nat64"),
        pytest.param(["1.2.3.4"] * 600 + ["127.0.0.1"], id="82-the-last-of-601"),
    ],
)
def test_an_answer_with_one_forbidden_address_blocks_without_a_connection(run, answer):
    async def go():
        async with (
            listening(answering(NO_CONTENT)) as canary,
            sending(PUBLIC, resolver=Saying(answer)) as client,
            sending(ALLOWING, resolver=Saying(["127.0.0.1"])) as allowed,
        ):
            blocked = await client.send(named(canary.port), 1)
            untouched = canary.connections
            await allowed.send(named(canary.port), 1)
            return blocked, untouched, canary.connections

    blocked, untouched, touched = run(go())
    assert (blocked.outcome, blocked.reason) == (Outcome.FAILED, Reason.BLOCKED)
    assert not any(address.split("%")[0] in blocked.message for address in answer)
    assert (untouched, touched) == (0, 1)


def test_section_a_a_literal_that_is_already_stored_is_blocked_at_delivery(run):
    async def go():
        async with listening(answering(NO_CONTENT)) as canary, sending(PUBLIC) as client:
            return await client.send(to(canary), 1), canary.connections

    attempt, connections = run(go())
    assert (attempt.reason, connections) == (Reason.BLOCKED, 0)


def test_row_74_and_76_each_attempt_looks_up_once_and_goes_only_where_that_answer_was_judged(run):
    class Rebinding(Saying):
        async def resolve(self, host, port):
            self.asked += 1
            return (ip_address("127.0.0.2" if self.asked % 2 else "127.0.0.1"),)

    async def go():
        resolver = Rebinding()
        async with (
            listening(answering(NO_CONTENT), host="127.0.0.2") as receiver,
            listening(answering(NO_CONTENT), port=receiver.port) as canary,
            sending(ONLY_127_0_0_2, resolver=resolver) as client,
        ):
            attempts = [await client.send(named(receiver.port), 2) for _ in range(1000)]
            return attempts, resolver.asked, len(receiver.requests), canary.connections

    attempts, asked, delivered, canary = run(go())
    assert (asked, delivered, canary) == (1000, 500, 0)
    assert {a.outcome for a in attempts[::2]} == {Outcome.DELIVERED}
    assert {a.reason for a in attempts[1::2]} == {Reason.BLOCKED}


def test_row_75_and_f45r_a_name_without_address_is_a_dns_failure_that_names_it(run):
    async def go():
        async with sending(PUBLIC, resolver=Saying([])) as client:
            return await client.send(named(443, "www.yoursslsecureurlendpoint"), 1)

    attempt = run(go())
    assert (attempt.outcome, attempt.reason) == (Outcome.FAILED, Reason.DNS)
    assert "www.yoursslsecureurlendpoint" in attempt.message


def test_a_look_up_that_hangs_meets_the_deadline(run):
    class Hanging(Saying):
        async def resolve(self, host, port):
            await asyncio.Event().wait()

    async def go():
        async with sending(PUBLIC, resolver=Hanging()) as client:
            return await client.send(named(443), 0.1)

    assert run(go()).reason is Reason.DNS


def test_row_77_a_connection_to_an_address_that_the_name_no_longer_has_is_not_used(run):
    async def go():
        resolver = Saying(["127.0.0.1"], ["127.0.0.1"], ["127.0.0.2"])
        async with (
            listening(answering(NO_CONTENT)) as old,
            listening(answering(NO_CONTENT), host="127.0.0.2", port=old.port) as new,
            sending(ALLOWING, resolver=resolver) as client,
        ):
            attempts = [await client.send(named(old.port), 1) for _ in range(3)]
            return [a.reused for a in attempts], len(old.requests), len(new.requests)

    assert run(go()) == ([False, True, False], 2, 1)


def test_row_77_connections_are_not_shared_between_pools_hosts_or_schemes(run):
    async def go():
        async with (
            listening(answering(NO_CONTENT)) as receiver,
            sending(ALLOWING, resolver=Saying(["127.0.0.1"])) as client,
        ):
            await client.send(named(receiver.port), 1)
            other_pool = await client.send(named(receiver.port, pool="other"), 1)
            other_host = await client.send(named(receiver.port, "other.example"), 1)
            same = await client.send(named(receiver.port), 1)
            return other_pool.reused, other_host.reused, same.reused, receiver.connections

    assert run(go()) == (False, False, True, 3)


def test_row_77_forgetting_a_pool_closes_its_connections_and_no_others(run):
    async def go():
        async with listening(answering(NO_CONTENT)) as receiver, sending() as client:
            await client.send(to(receiver, pool="a"), 1)
            await client.send(to(receiver, pool="b"), 1)
            client.forget("a")
            client.forget("unknown")
            a = await client.send(to(receiver, pool="a"), 1)
            b = await client.send(to(receiver, pool="b"), 1)
            return a.reused, b.reused

    assert run(go()) == (False, True)


def test_row_77_a_connection_in_use_when_its_pool_is_forgotten_is_closed_after_its_answer(run):
    async def slow(receiver, reader, writer):
        while True:
            await receiver.read(reader)
            await asyncio.sleep(0.05)
            writer.write(NO_CONTENT)

    async def go():
        async with listening(slow) as receiver, sending() as client:
            task = asyncio.ensure_future(client.send(to(receiver), 2))
            await receiver.asked.wait()
            client.forget("hook")
            first = await task
            second = await client.send(to(receiver), 2)
            return first.outcome, second.reused, client.open_connections

    assert run(go()) == (Outcome.DELIVERED, False, 1)


def test_row_81_the_hosts_file_is_read_and_judged(run):
    async def go():
        async with listening(answering(NO_CONTENT)) as canary, sending(PUBLIC) as client, sending(DEV) as dev:
            blocked = await client.send(named(canary.port, "localhost"), 2)
            untouched = canary.connections
            delivered = await dev.send(named(canary.port, "localhost"), 2)
            return blocked, untouched, delivered

    blocked, untouched, delivered = run(go())
    assert (blocked.reason, untouched) == (Reason.BLOCKED, 0)
    assert (delivered.outcome, delivered.private) == (Outcome.DELIVERED, False)


def test_row_70_our_own_listen_sockets_are_blocked_in_development_too(run):
    async def go():
        async with listening(answering(NO_CONTENT), host="0.0.0.0") as own, listening(answering(NO_CONTENT)) as other:
            by_address = DestinationRules(dev=True, own_addresses=(("127.0.0.1", own.port),))
            anywhere = DestinationRules(
                allow=(parse_allowed_network("127.0.0.0/8"),), own_addresses=(("0.0.0.0", own.port),)
            )
            async with sending(by_address) as client, sending(anywhere, resolver=Saying(["127.0.0.5"])) as strict:
                return (
                    (await client.send(to(own), 1)).reason,
                    (await strict.send(named(own.port), 1)).reason,
                    (await client.send(to(other), 1)).outcome,
                    own.connections,
                )

    assert run(go()) == (Reason.BLOCKED, Reason.BLOCKED, Outcome.DELIVERED, 0)


def test_row_70_an_address_of_this_machine_is_recognised_without_a_packet():
    assert guard._is_this_machine(ip_address("127.0.0.1"))
    assert not guard._is_this_machine(ip_address("192.0.2.1"))


def test_a_peer_that_is_not_the_judged_address_is_blocked():
    class Detour(asyncio.SelectorEventLoop):
        """A loop whose connections end elsewhere, as a transparent proxy would make them."""

        async def sock_connect(self, sock, address):
            await super().sock_connect(sock, ("127.0.0.2", address[1]))

    async def go():
        async with listening(answering(NO_CONTENT), host="127.0.0.2") as receiver, sending() as client:
            return await client.send(to(receiver), 1), len(receiver.requests)

    with asyncio.Runner(loop_factory=Detour) as runner:
        attempt, requests = runner.run(go())
    assert (attempt.reason, requests) == (Reason.BLOCKED, 0)


@contextlib.contextmanager
def black_hole(host="127.0.0.1", port=0):
    """Listen with a full backlog, so that the kernel drops every further SYN."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_f20r_a_connection_that_is_never_taken_is_a_connect_failure_within_the_deadline(run):
    async def go(port):
        async with sending(DEV, resolver=Saying(["127.0.0.1"])) as client:
            return await client.send(named(port), 0.3)

    with black_hole() as port:
        attempt = run(go(port))
    assert (attempt.outcome, attempt.reason) == (Outcome.FAILED, Reason.CONNECT)


def test_a_dead_first_address_leaves_time_for_the_second(run):
    async def go():
        async with listening(answering(NO_CONTENT)) as receiver:
            with black_hole("127.0.0.2", receiver.port):
                async with sending(DEV, resolver=Saying(["127.0.0.2", "127.0.0.1"])) as client:
                    return await client.send(named(receiver.port), 0.8)

    assert run(go()).outcome is Outcome.DELIVERED


def test_a_host_with_only_ipv6_is_reached(run):
    async def go():
        async with (
            listening(answering(NO_CONTENT), host="::1") as receiver,
            sending(DEV, resolver=Saying(["::1"])) as client,
        ):
            by_name = await client.send(named(receiver.port), 1)
            by_literal = await client.send(to(receiver, host="[::1]"), 1)
            return by_name.outcome, by_literal.outcome, receiver.requests[1][0]

    by_name, by_literal, head = run(go())
    assert (by_name, by_literal) == (Outcome.DELIVERED, Outcome.DELIVERED)
    assert b"\r\nHost: [::1]:" in head


def test_row_89_open_closed_and_filtered_private_ports_look_alike(run):
    async def ssh(receiver, reader, writer):
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await reader.read(-1)

    async def hung(receiver, reader, writer):
        await reader.read(-1)

    async def go(filtered):
        async with listening(ssh) as banner, listening(hung) as silent:
            async with listening(ssh) as gone:
                closed = gone.port
            async with sending(ALLOWING, resolver=Saying(["127.0.0.1"])) as client:
                ports = [banner.port, silent.port, closed, filtered]
                return [await client.send(named(port, scheme="https"), 0.4) for port in ports]

    with black_hole() as port:
        attempts = run(go(port))
    assert {(a.reason, a.message, a.private) for a in attempts} == {(Reason.CONNECT, guard.PRIVATE_MESSAGE, True)}
    assert {(a.phases.connect, a.phases.tls, a.phases.first_byte) for a in attempts} == {(None, None, None)}
    assert all(a.phases.total >= 399 for a in attempts)  # none is told earlier than the slowest


def test_an_answer_from_an_allowed_network_is_marked_private(run):
    async def go():
        async with (
            listening(answering(NO_CONTENT)) as receiver,
            sending(ALLOWING, resolver=Saying(["127.0.0.1"])) as client,
        ):
            return [await client.send(named(receiver.port), 1) for _ in range(2)]

    first, second = run(go())
    assert (first.private, second.private, second.reused) == (True, True, True)


def test_at_the_cap_the_longest_resting_connection_gives_its_place(run):
    async def go():
        async with listening(answering(NO_CONTENT)) as receiver, sending(max_connections=2) as client:
            for pool in ["a", "b", "c"]:
                assert (await client.send(to(receiver, pool=pool), 1)).outcome is Outcome.DELIVERED
            kept = await client.send(to(receiver, pool="b"), 1)
            return kept.reused, client.open_connections

    assert run(go()) == (True, 2)


def test_at_the_cap_attempts_wait_their_turn_and_then_end_interrupted(run):
    async def slow(receiver, reader, writer):
        while True:
            await receiver.read(reader)
            await asyncio.sleep(0.1)
            writer.write(NO_CONTENT)

    async def go():
        async with listening(slow) as receiver, sending(max_connections=1) as client:
            first = asyncio.ensure_future(client.send(to(receiver, pool="a"), 2))
            await receiver.asked.wait()
            hurried = await client.send(to(receiver, pool="b"), 0.01)
            patient = await client.send(to(receiver, pool="c"), 2)
            return hurried.reason, patient.outcome, (await first).outcome

    assert run(go()) == (Reason.INTERRUPTED, Outcome.DELIVERED, Outcome.DELIVERED)
