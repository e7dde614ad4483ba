"""A command line in an empty directory, beside a server, beside a receiver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CommandLine, Running


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """The command line in an empty directory."""
    return CommandLine(tmp_path)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """The command line beside a running server, which it finds by the data directory."""
    here = CommandLine(tmp_path_factory.mktemp("served"))
    with here.start("serve", "--port", "0", "--dev") as server:
        server.url()
        yield here


@pytest.fixture
def receiver(cli: CommandLine) -> Iterator[Running]:
    """A running `listen` that prints JSON; its URL was read."""
    with cli.start("listen", "--port", "0", "--json") as running:
        yield running
