"""What operators ask of all calls together (specification, "Better Analytics").

Counts are of attempts unless their name says otherwise. Costs are US dollars: the sum of those that are known, and how
many ended attempts have none (decision 11). Seconds are of attempts that Tales made itself: those that were migrated
have no start (decision 3). None is "not known".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """How one model does. `success_rate` is of what has ended; migrated attempts count for the costs alone."""

    model_used: str
    attempts: int
    success: int
    failed: int
    timeout: int
    pending: int
    migrated: int
    success_rate: float | None
    seconds_p50: float | None
    seconds_p95: float | None
    first_token_seconds_p50: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Decimal | None
    cost_unknown: int


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
class TimeoutRow:
    """How often a model's attempts timed out for one reason, and as which share of all that have ended."""

    model_used: str
    error_type: str | None
    timeouts: int
    share: float
    seconds_p50: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """What a model cost on a day (UTC)."""

    day: date
    model_used: str
    attempts: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: Decimal | None
    cost_unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRow:
    """How one version of the prompt does with one model. `unusable`: empty, cut off, too short, or a refusal."""

    prompt_version: str | None
    model_used: str
    attempts: int
    success: int
    unusable: int
    success_rate: float | None
    completion_tokens_p50: float | None
    cost_usd: Decimal | None
    cost_unknown: int
