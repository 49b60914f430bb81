"""Where a client keeps the tokens of its user."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from tales.client.models import Token

SPARE_SECONDS = 30.0
"""A token that ends within this time is renewed before it is sent."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token, and what renews it. `expires_at` in seconds since 1970. Its repr holds no token."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None

    @classmethod
    def received(cls, token: Token, before: Tokens | None = None) -> Tokens:
        """What the service has just given; a refresh token that it does not replace stays good."""
        expires_at = None if token.expires_in is None else time.time() + token.expires_in
        kept = before.refresh_token if before else None
        return cls(token.access_token, token.refresh_token or kept, expires_at)

    @property
    def ends_soon(self) -> bool:
        """Whether the access token is no longer worth sending."""
        return self.expires_at is not None and time.time() > self.expires_at - SPARE_SECONDS


class TokenStore(Protocol):
    """Keeps the tokens of one user of one server, perhaps for several clients."""

    def read(self) -> Tokens | None:
        """The tokens, or None when nobody is signed in."""

    def write(self, tokens: Tokens | None) -> None:
        """Keep these instead."""

    def exclusive(self) -> AbstractContextManager[None]:
        """While it is held, no other client of this store renews: a refresh token is good for one use."""


class MemoryTokens(TokenStore):
    """Tokens for as long as the program runs."""

    def __init__(self, tokens: Tokens | None = None) -> None:
        self._tokens = tokens

    def read(self) -> Tokens | None:
        return self._tokens

    def write(self, tokens: Tokens | None) -> None:
        self._tokens = tokens

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        yield
