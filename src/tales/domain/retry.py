"""Whether, when and with which model a generation is tried again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tales.domain.failures import FALLBACK_KINDS, RETRYABLE, Failure, FailureKind


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The next call to make: with which model, and in how many seconds."""

    model: str
    delay: float


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter, along a chain of models.

    Every failure moves on to the first model of the chain that has not been tried: most failures are a model's own
    (its limit, its outage, its refusal), so another one is the likelier cure, and what an operator lists models for.
    Only a lost worker says nothing about the model, which is kept; and one whose request is mended is asked
    again at once. Where every model has been tried, the last one
    is tried again; a chain of one model is so simply repeated.

    The delay before attempt n + 1 is drawn evenly from 0 to `base * 2 ** (n - 1)` seconds, at most `ceiling`
    (AWS Architecture Blog, "Exponential Backoff and Jitter", 2015), for another model too, because all of them may
    sit behind one provider. A `Retry-After` is the least that the same model is left alone, up to
    `retry_after_ceiling` seconds; a longer one moves on to the next model at once, and ends the generation where
    there is none. So does a failure that the same model would only repeat.
    """

    models: tuple[str, ...]
    max_attempts: int = 3
    base: float = 1.0
    ceiling: float = 30.0
    retry_after_ceiling: float = 120.0

    def next_attempt(
        self, used: Sequence[str], failure: Failure, jitter: Callable[[float, float], float]
    ) -> NextAttempt | None:
        """The attempt after those with the models `used`, the last of which ended in `failure`; or None: stop.

        `used` holds at least one model. `jitter(low, high)` draws a float evenly between the two, as
        `random.uniform` does.
        """
        if len(used) >= self.max_attempts:
            return None
        if failure.is_mended:
            return NextAttempt(used[-1], 0.0)
        another = None if failure.kind is FailureKind.WORKER_LOST else self._untried_model(used)
        retryable = failure.retryable if failure.retryable is not None else failure.kind in RETRYABLE
        asked_wait = max(failure.retry_after or 0.0, 0.0)
        if retryable and asked_wait <= self.retry_after_ceiling:
            backoff = jitter(0.0, self._longest_backoff(len(used)))
            return NextAttempt(another, backoff) if another else NextAttempt(used[-1], asked_wait + backoff)
        if another and (retryable or failure.kind in RETRYABLE | FALLBACK_KINDS):
            return NextAttempt(another, 0.0)
        return None

    def _longest_backoff(self, attempts: int) -> float:
        """Seconds. The exponent is bounded because floats refuse to grow past 2 ** 1023."""
        return min(self.ceiling, self.base * 2.0 ** min(attempts - 1, 1000))

    def _untried_model(self, used: Sequence[str]) -> str | None:
        return next((model for model in self.models if model not in used), None)
