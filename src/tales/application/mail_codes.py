"""Codes that prove who reads an address: sent by mail, and kept by nobody."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from enum import StrEnum

from tales.application.ports import Clock

LIFETIME = 900
"""Seconds for which a code is good."""

_TIME_BYTES = 4
_SEAL_BYTES = 20


class Purpose(StrEnum):
    """What a code is good for."""

    PASSWORD = "password"  # noqa: S105 -- a purpose, not a password
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class MailCodes:
    """Codes under a secret `key`: a time, and a seal (HMAC, RFC 2104) over it and over what the code is about.

    What changes by using a code is part of that, the hash of the password above all: so it works once.
    """

    key: bytes
    clock: Clock

    def make(self, purpose: Purpose, *facts: object) -> str:
        """A code of 32 characters, good for `LIFETIME` seconds and for exactly these `facts`."""
        end = (int(self.clock.now().timestamp()) + LIFETIME).to_bytes(_TIME_BYTES)
        return base64.urlsafe_b64encode(end + self._seal(end, purpose, *facts)).decode("ascii")

    def fits(self, code: str, purpose: Purpose, *facts: object) -> bool:
        """Whether it is a code for these `facts` that is still good."""
        try:
            given = base64.urlsafe_b64decode(code.strip().encode("ascii"))
        except (UnicodeEncodeError, binascii.Error):
            return False
        end, seal = given[:_TIME_BYTES], given[_TIME_BYTES:]
        is_ours = hmac.compare_digest(seal, self._seal(end, purpose, *facts))
        return is_ours and self.clock.now().timestamp() < int.from_bytes(end)

    def _seal(self, end: bytes, *facts: object) -> bytes:
        sealed = "\0".join(str(fact) for fact in facts).encode(errors="surrogatepass")
        return hmac.digest(self.key, end + sealed, "sha256")[:_SEAL_BYTES]
