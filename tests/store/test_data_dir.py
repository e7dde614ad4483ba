from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenterhook.errors import StorageError
from tenterhook.store.data_dir import DATABASE, LOCK, DataDir
from tenterhook.store.database import Database
from tenterhook.store.migrate import migrate


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[DataDir]:
    made = DataDir(tmp_path / "data")
    made.open()
    yield made
    made.close()


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    """Return a file's permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_second_opening_in_one_process_is_refused_as_that(directory: DataDir) -> None:
    with pytest.raises(StorageError, match=r"This process already has the data directory .* open"):
        DataDir(directory.path).open()


def test_another_process_is_refused_while_one_has_it_and_let_in_afterwards(directory: DataDir) -> None:
    program = (
        "import sys; from pathlib import Path; from tenterhook.store.data_dir import DataDir\n"
        "from tenterhook.errors import StorageError\n"
        "try: DataDir(Path(sys.argv[1])).open()\n"
        "except StorageError as error: sys.exit(str(error))\n"
    )
    command = [sys.executable, "-c", program, str(directory.path)]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 1
    assert f"Another process (pid {os.getpid()})" in refused.stderr
    assert "with --data (TENTERHOOK_DATA_DIR), in a program with Tenterhook.at(PATH)" in refused.stderr
    directory.close()
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


def test_a_closed_directory_can_be_opened_again(directory: DataDir) -> None:
    directory.close()
    directory.close()
    directory.open()
    assert (directory.path / LOCK).read_text() == f"{os.getpid()}\n"


def test_a_place_that_cannot_be_a_directory_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        DataDir(tmp_path / "file" / "data").open()
    with pytest.raises(StorageError, match="cannot be used"):
        DataDir(tmp_path / "file").open()


def test_a_database_that_cannot_be_a_file_is_refused_and_the_lock_let_go(tmp_path: Path) -> None:
    (tmp_path / DATABASE).mkdir()
    with pytest.raises(StorageError, match="cannot be used"):
        DataDir(tmp_path).open()
    (tmp_path / DATABASE).rmdir()
    free = DataDir(tmp_path)
    free.open()
    free.close()


def test_what_is_in_it_can_be_read_by_its_owner_only_whatever_the_umask(tmp_path: Path, no_umask: None) -> None:
    directory = DataDir(tmp_path / "data")
    directory.open()
    directory.keep_secret("key", "k")
    database = Database(directory.path / DATABASE)
    database.run_now(migrate)
    try:
        modes = {path.name: mode(path) for path in directory.path.iterdir()}
        assert f"{DATABASE}-wal" in modes
        assert set(modes.values()) == {0o600}
        assert mode(directory.path) == 0o700
    finally:
        asyncio.run(database.close())
        directory.close()


def test_a_database_that_others_could_read_is_closed_to_them(tmp_path: Path, no_umask: None) -> None:
    (tmp_path / DATABASE).touch(0o666)
    directory = DataDir(tmp_path)
    directory.open()
    assert mode(tmp_path / DATABASE) == 0o600
    directory.close()


def test_a_secret_is_kept_whole_and_given_back(directory: DataDir) -> None:
    assert directory.secret("key") is None
    directory.keep_secret("key", "first")
    directory.keep_secret("key", "second")
    assert directory.secret("key") == "second"
    assert not list(directory.path.glob(".key*"))


def test_a_secret_that_cannot_be_read_or_written_is_refused_in_words(directory: DataDir) -> None:
    (directory.path / "binary").write_bytes(b"\xff\xfe")
    (directory.path / "folder").mkdir()
    for name in ("binary", "folder"):
        with pytest.raises(StorageError, match="cannot be read"):
            directory.secret(name)
    with pytest.raises(StorageError, match="cannot be written"):
        directory.keep_secret("folder", "x")


def test_a_directory_that_others_can_write_to_is_refused_with_what_to_do(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(StorageError, match="chmod o-w"):
        DataDir(shared).open()


@pytest.mark.parametrize("name", ["secret-key", "admin-token"])
def test_a_secret_that_others_can_read_or_that_is_a_link_is_refused(tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / name).write_text("x")
    (tmp_path / name).chmod(0o644)
    with pytest.raises(StorageError, match="0600"):
        DataDir(tmp_path).open()
    (tmp_path / name).unlink()
    (tmp_path / "elsewhere").write_text("x")
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="0600"):
        DataDir(tmp_path).open()


def test_a_secret_never_goes_through_a_link_that_lies_in_wait(tmp_path: Path) -> None:
    directory = DataDir(tmp_path)
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "admin-token").symlink_to(victim)
    directory.keep_secret("admin-token", "00secret")
    assert victim.read_text() == "untouched"
    assert not (tmp_path / "admin-token").is_symlink()
    assert (tmp_path / "admin-token").stat().st_mode & 0o777 == 0o600
