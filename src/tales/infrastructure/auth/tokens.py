"""Access tokens of our own: JSON Web Tokens (RFC 7519) in the shape of Supabase's, signed with a secret of ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt

from tales.application.ports import Clock, TokenIssuer, TokenReader
from tales.domain.actor import Actor
from tales.infrastructure.auth.claims import Expected, actor_of, uuid_or_none
from tales.infrastructure.auth.verified_tokens import VerifiedTokens

ALGORITHM = "HS256"


class JwtTokens(TokenIssuer, TokenReader):
    """Signed with one secret, and read with that or a previous one, until all that it has signed has expired."""

    lifetime = 3600

    def __init__(
        self, secret: str, clock: Clock, expected: Expected | None = None, previous: tuple[str, ...] = ()
    ) -> None:
        self._secret = secret
        self._secrets = (secret, *previous)
        self._clock = clock
        self._expected = expected or Expected()
        self._verified = VerifiedTokens(self._expected, clock, _actor_in_session)

    def issue(self, actor: Actor) -> str:
        """A signed token for `actor`, good for `lifetime` seconds or until the actor's session ends."""
        now = self._clock.now()
        claims: dict[str, object] = {
            "sub": str(actor.user_id),
            "aud": self._expected.audience,
            "role": "authenticated",
            "iat": now,
            "exp": now + timedelta(seconds=self.lifetime),
            "app_metadata": {"role": "admin"} if actor.is_admin else {},
        }
        if self._expected.issuer is not None:
            claims["iss"] = self._expected.issuer
        if actor.session_id is not None:
            claims["session_id"] = str(actor.session_id)
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    async def read(self, token: str) -> Actor:
        return self._verified.read_any(token, self._secrets, ALGORITHM)


def _actor_in_session(claims: dict[str, Any]) -> Actor:
    return replace(actor_of(claims), session_id=uuid_or_none(claims.get("session_id")))
