"""How goals stand: why one can do nothing as things are, with what to do, and how sure it is of each arm.

Nothing here is asked on the way of a story.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from random import Random
from uuid import UUID

from tales.domain.generation import Status
from tales.domain.goals import OLD_AFTER, Arm, ArmRecord, Goal, GoalSettings, best_arm, draw_shares
from tales.domain.natural_order import natural_order
from tales.domain.prompt_templates import PromptTemplate, active_for

_DRAWS = 1_000
"""For a probability: it is right within three points, and takes some milliseconds."""


class GoalIdle(StrEnum):
    """Why a goal does nothing, as things are. The first that holds is told."""

    OWN_PROMPTS = "own_prompts"
    MODEL_NOT_OFFERED = "model_not_offered"
    OTHER_MODEL = "other_model"
    NO_VERSION = "no_version"
    ONE_ARM = "one_arm"
    NOT_COUNTED = "not_counted"


ADVICE: Mapping[GoalIdle, str] = {
    GoalIdle.OWN_PROMPTS: (
        "The small model that comes along has prompts of its own, so nothing is drawn. Set OPENROUTER_API_KEY, "
        "TALES_LLM_BASE_URL, or TALES_LOCAL_MODEL to a larger model's file."
    ),
    GoalIdle.MODEL_NOT_OFFERED: (
        "One of its models is not offered, so the fixed weights decide. Set the goal anew, with models of TALES_MODELS."
    ),
    GoalIdle.OTHER_MODEL: (
        "Stories begin with a model that is none of its own, so the fixed weights decide. Set the goal anew, with the "
        "first of TALES_MODELS among its models."
    ),
    GoalIdle.NO_VERSION: "No version of this kind is active, so there is nothing to draw. Activate two of them.",
    GoalIdle.ONE_ARM: (
        "There is one version with one model alone, so there is nothing to choose. Activate a second version, or set "
        "the goal anew with a second model."
    ),
    GoalIdle.NOT_COUNTED: (
        "Nothing has been counted for an hour, so the fixed weights decide. See that a server or worker of this "
        "release runs, or count now: tales rollup"
    ),
}
"""What is said of each, with what to do."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What stories are written by: the fallback `chain`; `needs_arc`: by a model that has prompts of its own."""

    chain: tuple[str, ...]
    needs_arc: bool


@dataclass(frozen=True, slots=True)
class DrawCount:
    """How many generations were drawn for an arm since its goal was set, and how many first attempts gave a story."""

    arm: Arm
    draws: int
    stories: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A generation that was drawn for a goal: what it got, and what its first attempt came to."""

    generation_id: UUID
    created_at: datetime
    arm: Arm
    status: Status


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmState:
    """An arm: what is known of it, what it was drawn for, and the present probability that it is the best one."""

    version: str
    model: str
    hits: int
    trials: int
    mean_cost_usd: float | None
    draws: int
    stories: int
    best_probability: float | None


@dataclass(frozen=True, slots=True)
class GoalState:
    """A goal that is set, with its arms. `idle`: why it does nothing; None where it does."""

    goal: Goal
    arms: tuple[ArmState, ...]
    idle: GoalIdle | None

    @property
    def advice(self) -> str | None:
        """What to do about a goal that does nothing."""
        return ADVICE[self.idle] if self.idle else None


def state_of(
    goal: Goal, templates: Collection[PromptTemplate], offer: Offer, counts: Iterable[DrawCount], now: datetime
) -> GoalState:
    """How a goal stands, beside the active `templates`."""
    records = goal.snapshot.records if goal.snapshot else ()
    counted = {count.arm: count for count in counts}
    best = best_probabilities(goal.settings, records)
    nothing = DrawCount(Arm("", ""), 0, 0)
    arms = tuple(
        ArmState(
            version=record.arm.version,
            model=record.arm.model,
            hits=record.hits,
            trials=record.trials,
            mean_cost_usd=record.mean_cost_usd,
            draws=counted.get(record.arm, nothing).draws,
            stories=counted.get(record.arm, nothing).stories,
            best_probability=best.get(record.arm),
        )
        for record in sorted(records, key=lambda one: (natural_order(one.arm.version), natural_order(one.arm.model)))
    )
    return GoalState(goal, arms, why_idle(goal, templates, offer, now))


def why_idle(goal: Goal, templates: Collection[PromptTemplate], offer: Offer, now: datetime) -> GoalIdle | None:
    """Why it does nothing; None where it does, or is about to."""
    settings = goal.settings
    kind = settings.story_type, settings.language
    arms = sum(len(active_for(templates, *kind, model)) for model in settings.models)
    age = goal.snapshot_age if goal.snapshot else (now - goal.set_at).total_seconds()
    reasons = {
        GoalIdle.OWN_PROMPTS: offer.needs_arc,
        GoalIdle.MODEL_NOT_OFFERED: not set(settings.models) <= set(offer.chain),
        GoalIdle.OTHER_MODEL: offer.chain[0] not in settings.models,
        GoalIdle.NO_VERSION: arms == 0,
        GoalIdle.ONE_ARM: arms == 1,
        GoalIdle.NOT_COUNTED: age > OLD_AFTER,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def best_probabilities(settings: GoalSettings, records: Sequence[ArmRecord]) -> dict[Arm, float]:
    """How often each arm has the best draw, without least shares: always the same for the same records.

    Empty where nothing can be drawn.
    """
    if not all(record.is_sound for record in records):
        return {}
    random = Random(0)  # noqa: S311 -- it is no secret
    known = sorted(records, key=lambda record: record.arm)
    if not known:
        return {}
    won = Counter(best_arm(settings, known, draw_shares(random, known)) for _ in range(_DRAWS))
    return {record.arm: won[record.arm] / _DRAWS for record in known}
