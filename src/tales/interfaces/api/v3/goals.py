"""What experiments with prompts are drawn towards, for admins: the same as `tales prompts goal` and `why`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, status
from pydantic import AliasPath, ConfigDict, Field
from pydantic.config import JsonDict

from tales.application import goals as use_cases
from tales.application.prompts import prompts_for
from tales.domain import errors, experiments, generation, goal_states, goals, story_spec
from tales.domain.checks import MAX_MODEL
from tales.interfaces.api.dependencies import CurrentActor, UseCases
from tales.interfaces.api.fields import Answer, Body, Id, Moment, Shown, Text, WholeNumber
from tales.interfaces.api.openapi import problems
from tales.interfaces.api.v3 import paths

router = APIRouter(
    prefix=paths.ADMIN_PROMPTS,
    tags=["admin"],
    responses=problems(errors.Unauthenticated, errors.Forbidden, errors.Unavailable, errors.InvalidInput),
)

_EXAMPLE: JsonDict = {"measure": "success", "floor_percent": 5}


class NewGoal(Body):
    """What is to be reached. Without `models` it is the first of the fallback chain, and versions alone are drawn."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    measure: goals.GoalMeasure
    models: (
        Annotated[
            list[Annotated[Text, Shown(minLength=1, maxLength=MAX_MODEL)]],
            Shown(minItems=1, maxItems=goals.MOST_MODELS),
        ]
        | None
    ) = None
    floor_percent: Annotated[WholeNumber, Shown(minimum=1, maximum=50)] = 5
    least_success_percent: Annotated[WholeNumber, Shown(minimum=1, maximum=100)] = 90
    window_days: Annotated[WholeNumber, Shown(minimum=1, maximum=goals.MAX_WINDOW)] = 30


class Arm(Answer):
    """A version with a model, and what was known of it. `hits` of `trials`, by the goal's measure."""

    version: str
    model: str
    hits: int
    trials: int
    mean_cost_usd: Annotated[float | None, Field(description="Of the trials whose cost is known.")]


class DrawnArm(Arm):
    """The same, and the share that was drawn for the generation."""

    drawn: float


class ArmState(Arm):
    """The same, with its generations since the goal was set, and the probability that it is the best one by now."""

    draws: int
    stories: Annotated[int, Field(description="Of the draws, those whose first attempt gave a story.")]
    best_probability: float | None


class GoalSettings(Answer):
    """What the prompts of a story type and language are drawn towards."""

    story_type: story_spec.StoryType
    language: str
    measure: goals.GoalMeasure
    models: list[str]
    floor_percent: int
    least_success_percent: int
    window_days: int
    set_at: Moment
    counted_at: Moment | None


class PastGoal(GoalSettings):
    """What a generation was drawn towards, and what was known then."""

    arms: list[Arm]


class Goal(GoalSettings):
    """A goal that is set, and how it stands: what was known when it was counted last.

    `idle` says why it does nothing as things are, and `advice` what to do.
    """

    arms: list[ArmState]
    idle: goal_states.GoalIdle | None
    advice: str | None


class GoalList(Answer):
    """Those that are set."""

    items: list[Goal]


class Draw(Answer):
    """A generation that was drawn for a goal: the version and model that it got, and how its first attempt stands."""

    generation_id: UUID
    created_at: Moment
    version: Annotated[str, Field(validation_alias=AliasPath("arm", "version"))]
    model: Annotated[str, Field(validation_alias=AliasPath("arm", "model"))]
    status: generation.Status


class DrawList(Answer):
    """The last 50, the newest first. `GET /admin/prompts/why/{generation_id}` explains each."""

    items: list[Draw]


class WhyPrompt(Answer):
    """Why a generation's first attempt has its version and its model. `reason` is null where there was no other.

    `drawn_number` is what fixed weights are drawn by. `goal` and `arms`, where it was drawn for a goal, are what was
    known then; `passed_over` says why it was not, although there was one.
    """

    generation_id: UUID
    prompt_version: str | None
    model_used: str
    reason: experiments.ChoiceReason | None
    weights: dict[str, int] | None
    drawn_number: int | None
    failed_version: str | None
    passed_over: goals.PassedOver | None
    goal: PastGoal | None
    arms: list[DrawnArm]
    by_floor: Annotated[bool, Field(description="It was the arm's turn by its least share, whatever was drawn.")]
    is_repeated: Annotated[bool, Field(description="Whether the draw, repeated now, gives what was asked.")]


@router.get("/goals", summary="List the goals")
async def list_goals(actor: CurrentActor, services: UseCases) -> GoalList:
    """What experiments are drawn towards. Where there is no goal, by their weights."""
    async with prompts_for(services.transactions, actor) as work:
        offer, now = services.request_generation.offer, services.clock.now()
        return GoalList(items=[_state(state) for state in await use_cases.goal_states(work, offer, now)])


@router.put("/goals/{story_type}/{language}", summary="Set a goal", responses=problems(body=True))
async def set_goal(
    story_type: story_spec.StoryType, language: Text, body: NewGoal, actor: CurrentActor, services: UseCases
) -> GoalList:
    """In the place of the fixed weights, and of another goal. Counting begins anew; all goals are in the answer."""
    chain = services.request_generation.models
    asked = body.model_dump() | {"models": chain[:1] if body.models is None else tuple(body.models)}
    settings = goals.GoalSettings(story_type=story_type, language=language, **asked)
    async with prompts_for(services.transactions, actor) as work:
        await use_cases.set_goal(work, settings, chain)
    return await list_goals(actor, services)


@router.get(
    "/goals/{story_type}/{language}/draws", summary="List the draws of a goal", responses=problems(errors.NotFound)
)
async def list_draws(
    story_type: story_spec.StoryType, language: Text, actor: CurrentActor, services: UseCases
) -> DrawList:
    """The generations that were drawn for it last."""
    async with prompts_for(services.transactions, actor) as work:
        _, draws = await use_cases.draws_of(work, story_type, language)
    return DrawList.model_validate({"items": draws})


@router.delete(
    "/goals/{story_type}/{language}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="End a goal",
    responses=problems(errors.NotFound),
)
async def end_goal(story_type: story_spec.StoryType, language: Text, actor: CurrentActor, services: UseCases) -> None:
    """The fixed weights decide again."""
    async with prompts_for(services.transactions, actor) as work:
        await use_cases.end_goal(work, story_type, language)


@router.get("/why/{generation_id}", summary="Explain a prompt", responses=problems(errors.NotFound))
async def why_prompt(generation_id: Id, actor: CurrentActor, services: UseCases) -> WhyPrompt:
    """Why a generation got its version of the prompt and its model; a draw is repeated for the answer."""
    async with prompts_for(services.transactions, actor) as work:
        why = await use_cases.why_prompt(work, generation_id)
    names = WhyPrompt.model_fields.keys() - {"goal"}
    goal = PastGoal.model_validate(_settings(why.goal) | {"arms": _records(why.goal)}) if why.goal is not None else None
    return WhyPrompt.model_validate({name: getattr(why, name) for name in names} | {"goal": goal})


def _state(state: goal_states.GoalState) -> Goal:
    facts = {"arms": state.arms, "idle": state.idle, "advice": state.advice}
    return Goal.model_validate(_settings(state.goal) | facts)


def _settings(goal: goals.Goal) -> dict[str, object]:
    settings, counted_at = goal.settings, goal.snapshot.taken_at if goal.snapshot else None
    facts: dict[str, object] = {name: getattr(settings, name) for name in goals.GoalSettings.__slots__}
    return facts | {"set_at": goal.set_at, "counted_at": counted_at}


def _records(goal: goals.Goal) -> list[dict[str, object]]:
    return [
        {
            "version": record.arm.version,
            "model": record.arm.model,
            "hits": record.hits,
            "trials": record.trials,
            "mean_cost_usd": record.mean_cost_usd,
        }
        for record in (goal.snapshot.records if goal.snapshot else ())
    ]
