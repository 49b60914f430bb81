"""The attempts of one generation, one after another, as the service itself would have tried again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from benchmarks.history.plan import CLASSIC, MODELS, OUTAGE_DAYS, PRICE_CHANGE_DAY, SWIFT, ModelNature
from tales.domain.failures import Failure, FailureKind
from tales.domain.retry import RetryPolicy

_OUTAGE = 0.7
_TIMEOUTS = (FailureKind.FIRST_TOKEN_TIMEOUT, FailureKind.IDLE_TIMEOUT, FailureKind.DEADLINE)
_SECONDS = {FailureKind.FIRST_TOKEN_TIMEOUT: 30.0, FailureKind.IDLE_TIMEOUT: 45.0, FailureKind.DEADLINE: 120.0}
_ANSWERED = {FailureKind.TRUNCATED, FailureKind.REFUSAL, FailureKind.TOO_SHORT}
_UNKNOWN_COST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeAttempt:
    """One attempt as it was. `cost` in US dollars and tokens are those of an answer; None without one."""

    number: int
    model: str
    created_at: datetime
    available_at: datetime
    started_at: datetime
    first_token_at: datetime | None
    completed_at: datetime
    reason: FailureKind | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: float | None

    @property
    def status(self) -> str:
        """How it ended."""
        return "success" if self.reason is None else str(Failure(self.reason, "").status)


def attempts_of(
    random: Random, policy: RetryPolicy, asked_at: datetime, day: int, tokens: tuple[int, int]
) -> Iterator[MadeAttempt]:
    """One after another until a story or the end. `tokens`: of the prompt, and of a story as long as was asked for."""
    used = [policy.models[0]]
    created_at = available_at = asked_at
    while True:
        made = _attempt(random, used, (created_at, available_at), day, tokens)
        yield made
        if made.reason is None:
            return
        following = policy.next_attempt(used, Failure(made.reason, ""), random.uniform)
        if following is None:
            return
        used.append(following.model)
        created_at = made.completed_at
        available_at = created_at + timedelta(seconds=following.delay)


def _attempt(
    random: Random, used: Sequence[str], times: tuple[datetime, datetime], day: int, tokens: tuple[int, int]
) -> MadeAttempt:
    model, (created_at, available_at) = MODELS[used[-1]], times
    started_at = available_at + timedelta(seconds=random.expovariate(4.0))
    reason = _reason(random, model, day)
    first = model.first_token * random.lognormvariate(0.0, 0.5)
    written = round(tokens[1] * random.uniform(0.8, 1.2)) if reason is None or reason in _ANSWERED else None
    if reason in {FailureKind.TOO_SHORT, FailureKind.REFUSAL}:
        written = random.randint(8, 60)
    if written is not None:
        seconds = first + written / (model.tokens_per_second * random.lognormvariate(0.0, 0.25))
    else:
        seconds = _SECONDS.get(reason, 0.0) if reason else 0.0
        seconds = seconds or random.uniform(0.1, 2.0)
    is_unknown = written is None or random.random() < _UNKNOWN_COST
    return MadeAttempt(
        number=len(used),
        model=model.name,
        created_at=created_at,
        available_at=available_at,
        started_at=started_at,
        first_token_at=started_at + timedelta(seconds=first) if written is not None else None,
        completed_at=started_at + timedelta(seconds=seconds),
        reason=reason,
        prompt_tokens=None if written is None else tokens[0],
        completion_tokens=written,
        cost=None if is_unknown or written is None else _cost(model, day, tokens[0], written),
    )


def _reason(random: Random, model: ModelNature, day: int) -> FailureKind | None:
    drawn = random.random()
    if model is SWIFT and day in OUTAGE_DAYS and drawn < _OUTAGE:
        return random.choice((FailureKind.PROVIDER_UNAVAILABLE, FailureKind.FIRST_TOKEN_TIMEOUT))
    if drawn < model.timeout:
        return random.choice(_TIMEOUTS)
    return random.choice(model.reasons) if drawn < model.timeout + model.failure else None


def _cost(model: ModelNature, day: int, prompt_tokens: int, completion_tokens: int) -> float:
    halved = 0.5 if model is CLASSIC and day >= PRICE_CHANGE_DAY else 1.0
    price = prompt_tokens * model.prompt_price + completion_tokens * model.completion_price
    return round(halved * price / 1e6, 9)
