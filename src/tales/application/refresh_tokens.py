"""Refresh tokens: what prolongs a session, once each."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from tales.domain.actor import Actor

IDLE = timedelta(days=30)
"""A session that is not prolonged for so long has ended."""

LONGEST = timedelta(days=365)
"""And so has one that began so long ago: the password is asked for again."""

_BYTES = 32


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whom an access token may be given to, and what prolongs the session."""

    actor: Actor
    refresh_token: str


def new_refresh_token() -> str:
    """256 random bits, in characters that a URL takes as they are."""
    return secrets.token_urlsafe(_BYTES)


def expiry(created_at: datetime, now: datetime) -> datetime:
    """When a session that began at `created_at` ends unless it is prolonged again."""
    return min(now + IDLE, created_at + LONGEST)
