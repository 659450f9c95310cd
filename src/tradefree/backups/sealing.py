"""What stands around each frame of a backup: a checksum or, with a passphrase, AES-256-GCM.

Both are bound to the file's header, to the frame's place and to whether it is the last one (as STREAM has it: Hoang,
Reyhanitabar, Rogaway, Vizár 2015), so a frame that is changed, left out, moved, or taken from another file is found.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from tradefree.errors import BackupDamaged, InvalidInput, SettingsError

COST = {"n": 1 << 17, "r": 8, "p": 1}
"""Of scrypt: 128 MB and some 0.4 s for each guess (what OWASP's cheat sheet on password storage recommends)."""
_MOST = {"n": 1 << 20, "r": 16, "p": 4}
"""A file may ask for so much at most: it was perhaps not made by us."""
_KEY, _CHECK, _SALT = 32, 16, 16
"""Bytes."""


class Seal(Protocol):
    """Closes frames when a backup is written, opens them when it is read."""

    overhead: int
    """Bytes that it adds to a frame."""

    def close(self, index: int, final: bool, content: bytes) -> bytes: ...

    def open(self, index: int, final: bool, body: bytes) -> bytes:
        """Raises ValueError if the frame is not what was written in this place."""
        ...


class Checksum:
    """A SHA-256 behind the content. It finds accidents, not malice."""

    overhead = 32

    def __init__(self, header: bytes) -> None:
        self._header = hashlib.sha256(header).digest()

    def close(self, index: int, final: bool, content: bytes) -> bytes:
        return content + self._sum(index, final, content)

    def open(self, index: int, final: bool, body: bytes) -> bytes:
        content, found = body[: -self.overhead], body[-self.overhead :]
        if not hmac.compare_digest(found, self._sum(index, final, content)):
            raise ValueError("wrong checksum")
        return content

    def _sum(self, index: int, final: bool, content: bytes) -> bytes:
        return hashlib.sha256(self._header + _place(index, final) + content).digest()


class Encryption:
    """AES-256-GCM. The key is of this file alone (its salt is random), so the place may be the nonce."""

    overhead = 16

    def __init__(self, key: bytes, header: bytes) -> None:
        self._cipher = AESGCM(key)
        self._header = hashlib.sha256(header).digest()

    def close(self, index: int, final: bool, content: bytes) -> bytes:
        return self._cipher.encrypt(_place(index, final), content, self._header)

    def open(self, index: int, final: bool, body: bytes) -> bytes:
        try:
            return self._cipher.decrypt(_place(index, final), body, self._header)
        except InvalidTag:
            raise ValueError("wrong tag") from None


class Lock:
    """A fresh key for a new file, and what its header must say to make it again."""

    def __init__(self, passphrase: str) -> None:
        salt = os.urandom(_SALT)
        self._key, check = _derive(passphrase, salt, **COST)
        self.facts: dict[str, Any] = {
            "cipher": "AES-256-GCM",
            "kdf": "scrypt",
            **COST,
            "salt": salt.hex(),
            "check": check.hex(),
        }

    def seal(self, header: bytes) -> Seal:
        return Encryption(self._key, header)


def unlock(facts: dict[str, Any], passphrase: str | None, header: bytes) -> Seal:
    """The seal of a file whose header says these facts. SettingsError if the passphrase is missing or wrong."""
    if passphrase is None:
        raise SettingsError(
            "TRADEFREE_BACKUP_PASSPHRASE: this backup is encrypted; set the passphrase it was made with"
        )
    if (facts.get("cipher"), facts.get("kdf")) != ("AES-256-GCM", "scrypt"):
        raise InvalidInput("it is encrypted in a way that this version of tradefree does not know")
    try:
        cost = {name: int(facts[name]) for name in COST}
        salt, wanted = bytes.fromhex(facts["salt"]), bytes.fromhex(facts["check"])
    except (KeyError, TypeError, ValueError):
        raise BackupDamaged("the header does not say how it is encrypted") from None
    if any(not 1 <= cost[name] <= _MOST[name] for name in cost) or cost["n"] & (cost["n"] - 1) or cost["n"] < 2:
        raise BackupDamaged(f"the header asks for a scrypt that nobody uses: {cost}")
    key, check = _derive(passphrase, salt, **cost)
    if not hmac.compare_digest(check, wanted):
        raise SettingsError("TRADEFREE_BACKUP_PASSPHRASE: is not the passphrase that this backup was made with")
    return Encryption(key, header)


def _derive(passphrase: str, salt: bytes, *, n: int, r: int, p: int) -> tuple[bytes, bytes]:
    """The key, and bytes by which a wrong passphrase is told from a damaged file."""
    made = Scrypt(salt=salt, length=_KEY + _CHECK, n=n, r=r, p=p).derive(passphrase.encode())
    return made[:_KEY], made[_KEY:]


def _place(index: int, final: bool) -> bytes:
    """Twelve bytes: the frame's number, and whether it is the last."""
    return index.to_bytes(11, "big") + bytes([final])
