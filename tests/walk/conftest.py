from __future__ import annotations

import ssl

import pytest
import trustme
from support.receiver import Receiver
from support.server import Server


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def server(data):
    """A server in development mode, started, with a data directory of its own."""
    with Server(data, TENTERHOOK_DEV="1") as server:
        yield server.start()


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def authority():
    """A certificate authority that nobody trusts by default."""
    return trustme.CA()


@pytest.fixture(scope="session")
def tls(authority):
    """A server's TLS context for localhost and 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def server_on(data):
    """Make servers on the test's data directory, not started, that end with the test."""
    made = []

    def make(**settings):
        made.append(Server(data, **settings))
        return made[-1]

    yield make
    for server in made:
        server.kill()
