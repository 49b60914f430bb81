"""Access tokens of an outside provider: Supabase, or any that speaks OpenID Connect and names users by UUIDs."""

from __future__ import annotations

import jwt

from tales.application.ports import Clock, TokenReader
from tales.domain.actor import Actor
from tales.infrastructure.auth.claims import Expected, actor_of, refused
from tales.infrastructure.auth.jwks import ALGORITHMS, Jwks
from tales.infrastructure.auth.verified_tokens import VerifiedTokens

_SHARED = "HS256"


class OutsideTokens(TokenReader):
    """Public keys verify ES256 and RS256, the shared secrets HS256.

    A token's own `alg` chooses between keys that are kept apart, never what a key is used for (RFC 8725, section 3.1).
    """

    def __init__(self, expected: Expected, keys: Jwks | None, secrets: tuple[str, ...], clock: Clock) -> None:
        self._verified = VerifiedTokens(expected, clock, actor_of)
        self._keys = keys
        self._secrets = secrets

    async def read(self, token: str) -> Actor:
        """Who brings this token. Raises: Unauthenticated, or Unavailable while the provider has given no keys."""
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise refused() from None
        algorithm = header.get("alg")
        if algorithm == _SHARED:
            return self._verified.read_any(token, self._secrets, _SHARED)
        if algorithm in ALGORITHMS and self._keys is not None:
            key = await self._keys.find(header.get("kid"), algorithm)
            if key is not None:
                return self._verified.read(token, key, algorithm)
        raise refused()
