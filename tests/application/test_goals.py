"""An experiment with a goal: what a generation gets, that it can be explained, and that nothing wrong stops a story."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tales.application.goals import WhyPrompt, why_prompt
from tales.application.write_prompt import PromptWriter
from tales.domain.experiments import ChoiceReason, choose_version
from tales.domain.generation import Generation
from tales.domain.goals import Arm, Goal, GoalMeasure, GoalSettings, PassedOver, draw_arm
from tales.domain.story_spec import StoryType
from tales.infrastructure.prompts.rendering import JinjaRenderer
from tales.infrastructure.repositories.rollups import refresh
from tests.application.conftest import MODELS, Flow, answer
from tests.application.test_write_prompt import BROKEN, add_template
from tests.fixtures.databases import Database, statements_of

SETTINGS = GoalSettings(story_type=StoryType.CHILD, language="en", measure=GoalMeasure.SUCCESS, models=MODELS)


@pytest.fixture
def writer(flow: Flow) -> PromptWriter:
    found = PromptWriter(flow.transactions, JinjaRenderer(), flow.log)
    flow.request_generation = replace(flow.request_generation, prompts=found)
    return found


async def set_goal(flow: Flow, settings: GoalSettings = SETTINGS) -> None:
    async with flow.transactions.as_service() as work:
        await work.goals.set(settings)
        await work.commit()


async def newest(flow: Flow) -> Goal:
    """The goal, after what the background does."""
    await refresh(flow.transactions, waits=True)
    async with flow.transactions.as_service() as work:
        (goal,) = await work.goals.list()
    return goal


async def why(flow: Flow, generation: Generation) -> WhyPrompt:
    async with flow.transactions.as_service() as work:
        return await why_prompt(work, generation.generation_id)


async def test_stories_go_to_what_does_best_and_each_can_say_why(
    flow: Flow, writer: PromptWriter, database: Database
) -> None:
    """The second version with the first model writes stories, all else fails."""
    version = add_template(database)
    await set_goal(flow)
    good = Arm(version, MODELS[0])
    asked = []
    await flow.ask()  # reads the child
    for _ in range(3):
        goal = await newest(flow)
        writer._known_until = 0.0
        await writer.refresh()
        writer._known_until = float("inf")
        with statements_of(flow.transactions) as sent:
            generations = [await flow.ask() for _ in range(24)]
        assert len(sent) == len(generations), "a goal costs a story no statement"
        for generation in generations:
            attempt, found = generation.latest, await why(flow, generation)
            assert goal.snapshot is not None
            arm = draw_arm(SETTINGS, goal.snapshot.records, generation.generation_id).arm
            assert (attempt.prompt_version, attempt.model_used) == (arm.version, arm.model)
            assert (found.reason, found.arm, found.is_repeated) == (ChoiceReason.GOAL, arm, True)
            assert [(one.hits, one.trials) for one in found.arms] == [
                (one.hits, one.trials) for one in goal.snapshot.records
            ]
            asked.append(arm)
            database.execute(
                "update tales.generations set status = %s, completed_at = now(), started_at = now(), error_type = %s"
                " where generation_id = %s",
                *(("success", None) if arm == good else ("failed", "refusal")),
                generation.generation_id,
            )
        with database.connect() as connection:
            connection.execute("alter table tales.goal_snapshots disable trigger user")
            connection.execute("update tales.goal_snapshots set taken_at = taken_at - interval '6 minutes'")
    assert len(set(asked[:24])) == 4
    assert Counter(asked[48:])[good] >= 16


@pytest.mark.usefixtures("writer")
async def test_a_retry_goes_to_another_model_than_the_one_that_was_drawn(flow: Flow) -> None:
    await set_goal(flow)
    await newest(flow)
    while (generation := await flow.ask()).latest.model_used == MODELS[0]:
        pass
    flow.provider.answers = [answer(text="", finish_reason="stop")]

    await flow.run(generation)

    assert [attempt.model_used for attempt in (await flow.look(generation.generation_id)).attempts] == [*MODELS[::-1]]


async def test_whatever_is_wrong_the_fixed_weights_decide_and_say_so(
    flow: Flow, writer: PromptWriter, database: Database
) -> None:
    weights = {"child-en-1": 100, add_template(database, weight=300): 300}

    async def reason_of(**changes: object) -> PassedOver | None:
        writer._known_until = 0.0
        generation = await flow.ask(**changes)
        found = await why(flow, generation)
        assert found.reason is ChoiceReason.EXPERIMENT
        assert generation.latest.prompt_version == choose_version(weights, generation.generation_id)
        assert generation.latest.model_used == changes.get("model", MODELS[0])
        return found.passed_over

    assert await reason_of() is None
    await set_goal(flow)
    assert await reason_of() is PassedOver.NO_SNAPSHOT
    await newest(flow)
    assert await reason_of(model=MODELS[1]) is PassedOver.MODEL_ASKED_FOR
    with database.connect() as connection:
        connection.execute("alter table tales.goal_snapshots disable trigger user")
        for change, reason in (
            ("arms = jsonb_set(arms, '{0,hits}', '\"NaN\"')", PassedOver.BROKEN_SNAPSHOT),
            ("arms = jsonb_set(jsonb_set(arms, '{0,hits}', '0'), '{0,version}', '\"gone\"')", PassedOver.OTHER_ARMS),
            ("taken_at = now() - interval '61 minutes'", PassedOver.OLD_SNAPSHOT),
        ):
            connection.execute(f"update tales.goal_snapshots set {change}")
            assert await reason_of() is reason
            assert await reason_of() is reason
    await set_goal(flow, replace(SETTINGS, models=(MODELS[0], "gone/model")))
    assert await reason_of() is PassedOver.MODEL_NOT_OFFERED
    await set_goal(flow, replace(SETTINGS, models=(MODELS[1],)))
    assert await reason_of() is PassedOver.OTHER_MODEL
    told = [facts["reason"] for _, event, facts in flow.log.events if "goal passed over" in event]
    assert told == ["no_snapshot", "broken_snapshot", "other_arms", "old_snapshot", "model_not_offered"], "once each"


@pytest.mark.usefixtures("writer")
async def test_a_template_that_fails_counts_for_its_arm(flow: Flow, database: Database) -> None:
    database.execute("update tales.prompt_templates set state = 'retired', retired_at = now() where language = 'en'")
    version = add_template(database, BROKEN)
    await set_goal(flow)
    await newest(flow)

    generation = await flow.ask()

    found = await why(flow, generation)
    assert (found.reason, found.failed_version, found.prompt_version) == (ChoiceReason.FALLBACK, version, "child-en-1")
    assert found.arm == Arm(version, generation.latest.model_used)
    assert found.is_repeated
