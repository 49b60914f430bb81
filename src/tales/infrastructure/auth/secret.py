"""The secret that signs access tokens, and what is derived from it."""

from __future__ import annotations

import hmac
import secrets
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from tales.files import new_file

FILE_NAME = "jwt-secret"


def signing_secret(home: Path, given: SecretStr | None) -> str:
    """The secret that the operator gave, or the one in `home`: made on first use, readable by its owner alone."""
    if given is not None:
        return given.get_secret_value()
    path = home / FILE_NAME
    if not path.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Of two commands that do this at once, the first wins.
        with suppress(FileExistsError), new_file(path) as file:
            file.write(secrets.token_urlsafe(48).encode("ascii"))
    return path.read_text(encoding="ascii")


def address_key(secret: str) -> bytes:
    """The key by which addresses are hashed: nobody finds the signing secret by it."""
    return hmac.digest(secret.encode(), b"tales addresses", "sha256")


def mail_code_key(secret: str) -> bytes:
    """The key by which codes that are sent by mail are made."""
    return hmac.digest(secret.encode(), b"tales mail codes", "sha256")
