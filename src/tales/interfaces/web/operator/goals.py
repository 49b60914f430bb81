"""Goals of experiments: how they stand, set and ended by forms, and the generations that were drawn for one last."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from tales.application.goals import WhyPrompt, draws_of, end_goal, set_goal
from tales.application.prompts import prompts_for
from tales.domain.errors import Conflict, InvalidInput, NotFound, TalesError
from tales.domain.goal_states import GoalIdle, GoalState
from tales.domain.goals import MAX_WINDOW, GoalMeasure, GoalSettings
from tales.domain.story_spec import StoryType
from tales.interfaces.api.dependencies import UseCases
from tales.interfaces.api.fields import Text
from tales.interfaces.web.browser_sessions import CheckedForm, see_other, text
from tales.interfaces.web.languages import translatable
from tales.interfaces.web.operator.chosen import Chosen, CurrentAdmin, WhatIsChosen
from tales.interfaces.web.operator.fields import chosen_whole, one_of
from tales.interfaces.web.operator.frame import HOME, show
from tales.interfaces.web.operator.tables import Column, Kind, Table
from tales.interfaces.web.refusals import EXPECTED

PROMPTS = f"{HOME}/prompts"
MEASURES: Mapping[str, str] = {
    GoalMeasure.SUCCESS: translatable("as many stories as can be"),
    GoalMeasure.GOOD: translatable("stories rated 8 or better"),
    GoalMeasure.COST: translatable("the cheapest that succeeds often enough"),
}
# The same sentences as those of the command and the API.
ADVICE = {
    GoalIdle.OWN_PROMPTS: translatable(
        "The small model that comes along has prompts of its own, so nothing is drawn. Set OPENROUTER_API_KEY, "
        "TALES_LLM_BASE_URL, or TALES_LOCAL_MODEL to a larger model's file."
    ),
    GoalIdle.MODEL_NOT_OFFERED: translatable(
        "One of its models is not offered, so the fixed weights decide. Set the goal anew, with models of TALES_MODELS."
    ),
    GoalIdle.OTHER_MODEL: translatable(
        "Stories begin with a model that is none of its own, so the fixed weights decide. Set the goal anew, with the "
        "first of TALES_MODELS among its models."
    ),
    GoalIdle.NO_VERSION: translatable(
        "No version of this kind is active, so there is nothing to draw. Activate two of them."
    ),
    GoalIdle.ONE_ARM: translatable(
        "There is one version with one model alone, so there is nothing to choose. Activate a second version, or set "
        "the goal anew with a second model."
    ),
    GoalIdle.NOT_COUNTED: translatable(
        "Nothing has been counted for an hour, so the fixed weights decide. See that a server or worker of this "
        "release runs, or count now: tales rollup"
    ),
}
_KNOWN = (
    Column(translatable("Prompt"), "version", Kind.NAME, leads=lambda row: f"{PROMPTS}/{row.version}"),
    Column(translatable("Model"), "model", Kind.NAME),
    Column(translatable("Hits"), "hits"),
    Column(translatable("Trials"), "trials"),
    Column(translatable("A call costs"), "mean_cost_usd", Kind.DOLLARS),
)
_ARMS = (
    *_KNOWN,
    Column(translatable("Drawn"), "draws"),
    Column(translatable("Stories"), "stories"),
    Column(translatable("Best, probably"), "best_probability", Kind.SHARE),
)
_DRAWN_ARMS = (*_KNOWN, Column(translatable("Drawn share"), "drawn", Kind.SHARE))
_DRAWS = (
    Column(
        translatable("Asked for"),
        "created_at",
        Kind.MOMENT,
        leads=lambda row: f"{HOME}/generations/{row.generation_id}#why",
    ),
    Column(
        translatable("Prompt"), lambda row: row.arm.version, Kind.NAME, leads=lambda row: f"{PROMPTS}/{row.arm.version}"
    ),
    Column(translatable("Model"), lambda row: row.arm.model, Kind.NAME),
    Column(translatable("First attempt"), "status", Kind.STATE),
)

router = APIRouter(prefix=f"{PROMPTS}/goals", include_in_schema=False)


def arms_of(state: GoalState) -> Table:
    """The arms of a goal as they stand."""
    return Table("arms", "", state.arms, _ARMS)


def drawn_arms(why: WhyPrompt) -> Table:
    """What was drawn of each arm for a generation."""
    return Table("drawn", "", why.arms, _DRAWN_ARMS)


@router.get("/new")
async def show_new(request: Request, chosen: WhatIsChosen, visitor: CurrentAdmin, services: UseCases) -> Response:  # noqa: ARG001 -- admins
    """The form for a goal."""
    return _form(request, chosen, services.request_generation.models)


@router.post("/new")
async def add(
    request: Request, chosen: WhatIsChosen, form: CheckedForm, visitor: CurrentAdmin, services: UseCases
) -> Response:
    """Set a goal in the place of the fixed weights, or of the goal of the same kind."""
    chain = services.request_generation.models
    try:
        settings = _settings(form, chain)
        async with prompts_for(services.transactions, visitor.actor) as work:
            await set_goal(work, settings, chain)
    except EXPECTED as error:
        return _form(request, chosen, chain, form, error)
    return see_other(chosen.address(f"{PROMPTS}#goals"))


@router.post("/{story_type}/{language}/end")
async def end(  # noqa: PLR0913, PLR0917 -- what FastAPI gives
    story_type: StoryType,
    language: Text,
    chosen: WhatIsChosen,
    form: CheckedForm,  # noqa: ARG001 -- checked
    visitor: CurrentAdmin,
    services: UseCases,
) -> Response:
    """End a goal: the fixed weights decide again."""
    async with prompts_for(services.transactions, visitor.actor) as work:
        try:
            await end_goal(work, story_type, language)
        except NotFound:
            # Somebody else has ended it meanwhile.
            raise Conflict from None
    return see_other(chosen.address(f"{PROMPTS}#goals"))


@router.get("/{story_type}/{language}")
async def show_draws(  # noqa: PLR0913, PLR0917 -- what FastAPI gives
    request: Request,
    story_type: StoryType,
    language: Text,
    chosen: WhatIsChosen,
    visitor: CurrentAdmin,
    services: UseCases,
) -> Response:
    """The last draws for a goal, each with the way to its reason."""
    async with prompts_for(services.transactions, visitor.actor) as work:
        goal, draws = await draws_of(work, story_type, language)
    table = Table("draws", "", draws, _DRAWS)
    return show(request, "goal.html", chosen, goal=goal, draws=table, measures=MEASURES)


def _settings(form: FormData, chain: tuple[str, ...]) -> GoalSettings:
    """What is to be reached. Raises: InvalidInput."""
    story_type = one_of(StoryType, "story_type", text(form, "story_type"))
    measure = one_of(GoalMeasure, "measure", text(form, "measure"))
    if story_type is None or measure is None:
        field = "measure" if story_type else "story_type"
        raise InvalidInput(field, f"{field} is missing.")
    usual = GoalSettings(story_type=story_type, language="en", measure=measure, models=chain[:1])
    named = tuple(model for model in form.getlist("models") if isinstance(model, str))
    return GoalSettings(
        story_type=story_type,
        language=text(form, "language"),
        measure=measure,
        models=named or chain[:1],
        **{name: chosen_whole(name, text(form, name), getattr(usual, name)) for name in _NUMBERS},
    )


_NUMBERS = ("floor_percent", "least_success_percent", "window_days")


def _form(
    request: Request,
    chosen: Chosen,
    chain: tuple[str, ...],
    form: FormData | None = None,
    refused: TalesError | None = None,
) -> Response:
    """What was typed stays, beside why it was refused."""
    usual = GoalSettings(story_type=StoryType.CHILD, language="en", measure=GoalMeasure.SUCCESS, models=chain[:1])
    return show(
        request,
        "goal_form.html",
        chosen,
        refused=refused,
        chain=tuple(dict.fromkeys(chain)),
        named=form.getlist("models") if form else chain[:1],
        usual=usual,
        most_days=MAX_WINDOW,
        measures=MEASURES,
        typed=form or {},
    )
