"""`tales prompts goal`: what experiments with prompts are drawn towards, and what is known of each arm."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from tales.administration.providers import chosen_provider
from tales.application import goals as use_cases
from tales.application.goals import WhyPrompt
from tales.domain.experiments import ChoiceReason
from tales.domain.goal_states import GoalState, Offer
from tales.domain.goals import GoalMeasure, GoalSettings, PassedOver
from tales.domain.story_spec import StoryType
from tales.interfaces.cli.amounts import cost_of_a_call
from tales.interfaces.cli.console import AsJson, err, out
from tales.interfaces.cli.operating import operate
from tales.interfaces.cli.tables import printable
from tales.interfaces.json_values import time_json
from tales.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Let an experiment be drawn towards what does best.")

PASSED_OVER = {
    PassedOver.NO_SNAPSHOT: "nothing has been counted for it yet",
    PassedOver.OLD_SNAPSHOT: "what is known of its arms is more than an hour old",
    PassedOver.BROKEN_SNAPSHOT: "what is known of its arms makes no sense",
    PassedOver.OTHER_ARMS: "other versions are active than those that were counted",
    PassedOver.MODEL_ASKED_FOR: "the family asked for this model",
    PassedOver.OTHER_MODEL: "it is about other models",
    PassedOver.MODEL_NOT_OFFERED: "one of its models is not offered",
}

OfType = Annotated[StoryType, typer.Option("--type", help="The type of story.")]
OfLanguage = Annotated[str, typer.Option("--language", help="Such as de.")]


@app.command("set")
def set_(  # noqa: PLR0913 -- each is an option
    measure: Annotated[GoalMeasure, typer.Argument(help="Stories; good ones (rated 8 or better); the cheapest ones.")],
    *,
    story_type: OfType,
    language: OfLanguage,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model", help="Draw the model of the first call among these; without, it is the first of the chain."
        ),
    ] = None,
    floor: Annotated[int, typer.Option(metavar="PERCENT", help="Of the stories, for each arm at least.")] = 5,
    least_success: Annotated[int, typer.Option(metavar="PERCENT", help="For cost: what is success enough.")] = 90,
    days: Annotated[int, typer.Option(help="What is older does not count.")] = 30,
) -> None:
    """Set a goal in the place of the fixed weights: success, good or cost. Counting begins anew."""
    offer = _offer()
    settings = GoalSettings(
        story_type=story_type,
        language=language,
        measure=measure,
        models=tuple(models or offer.chain[:1]),
        floor_percent=floor,
        least_success_percent=least_success,
        window_days=days,
    )
    operate(lambda work: use_cases.set_goal(work, settings, offer.chain))
    sentence = f"{story_type} in {language}: drawn towards {measure}, with {', '.join(settings.models)}."
    err.print(f"{sentence} See: tales prompts goal list", markup=False, soft_wrap=True)
    for state in operate(lambda work: use_cases.goal_states(work, offer, datetime.now(UTC))):
        if state.goal.settings == settings:
            _warn(state)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the goals with their arms: what each was drawn for, what is known of it, and how likely it is the best."""
    found = operate(lambda work: use_cases.goal_states(work, _offer(), datetime.now(UTC)))
    if as_json:
        typer.echo(json.dumps([_json(state) for state in found], indent=2, ensure_ascii=False))
    for state in () if as_json else found:
        goal, settings = state.goal, state.goal.settings
        known = f"counted {timedelta(seconds=round(goal.snapshot_age))} ago" if goal.snapshot else "not counted yet"
        title = f"{settings.story_type} in {settings.language}, {settings.measure}, each {settings.floor_percent} % "
        out.print(f"{title}at least, {settings.window_days} days; {known}", markup=False, soft_wrap=True)
        _warn(state)
        out.print(_arms_table(state))


@app.command("draws")
def draws(*, story_type: OfType, language: OfLanguage) -> None:
    """List the generations that were drawn for a goal last; `tales prompts why ID` explains each."""
    _, found = operate(lambda work: use_cases.draws_of(work, story_type, language))
    table = Table("generation", "prompt", "model", "first attempt", box=SIMPLE)
    for draw in found:
        table.add_row(str(draw.generation_id), printable(draw.arm.version), printable(draw.arm.model), draw.status)
    out.print(table)


@app.command("end")
def end(*, story_type: OfType, language: OfLanguage) -> None:
    """End a goal: the fixed weights decide again."""
    operate(lambda work: use_cases.end_goal(work, story_type, language))
    err.print(f"{story_type} in {language}: drawn by the fixed weights again.", markup=False)


def _offer() -> Offer:
    choice = chosen_provider(load_settings())
    return Offer(choice.models, choice.abilities.needs_arc)


def _warn(state: GoalState) -> None:
    if state.advice is not None:
        err.print(f"It does nothing: {state.advice}", markup=False, soft_wrap=True)


def _arms_table(state: GoalState) -> Table:
    table = Table("prompt", "model", box=SIMPLE)
    for title in ("drawn", "stories", "hits", "trials", "cost", "best"):
        table.add_column(title, justify="right", no_wrap=True)
    for arm in state.arms:
        cost = "" if arm.mean_cost_usd is None else cost_of_a_call(arm.mean_cost_usd)
        best = "" if arm.best_probability is None else f"{arm.best_probability:.0%}"
        figures = (f"{arm.draws:,}", f"{arm.stories:,}", f"{arm.hits:,}", f"{arm.trials:,}", cost, best)
        table.add_row(printable(arm.version), printable(arm.model), *figures)
    return table


def explained(why: WhyPrompt) -> str:
    """Why a generation got its version and its model, as a person reads it."""
    prefix = f"{why.prompt_version or 'no version'}: "
    if why.weights is None:
        return f"{prefix}there was no other."
    weights = ", ".join(f"{name} {weight}" for name, weight in sorted(why.weights.items()))
    drawn = f"drawn {why.drawn_number} of {sum(why.weights.values())} ({weights})"
    if why.goal is not None:
        return _explained_draw(why)
    if why.reason is ChoiceReason.FALLBACK:
        drawn = f"instead of {why.failed_version}, which failed; {drawn}"
    if why.passed_over is not None:
        drawn = f"{drawn}; there was a goal, but {PASSED_OVER[why.passed_over]}"
    return f"{prefix}{drawn}."


def _explained_draw(why: WhyPrompt) -> str:
    if why.goal is None or why.goal.snapshot is None:  # pragma: no cover -- a draw has both
        return ""
    settings = why.goal.settings
    how = f"by its least share of {settings.floor_percent} %" if why.by_floor else "as the best draw"
    lines = [f"{why.arm}: drawn towards {settings.measure}, {how}."]
    if why.failed_version is not None:
        lines.append(f"Its template failed, and {why.prompt_version} wrote instead.")
    if not why.is_repeated:
        lines.append(f"But {why.prompt_version} with {why.model_used} was asked: this Python draws otherwise.")
    lines.append(f"Known of each arm at {time_json(why.goal.snapshot.taken_at)}, and drawn of it:")
    for arm in why.arms:
        cost = "" if arm.mean_cost_usd is None else f", {cost_of_a_call(arm.mean_cost_usd)} a call"
        lines.append(f"  {arm.version} with {arm.model}: {arm.hits} of {arm.trials}{cost}; drawn {arm.drawn:.4f}")
    return "\n".join(map(printable, lines))


def _json(state: GoalState) -> dict[str, object]:
    goal, settings, snapshot = state.goal, state.goal.settings, state.goal.snapshot
    return {
        **{name: getattr(settings, name) for name in GoalSettings.__slots__},
        "set_at": time_json(goal.set_at),
        "counted_at": time_json(snapshot.taken_at) if snapshot else None,
        "arms": [asdict(arm) for arm in state.arms],
        "idle": state.idle,
        "advice": state.advice,
    }
