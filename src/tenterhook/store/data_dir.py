"""The data directory: one process at a time, keys and tokens that only their owner can read."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from tenterhook.errors import StorageError

DATABASE = "tenterhook.db"
LOCK = "lock"
KEY_FILE = "secret-key"
ADMIN_TOKEN = "admin-token"  # noqa: S105 - a file name
#: How another directory is named: a server has options, a program that embeds it has none.
ANOTHER = "name another directory: with --data (TENTERHOOK_DATA_DIR), in a program with Tenterhook.at(PATH)"

#: No link is followed: a data directory in a shared place must not lead anywhere else.
_SAFE = os.O_CLOEXEC | os.O_NOFOLLOW


class DataDir:
    """An opened data directory; held until closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    def open(self) -> None:
        """Make the directory if it is not there, and lock it.

        Raises: StorageError, if it cannot be written or another process has it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | _SAFE, 0o600)
        except OSError as error:
            raise StorageError(
                f"The data directory {self.path} cannot be used: {error.strerror}. Give this user the right to write "
                f"there, or {ANOTHER}."
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(self._lock, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._lock)
            self._lock = None
            if owner == str(os.getpid()):
                raise StorageError(
                    f"This process already has the data directory {self.path} open. Close that Tenterhook first, or "
                    f"{ANOTHER}."
                ) from error
            raise StorageError(
                f"Another process (pid {owner}) uses the data directory {self.path}. Stop it, or {ANOTHER}."
            ) from error
        self._refuse_strangers()
        self._own_database()
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _refuse_strangers(self) -> None:
        """Refuse a directory that others can write to, or secrets that others can read: they could be theirs."""
        facts = self.path.stat()
        if facts.st_uid != os.geteuid() or facts.st_mode & 0o002:
            self.close()
            raise StorageError(
                f"Other users can write to the data directory {self.path}, or it is not this user's own. Make it so: "
                f"chown it to this user and `chmod o-w {self.path}`."
            )
        for name in (KEY_FILE, ADMIN_TOKEN):
            path = self.path / name
            if path.exists() and (path.is_symlink() or path.stat().st_mode & 0o077):
                self.close()
                raise StorageError(f"Other users can read {path}, or it is a link. Make it a file with mode 0600.")

    def _own_database(self) -> None:
        """Make the database's file before SQLite does, which would leave its mode (and its log's) to the umask."""
        try:
            handle = os.open(self.path / DATABASE, os.O_RDWR | os.O_CREAT | _SAFE, 0o600)
            try:
                os.fchmod(handle, 0o600)
            finally:
                os.close(handle)
        except OSError as error:
            self.close()
            raise StorageError(
                f"The database {self.path / DATABASE} cannot be used: {error.strerror}. It must be this user's file."
            ) from error

    def close(self) -> None:
        """Let the directory go."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def secret(self, name: str) -> str | None:
        """Return the text of a secret file, or None if it is not there.

        Raises: StorageError, if it cannot be read.
        """
        try:
            return (self.path / name).read_text("ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StorageError(
                f"The file {self.path / name} cannot be read ({error}). Give this user the right to read it, or put "
                "back the right file."
            ) from error

    def keep_secret(self, name: str, text: str) -> None:
        """Write a secret file, mode 0600, so that it is there whole or not at all."""
        temporary = self.path / f".{name}.{secrets.token_hex(8)}"
        try:
            # A file of its own making: one that lies there already could be a link, or be open to others.
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, 0o600)
            try:
                os.fchmod(handle, 0o600)
                os.write(handle, text.encode() + b"\n")
                os.fsync(handle)
            finally:
                os.close(handle)
            temporary.replace(self.path / name)
            directory = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise StorageError(f"The file {self.path / name} cannot be written: {error.strerror}.") from error
