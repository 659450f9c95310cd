"""The box that secrets are kept in (Fernet: AES-128-CBC with HMAC-SHA-256)."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from tradefree.errors import SettingsError


class SecretBox:
    """Encrypts with the first key, decrypts with any: put a new key in front to rotate."""

    def __init__(self, keys: str) -> None:
        try:
            fernets = [Fernet(key.strip()) for key in keys.split(",")]
        except ValueError:
            raise SettingsError(
                "TRADEFREE_SECRET_KEY: must be one or more Fernet keys (32 bytes, URL-safe base64), comma-separated; "
                "`tradefree keys secret` prints a fresh one"
            ) from None
        self._first, self._fernet = fernets[0], MultiFernet(fernets)

    def renewed(self, sealed: str) -> str | None:
        """The same secret under the first key; None if it is under that one already. SettingsError if none fits."""
        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            return self.seal(self.open(sealed))
        return None

    def seal(self, secret: str) -> str:
        """The secret, encrypted, as ASCII."""
        return self.seal_bytes(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """The secret again; SettingsError if none of the keys fits."""
        return self.open_bytes(sealed.encode()).decode()

    def seal_bytes(self, content: bytes) -> bytes:
        """The content, encrypted, as ASCII: a third larger. 9 µs for 100 bytes (measured)."""
        return self._fernet.encrypt(content)

    def open_bytes(self, sealed: bytes) -> bytes:
        """The content again; SettingsError if none of the keys fits."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise SettingsError(
                "TRADEFREE_SECRET_KEY: a stored secret cannot be decrypted with it; "
                "add the key that was in use when it was saved"
            ) from None


def new_key() -> str:
    """A fresh Fernet key."""
    return Fernet.generate_key().decode()


def key_beside(database: Path) -> str:
    """The key kept beside an SQLite file, made on first use and readable by its owner only."""
    path = database.with_name(database.name + ".key")
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        key = new_key()
        file.write(key + "\n")
    return key
