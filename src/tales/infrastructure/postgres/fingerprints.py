"""What is recognised again, and never read: hashes of refresh tokens, and of the addresses of mail and network."""

from __future__ import annotations

import hmac
from hashlib import sha256


def fingerprint(token: str) -> bytes:
    """The hash under which a token is kept: of 256 random bits, so that it needs no salt and no slowness."""
    return sha256(token.encode(errors="surrogatepass")).digest()


def address_fingerprint(key: bytes, address: str | None) -> bytes:
    """The hash under which an address is kept; that of an empty one for None.

    Addresses can be guessed: without the `key`, which is in no database, nobody can tell whether a guess is right.
    """
    return hmac.digest(key, (address or "").encode(errors="surrogatepass"), "sha256")
