"""Operators set what experiments are drawn towards, and ask why a generation got its version and its model."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tales.domain.errors import InvalidInput, NotFound
from tales.domain.experiments import ChoiceReason, PromptChoice, draw
from tales.domain.goal_states import Draw, GoalState, Offer, state_of
from tales.domain.goals import Arm, ArmDraw, ArmRecord, Goal, GoalSettings, PassedOver, draw_arm
from tales.domain.prompt_templates import TemplateState
from tales.domain.repositories.unit_of_work import UnitOfWork
from tales.domain.story_spec import LANGUAGES, StoryType

LAST_DRAWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnArm:
    """What was known of an arm, and what was drawn of it: the share that it may truly have."""

    version: str
    model: str
    hits: int
    trials: int
    mean_cost_usd: float | None
    drawn: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyPrompt:
    """Why a generation's first attempt has its version and its model.

    Without a reason there was no other version. `drawn_number`, from 0 on and below the sum of the weights, says which
    version fixed weights gave, or would have given. Of a draw for a goal there are the goal, its arms as they were
    known, and the arm that the draw gives when it is repeated; `by_floor`: by its least share.
    """

    generation_id: UUID
    prompt_version: str | None
    model_used: str
    reason: ChoiceReason | None = None
    weights: Mapping[str, int] | None = None
    drawn_number: int | None = None
    failed_version: str | None = None
    passed_over: PassedOver | None = None
    goal: Goal | None = None
    arms: tuple[DrawnArm, ...] = ()
    arm: Arm | None = None
    by_floor: bool = False

    @property
    def is_repeated(self) -> bool:
        """Whether the draw, repeated, gives the arm that was asked; True where no goal was drawn for."""
        return self.arm is None or self.arm == Arm(self.failed_version or self.prompt_version or "", self.model_used)


async def goal_states(work: UnitOfWork, offer: Offer, now: datetime) -> tuple[GoalState, ...]:
    """The goals that are set, with what they were drawn for, and why one does nothing."""
    goals = await work.goals.list()
    templates = await work.prompts.list(state=TemplateState.ACTIVE) if goals else ()
    counts = [await work.goals.counts(goal) for goal in goals]
    # Its draws take a while, and stories are not to wait for them.
    return await asyncio.to_thread(
        lambda: tuple(state_of(goal, templates, offer, count, now) for goal, count in zip(goals, counts, strict=True))
    )


async def draws_of(work: UnitOfWork, story_type: StoryType, language: str) -> tuple[Goal, tuple[Draw, ...]]:
    """The goal that is set, and the last draws for it. Raises: NotFound."""
    for goal in await work.goals.list():
        if (goal.settings.story_type, goal.settings.language) == (story_type, language):
            return goal, await work.goals.newest_draws(goal, LAST_DRAWS)
    raise NotFound("goal", f"{story_type}-{language}")


async def set_goal(work: UnitOfWork, settings: GoalSettings, chain: Collection[str]) -> None:
    """From now on the prompts of that story type and language are drawn towards this; another goal ends.

    Raises: InvalidInput where one of the models is not among those that are offered, the `chain`.
    """
    if unknown := [model for model in settings.models if model not in chain]:
        raise InvalidInput("models", f"Not offered: {', '.join(unknown)}. Use some of: {', '.join(chain)}.")
    await work.goals.set(settings)
    await work.commit()


async def end_goal(work: UnitOfWork, story_type: StoryType, language: str) -> None:
    """From now on the fixed weights decide. Raises: NotFound where there is no goal."""
    if language not in LANGUAGES or not await work.goals.end(story_type, language):
        raise NotFound("goal", f"{story_type}-{language}")
    await work.commit()


async def why_prompt(work: UnitOfWork, generation_id: UUID) -> WhyPrompt:
    """Why it got its version and its model. Raises: NotFound."""
    generation = await work.generations.get_generation(generation_id)
    if generation is None:
        raise NotFound("generation", generation_id)
    first = generation.attempts[0]
    choice = await work.prompts.choice_of(generation_id)
    if choice is None:
        return WhyPrompt(generation_id=generation_id, prompt_version=first.prompt_version, model_used=first.model_used)
    goal, arms, drawn = await _goal_draw(work, choice, generation_id)
    return WhyPrompt(
        generation_id=generation_id,
        prompt_version=first.prompt_version,
        model_used=first.model_used,
        reason=choice.reason,
        weights=choice.weights,
        drawn_number=draw(generation_id, sum(choice.weights.values())),
        failed_version=choice.failed_version,
        passed_over=choice.passed_over,
        goal=goal,
        arms=arms,
        arm=drawn.arm if drawn else None,
        by_floor=drawn is not None and drawn.by_floor,
    )


async def _goal_draw(
    work: UnitOfWork, choice: PromptChoice, generation_id: UUID
) -> tuple[Goal | None, tuple[DrawnArm, ...], ArmDraw | None]:
    """The draw again, from what it was made from."""
    goal = await work.goals.of_snapshot(choice.snapshot_id) if choice.snapshot_id is not None else None
    if goal is None or goal.snapshot is None:
        return None, (), None
    drawn = draw_arm(goal.settings, goal.snapshot.records, generation_id)
    return goal, tuple(_drawn(record, drawn) for record in goal.snapshot.records), drawn


def _drawn(record: ArmRecord, drawn: ArmDraw) -> DrawnArm:
    return DrawnArm(
        version=record.arm.version,
        model=record.arm.model,
        hits=record.hits,
        trials=record.trials,
        mean_cost_usd=record.mean_cost_usd,
        drawn=drawn.values[record.arm],
    )
