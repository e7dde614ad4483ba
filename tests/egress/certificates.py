"""Certificates for receivers, good and bad, made on the spot."""

from __future__ import annotations

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


class Authority:
    """A certification authority: the root, or one below *issuer*."""

    def __init__(self, issuer=None):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority {x509.random_serial_number()}")])
        builder = _builder(self.name, issuer.name if issuer else self.name, self.key)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, *names, common_name="receiver", **options):
        """Issue a leaf for *names*; return its (certificate, key) in PEM.

        options: since, until; key; self_signed.
        """
        key = options.get("key") or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        self_signed = options.get("self_signed", False)
        builder = _builder(subject, subject if self_signed else self.name, key, options)
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_name(name) for name in names]), critical=False
            )
        signed = builder.sign(key if self_signed else self.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM), _pem(key)

    def issue_with_sha1(self, *names):
        """Issue a leaf whose signature is over SHA-1, which today's libraries no longer make."""
        certificate, key = self.issue(*names)
        parsed = x509.load_pem_x509_certificate(certificate)
        sha256, sha1 = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")  # …WithRSAEncryption
        signature = self.key.sign(parsed.tbs_certificate_bytes.replace(sha256, sha1), padding.PKCS1v15(), hashes.SHA1())
        der = parsed.public_bytes(serialization.Encoding.DER).replace(sha256, sha1)
        der = der[: -len(signature)] + signature
        return ssl.DER_cert_to_PEM_cert(der).encode(), key


def rsa_key(bits):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _builder(subject, issuer, key, options=None):
    options = options or {}
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(options.get("since", NOW - DAY))
        .not_valid_after(options.get("until", NOW + DAY))
    )


def _name(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def server_context(directory, leaf, *chain, ciphers=None, highest=None):
    """Make a server's TLS context of *leaf* and the certificates of *chain*, as weak as its options say."""
    certificate, key = leaf
    path = directory / f"server-{id(leaf)}.pem"
    path.write_bytes(key + certificate + b"".join(chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if ciphers is not None:
        context.set_ciphers(ciphers)
    if highest is not None:
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = highest
    context.load_cert_chain(path)
    return context
