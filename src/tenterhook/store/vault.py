"""Secrets at rest: encrypted, and bound to the row that they belong to."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from tenterhook.errors import StorageError


class Vault:
    """Seals and opens secrets with a list of keys, newest first: the first seals, any opens."""

    def __init__(self, keys: Sequence[str]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise StorageError(
                "TENTERHOOK_SECRET_KEYS: each key must be 32 bytes in URL-safe base64 (44 characters); make one with "
                "`python3 -c 'import base64,os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'`."
            ) from error

    def seal(self, identity: str, value: str) -> bytes:
        """Encrypt *value*; *identity* names the row, so that a sealed value moved to another row does not open."""
        return self._fernet.encrypt(json.dumps([identity, value]).encode())

    def open(self, identity: str, sealed: bytes) -> str:
        """Return the value that was sealed for *identity*.

        Raises: StorageError, if no key opens it or it belongs to another row.
        """
        try:
            owner, value = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise StorageError(
                "A stored secret cannot be decrypted with the keys given: put back the key file of this data directory "
                "or add the former key to TENTERHOOK_SECRET_KEYS."
            ) from error
        if owner != identity:
            raise StorageError(f"A stored secret belongs to {owner}, not to {identity}: the database was altered.")
        return str(value)


def new_key() -> str:
    """Return a fresh key in the form that `Vault` takes."""
    return Fernet.generate_key().decode()
