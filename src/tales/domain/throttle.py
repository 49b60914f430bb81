"""How often somebody may try to get in: a few times at will, then after a pause that doubles up to a longest one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FORGOTTEN_AFTER = timedelta(days=1)
"""Attempts longer ago than this do not count."""

FREE = 10
"""Attempts of one client for one address that are no sign of guessing."""

TURN_KEPT = timedelta(minutes=5)
"""For so long a turn waits for whom it was given to."""

LONGEST_LINE = 3600.0
"""Seconds ahead for which turns are given away: whoever would wait longer has no place in the line."""


class LoginKind(StrEnum):
    """What is attempted."""

    SIGN_IN = "sign_in"
    SIGN_UP = "sign_up"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many attempts there were, and when the last one was, or will be."""

    attempts: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class ThrottlePolicy:
    """`free` attempts at will, then one after each pause: of `first_pause` seconds, doubling up to `longest_pause`."""

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


NEWCOMERS = ThrottlePolicy(FREE, first_pause=1, longest_pause=10)
"""For one address, all clients together that have tried it less than `FREE` times."""
REPEATERS = ThrottlePolicy(free=0, first_pause=1, longest_pause=300)
"""And all those that have tried it that often. They wait for each other, and no newcomer waits for them."""
# Nobody fills a family's letter box.
_MAIL_NEWCOMERS = ThrottlePolicy(FREE, first_pause=60, longest_pause=3600)
_MAIL_REPEATERS = ThrottlePolicy(free=0, first_pause=60, longest_pause=3600)
AT_HOME = ThrottlePolicy(FREE, first_pause=1, longest_pause=300)
"""A client that holds a session of this address: it waits for nobody else."""
BY_CLIENT = {
    # Many families may share one address of a network.
    LoginKind.SIGN_IN: ThrottlePolicy(free=50, first_pause=1, longest_pause=900),
    LoginKind.SIGN_UP: ThrottlePolicy(free=20, first_pause=60, longest_pause=3600),
    LoginKind.MAIL: ThrottlePolicy(free=20, first_pause=60, longest_pause=3600),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a client stands that wants to try an address.

    `own`: what it has tried there. `turn_at`: when it was told to come again. `line`: what those have tried with whom
    it waits, and the last turn that one of them was given; None at home. `elsewhere`: what it has tried at any address.
    """

    own: Counts
    turn_at: datetime | None
    line: Counts | None
    elsewhere: Counts

    def wait_in_line(self, kind: LoginKind, now: datetime) -> float:
        """Seconds until it is this client's turn at the address; 0 when that is now."""
        if self.line is None:
            return AT_HOME.wait(self.own, now)
        if self.turn_at is not None and now <= self.turn_at + TURN_KEPT:
            return max(0.0, (self.turn_at - now).total_seconds())
        of_mail = kind is LoginKind.MAIL
        newcomers, repeaters = (_MAIL_NEWCOMERS, _MAIL_REPEATERS) if of_mail else (NEWCOMERS, REPEATERS)
        return (newcomers if self.own.attempts < FREE else repeaters).wait(self.line, now)
