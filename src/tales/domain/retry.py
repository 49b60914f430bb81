"""Whether, when and with which model a generation is tried again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tales.domain.failures import RETRYABLE, WORTH_ANOTHER_MODEL, Failure


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The next call to make: with which model, and in how many seconds."""

    model: str
    delay: float


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter over a chain of models.

    The delay before attempt n + 1 is drawn evenly from 0 to `base * 2 ** (n - 1)` seconds, at most `ceiling`
    (AWS Architecture Blog, "Exponential Backoff and Jitter", 2015). A provider's `Retry-After` is the least
    that is waited, up to `retry_after_ceiling` seconds; a longer one moves on to the next model at once, and
    ends the generation where there is none.
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

        `jitter(low, high)` draws a float evenly between the two, as `random.uniform` does.
        """
        if len(used) >= self.max_attempts:
            return None
        retryable = failure.retryable if failure.retryable is not None else failure.kind in RETRYABLE
        patient = failure.retry_after is None or failure.retry_after <= self.retry_after_ceiling
        another = self._another_model(used)
        if retryable and patient:
            model = another or used[-1]
            backoff = jitter(0.0, min(self.ceiling, self.base * 2.0 ** (len(used) - 1)))
            waits_for_provider = model == used[-1] and failure.retry_after is not None
            return NextAttempt(model, backoff + (failure.retry_after or 0.0) if waits_for_provider else backoff)
        if another is not None and (retryable or failure.kind in WORTH_ANOTHER_MODEL):
            return NextAttempt(another, 0.0)
        return None

    def _another_model(self, used: Sequence[str]) -> str | None:
        """The first model of the chain, behind the one used last, that has not been tried."""
        start = self.models.index(used[-1]) + 1 if used[-1] in self.models else 0
        return next((model for model in self.models[start:] if model not in used), None)
