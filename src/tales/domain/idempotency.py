"""A key under which the same wish may be sent again, and still leads to one generation.

Source: draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from tales.domain.errors import InvalidInput

FIELD = "Idempotency-Key"
LONGEST_KEY = 255
KEPT_FOR = timedelta(days=1)
"""How long a key is remembered, at the least."""


class IdempotencyKeyReused(InvalidInput):
    """This Idempotency-Key has been used for another request. Use a new key for each wish."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(FIELD, "This key has been used for another request. Use a new key for each wish.")


@dataclass(frozen=True, slots=True)
class IdempotencyRecord:
    """What a user's key stands for. `fingerprint` is the SHA-256 of what was asked for.

    Raises: InvalidInput for a key that is none.
    """

    user_id: UUID
    key: str
    fingerprint: bytes
    generation_id: UUID

    def __post_init__(self) -> None:
        if not self.key:
            raise InvalidInput(FIELD, f"{FIELD} is empty. Send a random one, such as a UUID, or leave it out.")
        if len(self.key) > LONGEST_KEY:
            raise InvalidInput(FIELD, f"{FIELD} has {len(self.key)} characters. Use at most {LONGEST_KEY}.")
        if not (self.key.isascii() and self.key.isprintable()):
            raise InvalidInput(FIELD, f"{FIELD} holds other characters than printable ASCII. Use a UUID, for example.")
