"""How much one user may ask of the service: what an operator sets, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass

from tales.domain.budgets import REFUSALS, PriceUnknown
from tales.domain.errors import QueueFull, TooManyRequests

SOON = 5.0
"""Seconds after which one of several stories may be finished."""


@dataclass(frozen=True, slots=True)
class GenerationLimits:
    """How many generations one user may ask for within 24 hours, and have at a time; None: as many as they like.

    Not a day of the calendar: it ends 24 hours after whatever is counted, in every time zone. `waiting`: how many
    attempts of all users may wait for a worker.
    """

    per_day: int | None = None
    concurrent: int | None = None
    waiting: int | None = None

    def error(self, limit: str, retry_after: float | None) -> TooManyRequests | QueueFull | PriceUnknown:
        """What is told when this limit was reached. `retry_after` in seconds; None: as soon as a story has ended."""
        if limit == "queue":
            return QueueFull()
        if limit == "price":
            return PriceUnknown()
        messages = {
            "generations_per_day": f"You may ask for {_stories(self.per_day)} within 24 hours, and have. "
            "Ask again later.",
            "concurrent_generations": f"You may have {_stories(self.concurrent)} written at a time, and have. "
            "Wait for one, or cancel it.",
            **REFUSALS,
        }
        return TooManyRequests(SOON if retry_after is None else retry_after, messages[limit], limit=limit)


NO_LIMITS = GenerationLimits()


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """How many streams of events a server has open, for one user and in all; None: as many as are asked for."""

    per_user: int | None = None
    in_all: int | None = None

    def check(self, of_user: int, in_all: int) -> None:
        """Pass when one more is within the limits. Raises: TooManyRequests."""
        if self.per_user is not None and of_user >= self.per_user:
            message = f"You may follow {_stories(self.per_user)} at a time, and do. Close a stream, or wait."
            raise TooManyRequests(SOON, message, limit="streams_per_user")
        if self.in_all is not None and in_all >= self.in_all:
            message = (
                f"This server has {self.in_all} streams of events at a time, and all are in use. Try again soon, or "
                "ask for the generation itself."
            )
            raise TooManyRequests(SOON, message, limit="streams")


def check_request_rate(per_minute: int, wait: float) -> None:
    """Pass when a request need not wait. `wait` in seconds. Raises: TooManyRequests."""
    if wait > 0:
        message = f"You may send {per_minute} requests a minute, and have sent more. Send them more slowly."
        raise TooManyRequests(wait, message, limit="requests_per_minute")


def _stories(count: int | None) -> str:
    return "one story" if count == 1 else f"{count} stories"
