"""How much one user may ask of the service: what an operator sets, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tales.domain.errors import TooManyRequests

DAY = timedelta(days=1)
"""Not a day of the calendar: it ends 24 hours after whatever is counted, in every time zone."""

SOON = 5.0
"""Seconds after which one of several stories may be finished."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a user has asked for within the last `DAY`.

    `in_flight` generations have not ended. `oldest_leaves_in`: seconds until the oldest of the `asked` is a day old.
    """

    asked: int
    in_flight: int
    oldest_leaves_in: float


@dataclass(frozen=True, slots=True)
class GenerationLimits:
    """How many generations one user may ask for within a `DAY`, and have at a time; None: as many as they like."""

    per_day: int | None = None
    concurrent: int | None = None

    @property
    def are_set(self) -> bool:
        """Whether there is anything to check."""
        return self.per_day is not None or self.concurrent is not None

    def check(self, usage: Usage) -> None:
        """Pass when one more generation is within the limits. Raises: TooManyRequests."""
        if self.per_day is not None and usage.asked >= self.per_day:
            message = f"You may ask for {_stories(self.per_day)} within 24 hours, and have. Ask again later."
            raise TooManyRequests(max(usage.oldest_leaves_in, 0.0), message, limit="generations_per_day")
        if self.concurrent is not None and usage.in_flight >= self.concurrent:
            message = (
                f"You may have {_stories(self.concurrent)} written at a time, and have. Wait for one, or cancel it."
            )
            raise TooManyRequests(SOON, message, limit="concurrent_generations")


NO_LIMITS = GenerationLimits()


def check_request_rate(per_minute: int, wait: float) -> None:
    """Pass when a request need not wait. `wait` in seconds. Raises: TooManyRequests."""
    if wait > 0:
        message = f"You may send {per_minute} requests a minute, and have sent more. Send them more slowly."
        raise TooManyRequests(wait, message, limit="requests_per_minute")


def _stories(count: int) -> str:
    return "one story" if count == 1 else f"{count} stories"
