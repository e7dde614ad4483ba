"""A certificate authority of one's own and a certificate for this machine, for `tenterhook listen --tls`."""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFE = timedelta(days=30)
#: A little before now, for a neighbour whose clock is behind.
LEEWAY = timedelta(hours=1)

Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def write_certificates(folder: Path, host: str) -> tuple[Path, Path]:
    """Write `ca.pem` and `server.pem` (certificate and key) into *folder* and return their paths.

    The certificate names localhost, 127.0.0.1, ::1 and *host*. The CA's key is not kept: it can sign nothing more.
    """
    authority = _make_authority()
    certificate, key = _make_server(authority, host)
    ca_file, server_file = folder / "ca.pem", folder / "server.pem"
    ca_file.write_bytes(authority[0].public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    descriptor = os.open(server_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem + certificate.public_bytes(serialization.Encoding.PEM))
    return ca_file, server_file


def _make_authority() -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Tenterhook listen, a private authority")
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256()), key


def _make_server(authority: Pair, host: str) -> Pair:
    certificate, signer = authority
    key = ec.generate_private_key(ec.SECP256R1())
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        _builder(_name("tenterhook listen"), certificate.subject, key)
        .add_extension(x509.SubjectAlternativeName(_alternative_names(host)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([x509.OID_SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
    )
    return builder.sign(signer, hashes.SHA256()), key


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LEEWAY)
        .not_valid_after(now + LIFE)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative_names(host: str) -> list[x509.GeneralName]:
    addresses, names = {"127.0.0.1", "::1"}, {"localhost"}
    try:
        addresses.add(str(ipaddress.ip_address(host)))
    except ValueError:
        names.add(host)
    dns: list[x509.GeneralName] = [x509.DNSName(name) for name in sorted(names)]
    return dns + [x509.IPAddress(ipaddress.ip_address(address)) for address in sorted(addresses)]
