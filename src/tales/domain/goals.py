"""What an operator lets an experiment be drawn towards, and the draw: Thompson sampling, which anybody can repeat.

An arm is a version of the prompt with a model. What is drawn of each arm is a share that it may truly have, after what
is known of it (a Beta posterior with a flat prior); the arm with the best one is asked. What is known is a snapshot: a
row that never changes. The stream of random numbers begins with the generation's id.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from random import Random
from uuid import UUID

from tales.domain.checks import check_model, checked_whole_number
from tales.domain.errors import InvalidInput
from tales.domain.story_spec import LANGUAGES, StoryType

OLD_AFTER = 3600.0
"""Seconds from which on a snapshot is not drawn by: a new one is due every five minutes."""

MOST_TRIALS = 10**12
"""More than anybody will count; of far more, no float could be drawn."""

MOST_MODELS = 8
MAX_WINDOW = 366


class GoalMeasure(StrEnum):
    """What is a hit of how many trials. The trials are first attempts that were drawn for the goal and have ended.

    `success`: they gave a story. `good`: of the stories that were rated, those rated 8 or better. `cost`: as `success`,
    to find the cheapest arm of those that succeed often enough.
    """

    SUCCESS = "success"
    GOOD = "good"
    COST = "cost"


class PassedOver(StrEnum):
    """Why a generation was drawn by the fixed weights although there was a goal."""

    NO_SNAPSHOT = "no_snapshot"
    OLD_SNAPSHOT = "old_snapshot"
    BROKEN_SNAPSHOT = "broken_snapshot"
    OTHER_ARMS = "other_arms"
    MODEL_ASKED_FOR = "model_asked_for"
    OTHER_MODEL = "other_model"
    MODEL_NOT_OFFERED = "model_not_offered"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalSettings:
    """What an operator sets for the prompts of a story type and language.

    `models` are those among which the first call's is drawn; with one alone, versions are drawn for that model.
    `floor_percent` is the least share of the stories that each arm gets: what was bad can show that it no longer is.
    `least_success_percent` is the success that is enough, for the measure `cost` alone. What is older than
    `window_days` does not count.
    Raises: InvalidInput.
    """

    story_type: StoryType
    language: str
    measure: GoalMeasure
    models: tuple[str, ...]
    floor_percent: int = 5
    least_success_percent: int = 90
    window_days: int = 30

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise InvalidInput("language", f"language is not one of {', '.join(sorted(LANGUAGES))}.")
        if not 1 <= len(self.models) <= MOST_MODELS or len(set(self.models)) < len(self.models):
            raise InvalidInput("models", f"Name from 1 to {MOST_MODELS} models, each once.")
        for model in self.models:
            check_model(model, "models")
        checked_whole_number("floor_percent", self.floor_percent, 1, 50, "percent")
        checked_whole_number("least_success_percent", self.least_success_percent, 1, 100, "percent")
        checked_whole_number("window_days", self.window_days, 1, MAX_WINDOW, "days")


@dataclass(frozen=True, slots=True, order=True)
class Arm:
    """A version of the prompt, and the model that is asked with it."""

    version: str
    model: str

    def __str__(self) -> str:
        return f"{self.version} with {self.model}"


@dataclass(frozen=True, slots=True)
class ArmRecord:
    """What is known of an arm. `mean_cost_usd` is of the trials whose cost is known; None where none is."""

    arm: Arm
    hits: int
    trials: int
    mean_cost_usd: float | None = None

    @property
    def is_sound(self) -> bool:
        """Whether anything can be drawn from it."""
        cost = self.mean_cost_usd
        return 0 <= self.hits <= self.trials <= MOST_TRIALS and (cost is None or (math.isfinite(cost) and cost >= 0))


@dataclass(frozen=True, slots=True)
class GoalSnapshot:
    """What was known of the arms of a goal at a moment."""

    id: UUID
    taken_at: datetime
    records: tuple[ArmRecord, ...]


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal that is or was set. `snapshot` is the newest, or that of the generation which is asked about.

    `snapshot_age` in seconds, when it was read.
    """

    id: UUID
    set_at: datetime
    settings: GoalSettings
    snapshot: GoalSnapshot | None = None
    snapshot_age: float = 0.0


@dataclass(frozen=True, slots=True)
class ArmDraw:
    """What came of a draw. `values` are the shares that were drawn; `by_floor`: its turn, whatever they are."""

    arm: Arm
    values: Mapping[Arm, float]
    by_floor: bool


def reason_to_pass_over(goal: Goal, arms: Collection[Arm], age: float) -> PassedOver | None:
    """Why the snapshot of `goal`, which is `age` seconds old, cannot say how to draw among `arms`; None: it can."""
    if goal.snapshot is None:
        return PassedOver.NO_SNAPSHOT
    if not age <= OLD_AFTER:
        return PassedOver.OLD_SNAPSHOT
    records = goal.snapshot.records
    if not records or not all(record.is_sound for record in records):
        return PassedOver.BROKEN_SNAPSHOT
    if sorted(record.arm for record in records) != sorted(arms):
        return PassedOver.OTHER_ARMS
    return None


def draw_arm(settings: GoalSettings, records: Sequence[ArmRecord], generation_id: UUID) -> ArmDraw:
    """The arm of that generation, always the same one for an id, after what `records` say (one at least, each sound).

    Each arm has its least share, or an equal one where all of these would be more than the whole. The rest goes to the
    arm with the best draw. Python promises that `random()` stays the same, of `betavariate` it does not: a test holds
    it to values, and whoever repeats a draw compares it with what was asked.
    """
    known = sorted(records, key=lambda record: record.arm)
    random = Random(int.from_bytes(hashlib.sha256(b"tales goal " + generation_id.bytes).digest()))  # noqa: S311 -- it is no secret
    place = random.random()
    values = draw_shares(random, known)
    floor = min(settings.floor_percent / 100, 1 / len(known))
    turn = int(place / floor)
    if turn < len(known):
        return ArmDraw(known[turn].arm, values, by_floor=True)
    return ArmDraw(best_arm(settings, known, values), values, by_floor=False)


def draw_shares(random: Random, records: Sequence[ArmRecord]) -> dict[Arm, float]:
    """A share that each arm may truly have, after what is known of it."""
    return {record.arm: random.betavariate(1 + record.hits, 1 + record.trials - record.hits) for record in records}


def best_arm(settings: GoalSettings, records: Sequence[ArmRecord], values: Mapping[Arm, float]) -> Arm:
    """That with the largest draw; of the measure `cost`, the cheapest one whose draw is large enough, if any is.

    An arm whose cost nobody knows is not taken for cheap.
    """
    if settings.measure is GoalMeasure.COST:
        enough = settings.least_success_percent / 100
        able = [(record.mean_cost_usd, record.arm) for record in records if values[record.arm] >= enough]
        if costs := [(cost, arm) for cost, arm in able if cost is not None]:
            return min(costs)[1]
    return max(records, key=lambda record: values[record.arm]).arm
