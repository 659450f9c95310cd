"""The box for connection secrets: sealed with the first key, opened with any, never with a stranger's."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tradefree.access.secrets import SecretBox, key_beside, new_key
from tradefree.errors import SettingsError


def test_what_was_sealed_can_be_opened_and_not_read() -> None:
    box = SecretBox(new_key())
    sealed = box.seal("app-geheim-密")
    assert "geheim" not in sealed
    assert sealed.isascii()
    assert box.open(sealed) == "app-geheim-密"


def test_a_new_key_in_front_rotates_and_the_old_one_still_opens() -> None:
    old, new = new_key(), new_key()
    sealed = SecretBox(old).seal("app-1")
    rotated = SecretBox(f"{new}, {old}")
    assert rotated.open(sealed) == "app-1"
    assert SecretBox(new).open(rotated.seal("app-2")) == "app-2"


def test_without_the_right_key_it_says_what_to_do() -> None:
    sealed = SecretBox(new_key()).seal("app-1")
    with pytest.raises(SettingsError, match=r"TRADEFREE_SECRET_KEY.*add the key"):
        SecretBox(new_key()).open(sealed)


GOOD = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY="


@pytest.mark.parametrize("keys", ["", "short", "x" * 44, f"{GOOD},"])
def test_keys_that_are_none_are_refused(keys: str) -> None:
    with pytest.raises(SettingsError, match="TRADEFREE_SECRET_KEY"):
        SecretBox(keys)


def test_the_key_beside_a_database_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    database = tmp_path / "tradefree.db"
    key = key_beside(database)
    assert key_beside(database) == key
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    SecretBox(key)
