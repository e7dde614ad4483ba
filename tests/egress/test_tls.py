"""What a receiver must prove: security checks E. The ids are the rows of that table.

Row 105 (no "verify": false) is the API's; client certificates (104, second half) do not exist yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import os
import socket
import ssl
import threading
import warnings

import pytest
from certificates import DAY, NOW, Authority, rsa_key, server_context
from rig import ALLOWING, DEV, NO_CONTENT, Saying, answering, listening, sending

from tenterhook.domain.attempt import Outcome, Reason
from tenterhook.domain.destination import Destination
from tenterhook.egress.client import Request, render_head
from tenterhook.egress.tls import make_context

HOST = "hook.ex.com"


@pytest.fixture(scope="module")
def root():
    return Authority()


@pytest.fixture(scope="module")
def trust(root, tmp_path_factory):
    path = tmp_path_factory.mktemp("trust") / "ca.pem"
    path.write_bytes(root.pem)
    return path


def request_to(receiver, host=HOST):
    return Request(render_head("POST", Destination("https", host, receiver.port, "/"), []), "req01", b"{}", "hook")


def ask(run, trust, tls, host=HOST, script=None, timeout_s=3.0):
    """Send one request over TLS; return the attempt and the receiver."""

    async def go():
        resolver = Saying(["127.0.0.1"])
        async with (
            listening(script or answering(NO_CONTENT), tls=tls) as receiver,
            sending(DEV, resolver=resolver, trust=trust) as client,
        ):
            return await client.send(request_to(receiver, host), timeout_s), receiver

    return run(go())


def refused(attempt, receiver, *words):
    assert (attempt.outcome, attempt.reason, attempt.status) == (Outcome.FAILED, Reason.TLS, None)
    assert receiver.requests == []
    assert any(word in attempt.message for word in words), attempt.message
    return True


def test_a_certificate_of_a_trusted_authority_for_the_host_is_accepted(run, root, trust, tmp_path):
    attempt, _ = ask(run, trust, server_context(tmp_path, root.issue(HOST)))
    assert attempt.outcome is Outcome.DELIVERED
    assert attempt.phases.tls is not None


@pytest.mark.parametrize(
    ("names", "options", "words"),
    [
        pytest.param([HOST], {"since": NOW - 2 * DAY, "until": NOW - DAY}, "expired", id="92"),
        pytest.param([HOST], {"since": NOW + DAY, "until": NOW + 2 * DAY}, "not valid yet", id="93"),
        pytest.param(["other.ex.com"], {}, "another host", id="94-wrong-host"),
        pytest.param([], {"common_name": HOST}, "another host", id="94-common-name-only"),
        pytest.param(["127.0.0.1"], {}, "another host", id="94-only-the-address"),
        pytest.param([HOST], {"self_signed": True}, "self-signed", id="95-self-signed"),
        pytest.param(["*.com"], {}, "another host", id="97-star-com"),
        pytest.param(["*.*.com"], {}, "another host", id="97-two-stars"),
        pytest.param(["h*.ex.com"], {}, "another host", id="97-partial-star"),
        pytest.param(["*.hook.ex.com", "*.x.ex.com"], {}, "another host", id="97-other-level"),
    ],
)
def test_a_certificate_that_does_not_prove_the_host_is_refused_in_words(
    run, root, trust, tmp_path, names, options, words
):
    attempt, receiver = ask(run, trust, server_context(tmp_path, root.issue(*names, **options)))
    assert refused(attempt, receiver, words)


def test_row_95_an_unknown_authority_is_refused(run, trust, tmp_path):
    stranger = Authority()
    attempt, receiver = ask(run, trust, server_context(tmp_path, stranger.issue(HOST), stranger.pem))
    assert refused(attempt, receiver, "not trusted", "not known")


def test_row_96_an_incomplete_chain_is_refused_and_a_complete_one_accepted(run, root, trust, tmp_path):
    below = Authority(root)
    leaf = below.issue(HOST)
    attempt, receiver = ask(run, trust, server_context(tmp_path, leaf))
    assert refused(attempt, receiver, "intermediate certificate is missing")
    attempt, _ = ask(run, trust, server_context(tmp_path, leaf, below.pem))
    assert attempt.outcome is Outcome.DELIVERED


def test_row_97_a_whole_label_wildcard_and_an_address_for_a_literal_are_accepted(run, root, trust, tmp_path):
    attempt, _ = ask(run, trust, server_context(tmp_path, root.issue("*.ex.com")))
    assert attempt.outcome is Outcome.DELIVERED
    attempt, _ = ask(run, trust, server_context(tmp_path, root.issue("127.0.0.1")), host="127.0.0.1")
    assert attempt.outcome is Outcome.DELIVERED


@contextlib.contextmanager
def shaking_hands(tls):
    """Listen as OpenSSL itself does: asyncio's server closes without the alert that says why."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def work():
            with contextlib.suppress(OSError):
                while True:
                    sock, _ = listener.accept()
                    with sock, contextlib.suppress(OSError), tls.wrap_socket(sock, server_side=True) as link:
                        link.recv(65536)
                        link.sendall(NO_CONTENT)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def ask_openssl(run, trust, tls):
    async def go(port):
        async with sending(DEV, resolver=Saying(["127.0.0.1"]), trust=trust) as client:
            head = render_head("POST", Destination("https", HOST, port, "/"), [])
            return await client.send(Request(head, "req01", b"{}", "hook"), 3)

    with shaking_hands(tls) as port:
        return run(go(port))


def test_row_98_tls_1_1_is_refused_and_1_2_accepted(run, root, trust, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the old versions, which is the point
        old = server_context(tmp_path, root.issue(HOST), ciphers="ALL:@SECLEVEL=0", highest=ssl.TLSVersion.TLSv1_1)
        new = server_context(tmp_path, root.issue(HOST), ciphers="ALL:@SECLEVEL=0", highest=ssl.TLSVersion.TLSv1_2)
    attempt = ask_openssl(run, trust, old)
    assert (attempt.reason, "older than 1.2" in attempt.message) == (Reason.TLS, True), attempt.message
    assert ask_openssl(run, trust, new).outcome is Outcome.DELIVERED


@pytest.mark.parametrize("ciphers", ["aNULL:@SECLEVEL=0", "eNULL:@SECLEVEL=0", "kRSA:@SECLEVEL=0"])
def test_row_99_suites_without_secrecy_or_proof_are_refused(run, root, trust, tmp_path, ciphers):
    leaf = root.issue(HOST, key=rsa_key(2048))
    tls = server_context(tmp_path, leaf, ciphers=ciphers, highest=ssl.TLSVersion.TLSv1_2)
    attempt = ask_openssl(run, trust, tls)
    assert (attempt.reason, "none of our cipher suites" in attempt.message) == (Reason.TLS, True), attempt.message


def test_row_100_a_short_key_is_refused(run, root, trust, tmp_path):
    leaf = root.issue(HOST, key=rsa_key(1024))
    attempt, receiver = ask(run, trust, server_context(tmp_path, leaf, ciphers="ALL:@SECLEVEL=0"))
    assert refused(attempt, receiver, "too short")


def test_row_100_a_broken_hash_is_refused(run, root, trust, tmp_path):
    leaf = root.issue_with_sha1(HOST)
    attempt, receiver = ask(run, trust, server_context(tmp_path, leaf, ciphers="ALL:@SECLEVEL=0"))
    assert refused(attempt, receiver, "broken hash")


async def _ssh(receiver, reader, writer):
    writer.write(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n")
    await reader.read(-1)


async def _http(receiver, reader, writer):
    await reader.read(10)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def _closing(receiver, reader, writer):
    await reader.read(10)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        pytest.param(_ssh, "does not speak TLS", id="101-ssh"),
        pytest.param(_http, "does not speak TLS", id="101-http"),
        pytest.param(_closing, "closed the connection", id="closing"),
    ],
)
def test_row_101_a_port_that_does_not_speak_tls_is_told_at_once(run, trust, script, words):
    attempt, receiver = ask(run, trust, None, script=script, timeout_s=15)
    assert refused(attempt, receiver, words)
    assert attempt.phases.total < 2000


def test_f22r_a_handshake_that_hangs_meets_the_deadline(run, trust):
    async def silent(receiver, reader, writer):
        await reader.read(-1)

    attempt, receiver = ask(run, trust, None, script=silent, timeout_s=0.2)
    assert refused(attempt, receiver, "did not end in time")


def test_row_102_a_certificate_chain_over_100_kb_is_refused(run, root, trust, tmp_path):
    leaf = root.issue(HOST, *(f"host-number-{n}.ex.com" for n in range(10_000)))
    attempt, receiver = ask(run, trust, server_context(tmp_path, leaf))
    assert refused(attempt, receiver, "larger than 100 KB")


def test_row_103_the_name_indicated_and_the_host_field_are_the_urls_host(run, root, trust, tmp_path):
    indicated = []
    tls = server_context(tmp_path, root.issue(HOST, "127.0.0.1"))
    tls.sni_callback = lambda link, name, context: indicated.append(name)
    attempt, receiver = ask(run, trust, tls)
    assert attempt.outcome is Outcome.DELIVERED
    assert f"\r\nHost: {HOST}:{receiver.port}\r\n".encode() in receiver.requests[0][0]
    ask(run, trust, tls, host="127.0.0.1")
    assert indicated == [HOST, None]


def test_row_104_a_request_for_a_client_certificate_is_answered_with_none(run, root, trust, tmp_path):
    tls = server_context(tmp_path, root.issue(HOST))
    tls.verify_mode = ssl.CERT_OPTIONAL
    tls.load_verify_locations(cadata=root.pem.decode())
    attempt, _ = ask(run, trust, tls)
    assert attempt.outcome is Outcome.DELIVERED


def test_f44r_a_receiver_that_mends_its_certificate_is_reached_without_a_restart(run, root, trust, tmp_path):
    async def go():
        bad = server_context(tmp_path, root.issue(HOST, until=NOW - datetime.timedelta(hours=1)))
        good = server_context(tmp_path, root.issue(HOST))
        async with sending(DEV, resolver=Saying(["127.0.0.1"]), trust=trust) as client:
            async with listening(answering(NO_CONTENT), tls=bad) as receiver:
                first = await client.send(request_to(receiver), 3)
            async with listening(answering(NO_CONTENT), tls=good, port=receiver.port) as receiver:
                second = await client.send(request_to(receiver), 3)
        return first.reason, second.outcome

    assert run(go()) == (Reason.TLS, Outcome.DELIVERED)


def test_a_kept_alive_connection_is_used_again_and_a_new_one_resumes_the_session(run, root, trust, tmp_path):
    resumed = []

    async def noting(receiver, reader, writer):
        resumed.append(writer.get_extra_info("ssl_object").session_reused)
        await answering(NO_CONTENT)(receiver, reader, writer)

    async def go():
        async with (
            listening(noting, tls=server_context(tmp_path, root.issue(HOST))) as receiver,
            sending(DEV, resolver=Saying(["127.0.0.1"]), trust=trust) as client,
        ):
            first = await client.send(request_to(receiver), 3)
            second = await client.send(request_to(receiver), 3)
            client.forget("hook")
            third = await client.send(request_to(receiver), 3)
            return first.reused, second.reused, third.reused

    assert run(go()) == (False, True, False)
    assert resumed == [False, True]


def test_a_session_of_one_host_is_not_offered_for_another(run, root, trust, tmp_path):
    async def go():
        async with (
            listening(answering(NO_CONTENT), tls=server_context(tmp_path, root.issue(HOST))) as receiver,
            sending(DEV, resolver=Saying(["127.0.0.1"]), trust=trust) as client,
        ):
            good = await client.send(request_to(receiver), 3)
            other = await client.send(request_to(receiver, "other.ex.com"), 3)
            return good.outcome, other.reason

    assert run(go()) == (Outcome.DELIVERED, Reason.TLS)


def test_a_large_request_and_answer_pass_over_tls(run, root, trust, tmp_path):
    body = b"y" * 200_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + body

    async def go():
        async with (
            listening(answering(answer), tls=server_context(tmp_path, root.issue(HOST))) as receiver,
            sending(ALLOWING, resolver=Saying(["127.0.0.1"]), trust=trust) as client,
        ):
            head = render_head("POST", Destination("https", HOST, receiver.port, "/"), [])
            request = Request(head, "req01", b"x" * 3_000_000, "hook", need_body=True)
            attempt = await client.send(request, 10)
            return attempt, len(receiver.requests[0][1])

    attempt, received = run(go())
    assert (attempt.response_body, attempt.body_complete, attempt.private, received) == (body, True, True, 3_000_000)


def test_the_context_proves_names_by_alternative_names_from_tls_1_2_on():
    context = make_context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.hostname_checks_common_name
    assert context.security_level == 2


def test_a_trust_file_that_cannot_be_read_is_told_at_once(tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(OSError, match=r".+"):
        make_context(tmp_path / "absent.pem")
    with pytest.raises(OSError, match=r".+"):
        make_context(tmp_path / "empty.pem")


def test_no_task_of_ours_is_left_behind(run, root, trust, tmp_path):
    async def go():
        async with (
            listening(answering(NO_CONTENT), tls=server_context(tmp_path, root.issue(HOST))) as receiver,
            sending(DEV, resolver=Saying(["127.0.0.1"]), trust=trust) as client,
        ):
            before = len(asyncio.all_tasks())
            await client.send(request_to(receiver), 3)
            return before, len(asyncio.all_tasks()) - len(receiver.tasks)

    before, after = run(go())
    assert before == after


def test_failed_attempts_leave_no_socket_open(run, root, trust, tmp_path):
    async def go():
        async with (
            listening(answering(NO_CONTENT), tls=server_context(tmp_path, root.issue("other.ex.com"))) as wrong,
            listening(_ssh) as plain,
            sending(DEV, resolver=Saying(["127.0.0.1"]), trust=trust) as client,
        ):
            async with listening(_ssh) as gone:
                pass
            counts = []
            for _ in range(2):
                for _ in range(10):
                    for receiver in (wrong, plain, gone):
                        assert (await client.send(request_to(receiver), 3)).outcome is Outcome.FAILED
                await asyncio.sleep(0.1)
                counts.append(len(os.listdir("/dev/fd")))
            return counts, client.open_connections

    (first, second), still_open = run(go())
    assert second <= first
    assert still_open == 0
