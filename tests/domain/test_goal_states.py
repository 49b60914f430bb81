"""Why a goal does nothing, and how sure it is which arm is the best one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tales.domain.goal_states import ADVICE, DrawCount, GoalIdle, Offer, best_probabilities, state_of, why_idle
from tales.domain.goals import Arm, ArmRecord, Goal, GoalMeasure, GoalSettings, GoalSnapshot
from tales.domain.prompt_templates import PromptTemplate, Slot, TemplateState
from tales.domain.story_spec import StoryType

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MODELS = ("a/one", "b/two")
SETTINGS = GoalSettings(story_type=StoryType.CHILD, language="en", measure=GoalMeasure.SUCCESS, models=MODELS)
GOAL = Goal(UUID(int=1), NOW, SETTINGS)
OFFER = Offer((*MODELS, "c/three"), needs_arc=False)


def template(number: int, model: str | None = None, state: TemplateState = TemplateState.ACTIVE) -> PromptTemplate:
    return PromptTemplate(
        version=f"child-en-{number}",
        slot=Slot(StoryType.CHILD, "en", model),
        state=state,
        weight=100,
        template="",
        note="",
        is_seeded=False,
        created_at=NOW,
        activated_at=NOW,
        retired_at=None,
    )


def record(model: str, hits: int, trials: int, cost: float | None = None) -> ArmRecord:
    return ArmRecord(Arm("child-en-1", model), hits, trials, cost)


@pytest.mark.parametrize(
    ("models", "templates", "offer", "idle"),
    [
        (MODELS, (template(1),), OFFER, None),
        (MODELS[:1], (template(1), template(2)), OFFER, None),
        (MODELS, (template(1),), replace(OFFER, needs_arc=True), GoalIdle.OWN_PROMPTS),
        (MODELS, (template(1),), Offer(MODELS[:1], needs_arc=False), GoalIdle.MODEL_NOT_OFFERED),
        (MODELS[1:], (template(1), template(2)), OFFER, GoalIdle.OTHER_MODEL),
        (MODELS, (template(1, state=TemplateState.RETIRED),), OFFER, GoalIdle.NO_VERSION),
        (MODELS[:1], (template(1),), OFFER, GoalIdle.ONE_ARM),
        (MODELS[:1], (template(1), template(2), template(3, "a/one")), OFFER, GoalIdle.ONE_ARM),
    ],
)
def test_a_goal_that_can_do_nothing_says_why(
    models: tuple[str, ...], templates: tuple[PromptTemplate, ...], offer: Offer, idle: GoalIdle | None
) -> None:
    state = state_of(replace(GOAL, settings=replace(SETTINGS, models=models)), templates, offer, (), NOW)
    assert (state.idle, state.advice) == (idle, ADVICE[idle] if idle else None)


def test_a_goal_that_nobody_counts_for_is_told_after_an_hour() -> None:
    later = NOW + timedelta(minutes=61)
    snapshot = GoalSnapshot(UUID(int=2), NOW, (record("a/one", 1, 2),))
    counted = replace(GOAL, snapshot=snapshot)
    assert why_idle(GOAL, [template(1)], OFFER, later) is GoalIdle.NOT_COUNTED
    assert why_idle(replace(counted, snapshot_age=30.0), [template(1)], OFFER, later) is None
    assert why_idle(replace(counted, snapshot_age=3601.0), [template(1)], OFFER, later) is GoalIdle.NOT_COUNTED


def test_the_probability_to_be_the_best_follows_what_is_known() -> None:
    alike = best_probabilities(SETTINGS, [record("a/one", 0, 0), record("b/two", 0, 0)])
    assert sum(alike.values()) == pytest.approx(1)
    assert min(alike.values()) > 0.45
    better = best_probabilities(SETTINGS, [record("a/one", 90, 100), record("b/two", 60, 100)])
    assert better[Arm("child-en-1", "a/one")] == 1
    cost = replace(SETTINGS, measure=GoalMeasure.COST)
    cheap = best_probabilities(cost, [record("a/one", 990, 1000, 0.2), record("b/two", 980, 1000, 0.1)])
    assert cheap[Arm("child-en-1", "b/two")] == 1
    assert best_probabilities(SETTINGS, []) == best_probabilities(SETTINGS, [record("a/one", 2, 1)]) == {}


def test_an_arm_has_its_draws() -> None:
    goal = replace(GOAL, snapshot=GoalSnapshot(UUID(int=2), NOW, (record("a/one", 1, 2), record("b/two", 0, 0))))
    counts = [DrawCount(Arm("child-en-1", "a/one"), 3, 1), DrawCount(Arm("child-en-9", "a/one"), 5, 5)]
    first, second = state_of(goal, [template(1)], OFFER, counts, NOW).arms
    assert [(one.draws, one.stories) for one in (first, second)] == [(3, 1), (0, 0)]
