"""What operators ask of all calls together (specification, "Better Analytics").

Counts are of attempts unless their name says otherwise. Costs are US dollars: the sum of those that are known, and how
many ended attempts have none (decision 11). `estimated_cost_usd` is what some of those (`estimated`) may have cost by
the price list (decision 48): it is never part of a cost. Seconds are of attempts that Tales made itself: those that
were migrated have no start (decision 3), and are left out altogether unless a report is asked for them. None is "not
known".
Intervals are at 95 % (`tales.domain.statistics`). Properties are figures too: every interface shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

from tales.domain.prices import Estimate
from tales.domain.statistics import Interval, difference, mean_interval, share, wilson

GOOD = 8
"""From this rating on a story is a good one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """How one model does. `migrated` attempts, where they are asked for, count for tokens, cost and ratings alone.

    `tokens_per_second`: those that were written, by the time of the whole calls that wrote them.
    """

    model_used: str
    attempts: int
    success: int
    failed: int
    timeout: int
    pending: int
    migrated: int
    seconds_p50: float | None
    seconds_p95: float | None
    seconds_p99: float | None
    first_token_seconds_p50: float | None
    first_token_seconds_p95: float | None
    first_token_seconds_p99: float | None
    tokens_per_second: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Decimal | None
    cost_unknown: int
    ratings: int
    mean_rating: float | None
    good_stories: int
    estimated_cost_usd: Decimal | None = None
    estimated: int = 0

    @property
    def ended(self) -> int:
        """The attempts that Tales made and that have ended."""
        return self.success + self.failed + self.timeout

    @property
    def success_rate(self) -> float | None:
        """Of what has ended."""
        return share(self.success, self.ended)

    @property
    def success_interval(self) -> Interval | None:
        """Where the rate of success lies."""
        return wilson(self.success, self.ended)

    @property
    def failed_interval(self) -> Interval | None:
        """Where the rate of failures lies."""
        return wilson(self.failed, self.ended)

    @property
    def timeout_interval(self) -> Interval | None:
        """Where the rate of timeouts lies."""
        return wilson(self.timeout, self.ended)

    @property
    def cost_per_call_usd(self) -> Decimal | None:
        """The mean of the known costs."""
        return _per(self.cost_usd, self.ended + self.migrated - self.cost_unknown)

    @property
    def cost_per_story_usd(self) -> Decimal | None:
        """What is known of all its calls, by the stories that came of them."""
        return _per(self.cost_usd, self.success + self.migrated)

    @property
    def cost_per_good_story_usd(self) -> Decimal | None:
        """The same by the stories that were rated 8 or better."""
        return _per(self.cost_usd, self.good_stories)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRow:
    """How many generations took so many attempts, and how many of them gave a story."""

    attempts: int
    generations: int
    succeeded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonRow:
    """Why attempts gave no story, how many of those were tried again, and how many of their generations gave one."""

    error_type: str | None
    attempts: int
    retried: int
    recovered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstFailureRow:
    """How first attempts failed, how many of their generations were tried again, and how many of those gave a story."""

    error_type: str | None
    generations: int
    retried: int
    rescued: int

    @property
    def rescued_interval(self) -> Interval | None:
        """Where the share of the retried ones that retries rescue lies."""
        return wilson(self.rescued, self.retried)


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueRow:
    """What the attempts with one number gave, and what they added: seconds (the pause and the call) and cost."""

    attempt_number: int
    attempts: int
    rescued: int
    seconds_mean: float | None
    cost_usd: Decimal | None
    cost_unknown: int

    @property
    def rescued_interval(self) -> Interval | None:
        """Where the share that gives a story lies."""
        return wilson(self.rescued, self.attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutRow:
    """How often a model's attempts timed out for one reason, and as which share of all that have ended."""

    model_used: str
    error_type: str | None
    timeouts: int
    share: float
    seconds_p50: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRow:
    """What did not succeed of the attempts that have one thing in common, in the period and in the one before it.

    `dimension`: model_used, error_type, hour, weekday (1 is Monday) or prompt_length (characters). `ended` are all that
    this could have happened to: for an error_type, every attempt.
    """

    dimension: str
    value: str
    ended: int
    failed: int
    timeout: int
    before_ended: int
    before_failed: int
    before_timeout: int

    @property
    def rate(self) -> float | None:
        """The share that failed or timed out."""
        return share(self.failed + self.timeout, self.ended)

    @property
    def interval(self) -> Interval | None:
        """Where that share lies."""
        return wilson(self.failed + self.timeout, self.ended)

    @property
    def before_rate(self) -> float | None:
        """The share of the period before."""
        return share(self.before_failed + self.before_timeout, self.before_ended)

    @property
    def change(self) -> Interval | None:
        """By how much the share has changed; without 0 in it, more than by chance."""
        now, before = self.failed + self.timeout, self.before_failed + self.before_timeout
        return difference(now, self.ended, before, self.before_ended)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """What a model cost on a day of the report's time zone."""

    day: date
    model_used: str
    attempts: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Decimal | None
    cost_unknown: int
    estimated_cost_usd: Decimal | None = None
    estimated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CostShareRow:
    """What the attempts cost that have one thing in common: user_id (the dearest 20), model_used or story_type.

    The row of dimension `all` is the sum. `failed_cost_usd` is what those without a story cost.
    """

    dimension: str
    value: str
    attempts: int
    cost_usd: Decimal | None
    failed_cost_usd: Decimal | None
    cost_unknown: int
    estimated_cost_usd: Decimal | None = None
    estimated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRow:
    """How one version of the prompt does with one model. `unusable`: an answer that came and was no story.

    `refused`: the model refused; `length_missed`: too short, too long, or cut off. `timed` calls have their seconds.
    """

    prompt_version: str | None
    model_used: str
    attempts: int
    success: int
    pending: int
    unusable: int
    refused: int
    length_missed: int
    ratings: int
    mean_rating: float | None
    rating_deviation: float | None
    timed: int
    seconds_p50: float | None
    seconds_p95: float | None
    seconds_mean: float | None
    seconds_deviation: float | None
    completion_tokens_p50: float | None
    cost_usd: Decimal | None
    cost_unknown: int
    cost_deviation: float | None

    @property
    def success_rate(self) -> float | None:
        """Of what has ended."""
        return share(self.success, self.attempts - self.pending)

    @property
    def success_interval(self) -> Interval | None:
        """Where the rate of success lies."""
        return wilson(self.success, self.attempts - self.pending)

    @property
    def refusal_interval(self) -> Interval | None:
        """Where the rate of refusals lies."""
        return wilson(self.refused, self.attempts - self.pending)

    @property
    def length_kept_rate(self) -> float | None:
        """Of stories, and of what would have been one but for its length."""
        return share(self.success, self.success + self.length_missed)

    @property
    def length_kept_interval(self) -> Interval | None:
        """Where that rate lies."""
        return wilson(self.success, self.success + self.length_missed)

    @property
    def rating_interval(self) -> Interval | None:
        """Where the mean rating lies."""
        return mean_interval(self.mean_rating, self.rating_deviation, self.ratings)

    @property
    def seconds_interval(self) -> Interval | None:
        """Where the mean of the seconds lies."""
        return mean_interval(self.seconds_mean, self.seconds_deviation, self.timed)

    @property
    def cost_per_call_usd(self) -> Decimal | None:
        """The mean of the known costs."""
        return _per(self.cost_usd, self.attempts - self.pending - self.cost_unknown)

    @property
    def cost_interval(self) -> Interval | None:
        """Where that mean lies."""
        mean, known = self.cost_per_call_usd, self.attempts - self.pending - self.cost_unknown
        return mean_interval(None if mean is None else float(mean), self.cost_deviation, known)

    @property
    def cost_per_story_usd(self) -> Decimal | None:
        """What is known of all its calls, by the stories that came of them."""
        return _per(self.cost_usd, self.success)


def figures(row: object) -> dict[str, object]:
    """All figures of a row by their names, in order: its fields, then what is computed out of them."""
    named = [field.name for field in fields(row)]  # type: ignore[arg-type]  # every row is a dataclass
    named += [name for name, value in vars(type(row)).items() if isinstance(value, property)]
    return {name: getattr(row, name) for name in named}


EstimatedRow = TypeVar("EstimatedRow", ModelRow, CostRow, CostShareRow)


def with_estimate(row: EstimatedRow, estimate: Estimate | None) -> EstimatedRow:
    """The row, with what the price list says of its calls beside what they are known to have cost."""
    if estimate is None:
        return row
    return replace(row, estimated_cost_usd=estimate.usd, estimated=estimate.attempts)


def total(costs: Sequence[Decimal | None]) -> Decimal | None:
    """The sum of the known ones; None where none is known."""
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if known else None


def _per(cost: Decimal | None, count: int) -> Decimal | None:
    return None if cost is None or count <= 0 else round(cost / count, 12)
