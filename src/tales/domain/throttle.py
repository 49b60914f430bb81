"""How often somebody may try to get in: a few times at will, then after a pause that doubles up to a longest one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FORGOTTEN_AFTER = timedelta(days=1)
"""Attempts longer ago than this do not count."""


class LoginKind(StrEnum):
    """What is attempted."""

    SIGN_IN = "sign_in"
    SIGN_UP = "sign_up"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many attempts there were, and when the last one was."""

    attempts: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class ThrottlePolicy:
    """`free` attempts at will, then one after each pause: of `first_pause` seconds, doubling up to `longest_pause`.

    The longest pause is what keeps an attacker from locking a family out for ever.
    """

    free: int
    first_pause: float
    longest_pause: float

    def wait(self, tally: Counts, now: datetime) -> float:
        """Seconds until the next attempt is allowed; 0 when it is allowed now."""
        if tally.attempts < self.free or tally.last_at is None:
            return 0.0
        doublings = min(tally.attempts - self.free, 64)
        pause = min(self.first_pause * 2.0**doublings, self.longest_pause)
        return max(0.0, pause - (now - tally.last_at).total_seconds())


BY_ADDRESS = {
    LoginKind.SIGN_IN: ThrottlePolicy(free=10, first_pause=1, longest_pause=900),
    LoginKind.SIGN_UP: ThrottlePolicy(free=10, first_pause=1, longest_pause=900),
}
BY_CLIENT = {
    # Many families may share one address of a network.
    LoginKind.SIGN_IN: ThrottlePolicy(free=50, first_pause=1, longest_pause=900),
    LoginKind.SIGN_UP: ThrottlePolicy(free=20, first_pause=60, longest_pause=3600),
}
