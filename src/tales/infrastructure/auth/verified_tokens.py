"""A token's signature is verified when the token first comes: what it says does not change, only the time does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import jwt

from tales.application.ports import Clock
from tales.domain.actor import Actor
from tales.domain.errors import Unauthenticated
from tales.infrastructure.auth.claims import LEEWAY, Expected, refused

CAPACITY = 10_000
"""Tokens that are remembered at most, by their hashes: 4.5 MB."""


@dataclass(frozen=True, slots=True)
class _Verified:
    actor: Actor
    key: jwt.PyJWK | str
    refused_from: int
    """In seconds since 1970."""


@dataclass(frozen=True, slots=True)
class VerifiedTokens:
    """Tokens that are as `expected`, and whom their claims name by `actor_of`.

    What is remembered of a token counts for the key that verified it alone, and until the token expires. Whether the
    session still lasts is the database's to say, at each request.
    """

    expected: Expected
    clock: Clock
    actor_of: Callable[[dict[str, Any]], Actor]
    _known: dict[bytes, _Verified] = field(default_factory=dict)

    def read(self, token: str, key: jwt.PyJWK | str, algorithm: str) -> Actor:
        """Who brings this `token`, which `key` has signed by exactly this `algorithm`. Raises: Unauthenticated."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._known.get(digest)
        if known is None or known.key is not key:
            known = self._verify(token, key, algorithm)
            self._remember(digest, known)
        if known.refused_from <= self.clock.now().timestamp():
            del self._known[digest]
            raise refused()
        return known.actor

    def read_any(self, token: str, keys: Iterable[str], algorithm: str) -> Actor:
        """The same for whichever of these `keys` has signed it. Raises: Unauthenticated."""
        for key in keys:
            with suppress(Unauthenticated):
                return self.read(token, key, algorithm)
        raise refused()

    def _verify(self, token: str, key: jwt.PyJWK | str, algorithm: str) -> _Verified:
        claims = self.expected.claims(token, key, algorithm)
        return _Verified(self.actor_of(claims), key, int(claims["exp"]) + LEEWAY)

    def _remember(self, digest: bytes, known: _Verified) -> None:
        # The one that came first goes first: it is the nearest to its end, where tokens live equally long.
        if len(self._known) >= CAPACITY:
            del self._known[next(iter(self._known))]
        self._known[digest] = known
