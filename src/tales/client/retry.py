"""When a client asks again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff and Jitter", 2015).

    The pause before the n-th repetition is drawn evenly from 0 to `base * 2 ** (n - 1)` seconds, at most `ceiling`.
    A `Retry-After` is waited for on top of it; one of more than `longest_wait` seconds is left to the caller.
    `times` is how often a request is repeated at most; 0 for never.
    """

    times: int = 4
    base: float = 0.5
    ceiling: float = 8.0
    longest_wait: float = 60.0

    def pause(self, repetition: int, retry_after: float | None = None) -> float | None:
        """Seconds before this repetition, counted from 1; None: give up."""
        if repetition > self.times or (retry_after or 0.0) > self.longest_wait:
            return None
        longest = min(self.ceiling, self.base * 2.0 ** min(repetition - 1, 100))
        return (retry_after or 0.0) + random.uniform(0.0, longest)  # noqa: S311 -- pauses need no cryptography
