"""What the world was like in a history: its models, its users, its seasons, and what went wrong in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

from tales.domain.failures import FailureKind

DAYS = 365
OUTAGE_DAYS = range(200, 203)
"""The days of the year on which `swift/mini` mostly failed."""
PRICE_CHANGE_DAY = 180
"""From here on `classic/large` cost half of what it had."""
SECOND_PROMPT_DAY = 120
"""From here on every other generation was asked for with `bedtime-2`."""
MIGRATED_DAYS = 20
"""On these first days some stories came from the time before attempts were kept."""

LANGUAGES = ("en", "de", "fr", "es", "ru")
LANGUAGE_WEIGHTS = (60, 15, 10, 10, 5)
STORY_TYPES = ("child", "hero", "combined")
STORY_TYPE_WEIGHTS = (60, 25, 15)
# Children go to bed at the same time everywhere, by UTC some hours apart.
_HOURS = (1, 1, 1, 1, 1, 2, 3, 3, 2, 2, 2, 3, 3, 3, 4, 6, 10, 20, 34, 40, 30, 14, 6, 2)


@dataclass(frozen=True, slots=True)
class ModelNature:
    """How a model was. Seconds of the median; prices in US dollars a million tokens; shares of its calls."""

    name: str
    first_token: float
    tokens_per_second: float
    prompt_price: float
    completion_price: float
    failure: float
    timeout: float
    rating: float
    reasons: Sequence[FailureKind]


SWIFT = ModelNature(
    *("swift/mini", 0.6, 95.0, 0.15, 0.6, 0.03, 0.01, 7.4),
    (FailureKind.RATE_LIMITED, FailureKind.SERVER_ERROR, FailureKind.TOO_SHORT),
)
CLASSIC = ModelNature(
    *("classic/large", 1.8, 38.0, 2.5, 10.0, 0.015, 0.035, 8.3),
    (FailureKind.OVERLOADED, FailureKind.TRUNCATED, FailureKind.CONTENT_POLICY),
)
BUDGET = ModelNature(
    *("budget/tiny", 0.9, 60.0, 0.02, 0.05, 0.12, 0.02, 6.1),
    (FailureKind.REFUSAL, FailureKind.TOO_SHORT, FailureKind.EMPTY, FailureKind.INVALID_REQUEST),
)
MODELS = {model.name: model for model in (SWIFT, CLASSIC, BUDGET)}
CHAINS = (
    (SWIFT.name, CLASSIC.name, BUDGET.name),
    (CLASSIC.name, SWIFT.name, BUDGET.name),
    (BUDGET.name, SWIFT.name, CLASSIC.name),
)
"""In which order generations tried the models: the first one is what was asked for."""
CHAIN_WEIGHTS = (70, 20, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPlan:
    """`attempts`: about how many; whole generations are written until there are as many. `until`: the day after it.

    `users`: None for one to each 40 attempts. `texts`: how long prompts and stories are, 1.0 as they really are.
    `days`: the last days of the year, in which all attempts are; the days before them stay empty.
    """

    attempts: int
    seed: int = 1
    until: date = date(2026, 11, 1)
    users: int | None = None
    texts: float = 0.2
    migrated: float = 0.2
    days: int = DAYS

    @property
    def begin(self) -> datetime:
        """The first moment of the year."""
        return datetime(self.until.year, self.until.month, self.until.day, tzinfo=UTC) - timedelta(days=DAYS)

    def at(self, day: int) -> datetime:
        """The first moment of a day, counted from 0."""
        return self.begin + timedelta(days=day)

    @property
    def user_count(self) -> int:
        """How many families there were."""
        return self.users or self.attempts // 40 + 3

    def day_weights(self) -> list[float]:
        """How busy each day was: more each month, more on weekends, most in December."""
        days = (self.begin + timedelta(days=n) for n in range(DAYS))
        return [
            (0.6 + n / DAYS) * (1.25 if day.weekday() >= 5 else 1.0) * (1.5 if day.month == 12 else 1.0)
            for n, day in enumerate(days)
        ]


def moments(random: Random, begin: datetime, count: int) -> list[datetime]:
    """When a day's generations were asked for, in order."""
    hours = random.choices(range(24), weights=_HOURS, k=count)
    return sorted(begin + timedelta(hours=hour, seconds=random.random() * 3600) for hour in hours)
