"""What an access token must say, whoever signed it (RFC 7519, in the shape of Supabase's)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt

from tales.domain.actor import Actor
from tales.domain.checks import is_uuid
from tales.domain.errors import Unauthenticated

AUDIENCE = "authenticated"
LEEWAY = 10
"""Seconds by which the clocks of two machines may differ."""

_REQUIRED = ["exp", "sub", "aud"]


@dataclass(frozen=True, slots=True)
class Expected:
    """Whom a token must be meant for, and whom it must come from (None: from whoever holds the key)."""

    audience: str = AUDIENCE
    issuer: str | None = None

    def claims(self, token: str, key: jwt.PyJWK | str, algorithm: str) -> dict[str, Any]:
        """The claims of a `token` that `key` has signed by exactly this `algorithm`. Raises: Unauthenticated."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self.audience,
                issuer=self.issuer,
                leeway=LEEWAY,
                options={"require": _REQUIRED, "enforce_minimum_key_length": True},
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise refused() from None
        return claims


def actor_of(claims: dict[str, Any]) -> Actor:
    """The user whom a token's claims name. Raises: Unauthenticated when that is nobody."""
    user_id = uuid_or_none(claims.get("sub"))
    if user_id is None:
        raise refused()
    metadata = claims.get("app_metadata")
    # Never user_metadata: users can edit that (decision 14).
    return Actor(user_id, is_admin=isinstance(metadata, dict) and metadata.get("role") == "admin")


def uuid_or_none(value: object) -> UUID | None:
    """`value` as an id, when it is one."""
    return UUID(value) if isinstance(value, str) and is_uuid(value) else None


def refused() -> Unauthenticated:
    """Why does not matter to whoever brings the token, and helps whoever has forged it."""
    return Unauthenticated("This token is not valid, or no longer. Sign in again.")
