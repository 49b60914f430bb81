"""Passwords as argon2 hashes (RFC 9106)."""

from __future__ import annotations

from pwdlib.hashers.argon2 import Argon2Hasher

from tales.application.ports import PasswordHasher

NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$gvmTEWMZEulvJRH3w09rfw$d/bMdQihOc9qhRrcXUa94Uk6Nb5pqL5UEUeDLJxN3Q4"
"""Checked where there is no account, so that an answer's time does not tell who has one.

Written here, because no command shall wait for it to be made.
"""


class Argon2Passwords(PasswordHasher):
    """argon2id, with pwdlib's parameters unless told otherwise; `nobody` is a hash that was made with them."""

    def __init__(self, hasher: Argon2Hasher | None = None, nobody: str = NOBODY) -> None:
        self._hasher = hasher or Argon2Hasher()
        self._nobody = nobody

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def verify(self, password: str, password_hash: str | None) -> bool:
        matches = self._hasher.verify(password, password_hash or self._nobody)
        return matches and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)
