"""TLS as a client: 1.2 or later, the host's name proven by a subject alternative name, failures in words."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from pathlib import Path
from time import monotonic

SESSION_S = 300.0  #: a resumed session skips the certificate, so a full handshake comes at least this often
MAX_SESSIONS = 2000

# What the peer must not offer is not offered: only forward secrecy, no NULL, export, RC4, 3DES or anonymous suites;
# level 2 refuses RSA and DH below 2,048 bits and SHA-1 signatures.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:DHE+AESGCM:!aNULL:!eNULL:!SHA1:@SECLEVEL=2"

# X.509 verification codes (OpenSSL, x509_vfy.h), in words.
_VERIFY_WORDS = {
    7: "its certificate's signature is wrong",
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "its certificate chain ends in a root that is not trusted",
    20: "its certificate's issuer is not known (unknown CA, or an intermediate certificate is missing)",
    21: "its certificate's issuer is not known (unknown CA, or an intermediate certificate is missing)",
    23: "its certificate was revoked",
    62: "its certificate is for another host",
    64: "its certificate is for another address",
    66: "its certificate's key is too short",
    67: "its issuer's key is too short",
    68: "its certificate is signed with a broken hash",
}
_REASON_WORDS = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS on this port",
    "HTTP_REQUEST": "it does not speak TLS on this port",
    "PACKET_LENGTH_TOO_LONG": "it does not speak TLS on this port",
    "RECORD_LAYER_FAILURE": "it does not speak TLS on this port",
    "UNSUPPORTED_PROTOCOL": "it speaks only TLS versions older than 1.2",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks only TLS versions older than 1.2",
    "EXCESSIVE_MESSAGE_SIZE": "its certificate chain is larger than 100 KB",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it accepts none of our cipher suites",
    "NO_CIPHERS_AVAILABLE": "it accepts none of our cipher suites",
    "NO_SHARED_CIPHER": "it accepts none of our cipher suites",
    "WRONG_CIPHER_RETURNED": "it chose a cipher suite that we do not accept",
    "DH_KEY_TOO_SMALL": "its key is too short",
    "TLSV1_UNRECOGNIZED_NAME": "it does not know this host name",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a client certificate",
}


class Context(ssl.SSLContext):
    """An SSLContext that resumes sessions by host name.

    asyncio and uvloop know no sessions, but both make their TLS objects by `wrap_bio`, where one can be put in.
    """

    sessions: OrderedDict[str, tuple[ssl.SSLSession, float]]

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Wrap as the standard library does, with the session that *server_hostname* gave last."""
        if session is None and isinstance(server_hostname, str):
            session = self._recall(server_hostname)
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)

    def keep(self, host: str, link: ssl.SSLObject) -> None:
        """Keep the session of a proven connection for the next one to the same host."""
        session = link.session
        if session is None or not session.has_ticket or link.session_reused:
            return  # a resumed session is not kept anew: its certificate was checked at the first handshake
        self.sessions[host] = (session, monotonic() + SESSION_S)
        self.sessions.move_to_end(host)
        if len(self.sessions) > MAX_SESSIONS:
            self.sessions.popitem(last=False)

    def _recall(self, host: str) -> ssl.SSLSession | None:
        kept = self.sessions.get(host)
        if kept is None:
            return None
        if kept[1] < monotonic():
            del self.sessions[host]
            return None
        return kept[0]


def make_context(trust: Path | None = None) -> Context:
    """Make the client's one context: the system's trust anchors, and those of the PEM file *trust*.

    It costs about 15 ms, so it is made once. Raises: OSError (ssl.SSLError is one), if *trust* cannot be read.
    """
    context = Context(ssl.PROTOCOL_TLS_CLIENT)  # verifies chain and host name
    context.sessions = OrderedDict()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_CIPHERS)
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if trust is not None:
        context.load_verify_locations(cafile=str(trust))
    return context


def explain(error: Exception) -> str:
    """Say in words why a handshake failed, for tenants."""
    if isinstance(error, ssl.SSLCertVerificationError):
        words = _VERIFY_WORDS.get(error.verify_code, "its certificate cannot be verified")
    elif isinstance(error, ssl.SSLError):
        words = _REASON_WORDS.get(error.reason or "", "its TLS messages could not be understood")
    else:
        words = "it closed the connection during the handshake"
    return f"No TLS connection: {words}."
