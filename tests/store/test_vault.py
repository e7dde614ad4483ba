from __future__ import annotations

import pytest

from tenterhook.errors import StorageError
from tenterhook.store.vault import Vault, new_key

OLD, NEW = new_key(), new_key()


@pytest.mark.parametrize("value", ["s3cret-value", "", "ä\n\0", "x" * 100_000])
def test_a_sealed_value_opens_for_its_own_row_and_shows_nothing(value: str) -> None:
    sealed = Vault([OLD]).seal("who1", value)
    assert Vault([OLD]).open("who1", sealed) == value
    assert not value or value.encode() not in sealed
    assert sealed != Vault([OLD]).seal("who1", value)


def test_a_sealed_value_that_was_moved_to_another_row_does_not_open() -> None:
    sealed = Vault([OLD]).seal("who1", "s3cret")
    with pytest.raises(StorageError, match="altered") as caught:
        Vault([OLD]).open("who2", sealed)
    assert "s3cret" not in str(caught.value)


def test_the_newest_key_seals_and_every_key_opens() -> None:
    before = Vault([OLD]).seal("who1", "s3cret")
    both = Vault([NEW, OLD])
    assert both.open("who1", before) == "s3cret"
    after = both.seal("who1", "s3cret")
    assert Vault([NEW]).open("who1", after) == "s3cret"
    with pytest.raises(StorageError):
        Vault([OLD]).open("who1", after)


@pytest.mark.parametrize("damage", [b"", b"x", b"\xff" * 50])
def test_without_the_right_key_or_bytes_the_message_says_what_to_do(damage: bytes) -> None:
    sealed = Vault([OLD]).seal("who1", "s3cret")
    for vault, data in ((Vault([NEW]), sealed), (Vault([OLD]), damage), (Vault([OLD]), sealed[:-5] + b"AAAAA")):
        with pytest.raises(StorageError, match="TENTERHOOK_SECRET_KEYS"):
            vault.open("who1", data)


@pytest.mark.parametrize("keys", [[], ["x"], [OLD, "short"], ["ä" * 44], [OLD[:-4]]])
def test_keys_that_are_none_are_refused_in_words_that_do_not_repeat_them(keys: list[str]) -> None:
    with pytest.raises(StorageError, match="TENTERHOOK_SECRET_KEYS") as caught:
        Vault(keys)
    assert OLD[:-4] not in str(caught.value)
