"""What is recognised again, and never read: the SHA-256 of refresh tokens and of addresses."""

from __future__ import annotations

from hashlib import sha256


def fingerprint(text: str | None) -> bytes:
    """The hash under which `text` is kept; that of an empty text for None.

    A refresh token has 256 random bits, so its hash needs no salt and no slowness.
    """
    return sha256((text or "").encode(errors="surrogatepass")).digest()
