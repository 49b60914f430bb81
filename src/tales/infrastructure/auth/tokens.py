"""Access tokens: JSON Web Tokens (RFC 7519) in the shape of Supabase's, signed with a secret of ours."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import jwt

from tales.application.ports import Clock
from tales.domain.actor import Actor
from tales.domain.errors import NotSignedIn

AUDIENCE = "authenticated"
_ALGORITHM = "HS256"
_REQUIRED = ("exp", "sub", "aud")


class JwtTokens:
    """See `tales.application.ports.TokenIssuer`."""

    lifetime = 3600

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def issue(self, actor: Actor) -> str:
        """A signed token for `actor`, good for `lifetime` seconds."""
        now = self._clock.now()
        claims = {
            "sub": str(actor.user_id),
            "aud": AUDIENCE,
            "role": "authenticated",
            "iat": now,
            "exp": now + timedelta(seconds=self.lifetime),
            "app_metadata": {"role": "admin"} if actor.is_admin else {},
        }
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def read(self, token: str) -> Actor:
        """Who brings this token. Raises: NotSignedIn."""
        try:
            claims = jwt.decode(
                token, self._secret, algorithms=[_ALGORITHM], audience=AUDIENCE, options={"require": list(_REQUIRED)}
            )
            user_id = UUID(claims["sub"])
        except (jwt.InvalidTokenError, ValueError):
            raise NotSignedIn("This token is not valid, or no longer. Sign in again.") from None
        metadata = claims.get("app_metadata")
        # Never user_metadata: users can edit that (decision 14).
        return Actor(user_id, is_admin=isinstance(metadata, dict) and metadata.get("role") == "admin")
