"""One attempt, one call; what came of it is kept by one commit, and a generation always ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Attempt, Status
from tests.application.conftest import MODELS, TEXT, Flow, answer, worker_info
from tests.factories import response
from tests.fixtures.databases import Database, outage, statements_of
from tests.fixtures.server import Server
from tests.fixtures.waiting import until

BROKEN = Failure(FailureKind.SERVER_ERROR, "The provider failed.", http_status=500)


async def test_a_good_answer_is_a_success_and_a_story_that_names_its_attempt(flow: Flow) -> None:
    generation = await flow.finish(await flow.ask())

    attempt = generation.latest
    assert (attempt.status, attempt.error_type) == (Status.SUCCESS, None)
    assert attempt.full_response == response()
    assert (attempt.prompt_tokens, attempt.completion_tokens) == (120, 340)
    assert attempt.started_at is not None
    assert attempt.completed_at is not None
    async with flow.transactions.as_user(flow.actor) as work:
        assert generation.story_id is not None
        story = await work.stories.get(generation.story_id)
    assert story is not None
    assert (story.attempt, story.child_id, story.title) == (attempt.id, flow.child_id, "The Kind Dragon")


async def test_a_retry_is_a_new_row_and_the_failed_one_stays(flow: Flow) -> None:
    flow.provider.answers = [answer(failure=BROKEN), answer(failure=BROKEN), answer()]

    generation = await flow.finish(await flow.ask())

    assert [attempt.status for attempt in generation.attempts] == [Status.FAILED, Status.FAILED, Status.SUCCESS]
    assert [attempt.id.attempt_number for attempt in generation.attempts] == [1, 2, 3]
    assert [attempt.error_type for attempt in generation.attempts] == ["server_error", "server_error", None]
    assert generation.attempts[0].full_response == response()
    assert [call.model for call in flow.provider.calls] == [MODELS[0], MODELS[1], MODELS[1]]
    assert generation.story_id is not None


async def test_litellm_39455_the_tries_of_one_wish_share_its_generation_id(flow: Flow) -> None:
    flow.provider.answers = [answer(failure=BROKEN), answer()]

    generation = await flow.finish(await flow.ask())

    assert {attempt.id.generation_id for attempt in generation.attempts} == {generation.generation_id}


async def test_litellm_16752_why_the_fallback_was_used_is_kept(flow: Flow) -> None:
    flow.provider.answers = [answer(failure=BROKEN), answer()]

    first, second = (await flow.finish(await flow.ask())).attempts

    assert (first.model_used, first.error_type, first.http_status) == (MODELS[0], "server_error", 500)
    assert (second.model_used, second.status) == (MODELS[1], Status.SUCCESS)


async def test_litellm_18510_a_wish_that_fails_completely_is_kept_attempt_by_attempt(flow: Flow) -> None:
    flow.provider.answers = [answer(failure=BROKEN)] * 3

    generation = await flow.finish(await flow.ask())

    assert [attempt.status for attempt in generation.attempts] == [Status.FAILED] * 3
    assert generation.story_id is None


async def test_hermes_81731_a_generation_whose_retries_are_exhausted_is_closed(flow: Flow) -> None:
    flow.provider.answers = [answer(failure=BROKEN)] * 3

    generation = await flow.finish(await flow.ask())

    assert all(attempt.status.is_final and attempt.completed_at for attempt in generation.attempts)


async def test_litellm_28476_a_failed_attempts_cost_is_not_the_successs(flow: Flow) -> None:
    free = replace(answer(failure=BROKEN), full_response={"error": {"code": 500}})
    flow.provider.answers = [free, answer()]

    first, second = (await flow.finish(await flow.ask())).attempts

    assert first.known_cost_usd is None
    assert str(second.known_cost_usd) == "0.000420000000"


@pytest.mark.parametrize(
    ("text", "finish_reason", "kind"),
    [
        ("", "stop", "empty"),
        (TEXT, "length", "truncated"),
        ("I'm sorry, I can't write that.", "stop", "refusal"),
        ("Once upon a time.", "stop", "too_short"),
        (TEXT, "content_filter", "content_policy"),
    ],
)
async def test_an_answer_that_is_no_story_is_a_failed_attempt_with_its_reason(
    flow: Flow, text: str, finish_reason: str, kind: str
) -> None:
    flow.provider.answers = [answer(text, finish_reason), answer()]
    generation = await flow.ask()

    await flow.run(generation)

    first, second = (await flow.look(generation.generation_id)).attempts
    assert (first.status, first.error_type) == (Status.FAILED, kind)
    assert second.status is Status.PENDING


async def test_a_timeout_is_told_apart_from_a_failure(flow: Flow) -> None:
    flow.provider.answers = [answer(failure=Failure(FailureKind.IDLE_TIMEOUT, "No token for 2 seconds."))]
    generation = await flow.ask()

    await flow.run(generation)

    assert (await flow.look(generation.generation_id)).attempts[0].status is Status.TIMEOUT


async def test_a_failure_that_no_retry_mends_ends_the_generation_at_once(flow: Flow) -> None:
    flow.provider.answers = [answer(failure=Failure(FailureKind.AUTHENTICATION, "The key was refused."))]

    generation = await flow.finish(await flow.ask())

    assert len(generation.attempts) == 1


async def test_a_retry_waits_as_the_policy_says(flow: Flow) -> None:
    patient = replace(BROKEN, kind=FailureKind.RATE_LIMITED, retry_after=30.0)
    flow.provider.answers = [answer(failure=BROKEN), answer(failure=patient)]
    generation = await flow.ask()
    await flow.run(generation)

    flow.run_attempt = replace(flow.run_attempt, jitter=lambda _, high: high)
    await flow.run(generation)

    first, second, third = (await flow.look(generation.generation_id)).attempts
    assert second.available_at == second.created_at
    # Two models were tried, so the last one is asked again, after what it said and the backoff of two failures.
    assert third.available_at is not None
    assert (third.available_at - third.created_at).total_seconds() == pytest.approx(30 + 2)
    assert first.model_used != second.model_used == third.model_used
    # Until then it is nobody's.
    assert await flow.queue.claim(worker_info(), 9) == ()


async def test_no_transaction_is_open_during_the_call(flow: Flow, database: Database) -> None:
    busy: list[int] = []

    async def count_transactions() -> None:
        busy.extend(
            row["pid"]
            for row in database.rows(
                "select pid from pg_stat_activity where datname = current_database() and xact_start is not null "
                "and pid <> pg_backend_pid()"
            )
        )

    flow.provider.meanwhile = count_transactions
    await flow.run(await flow.ask())

    assert flow.provider.calls
    assert busy == []


async def test_no_pooled_connection_is_held_during_the_call(flow: Flow) -> None:
    held: list[str] = []

    async def look_at_the_pool() -> None:
        held.append(flow.transactions._engine.pool.status())

    flow.provider.meanwhile = look_at_the_pool
    await flow.run(await flow.ask())

    assert len(held) == 1
    assert "Checked out connections: 0" in held[0]


async def test_the_providers_id_is_kept_before_an_answer_that_takes_long(flow: Flow, database: Database) -> None:
    seen = "select from tales.generations where status = 'pending' and provider_generation_id = 'gen-1'"
    flow.run_attempt = replace(flow.run_attempt, provider_id_delay=0.0)
    flow.provider.meanwhile = lambda: until(lambda: database.rows(seen))

    await flow.run(await flow.ask())

    assert flow.provider.calls


async def test_the_providers_id_is_kept_with_an_answer_that_comes_at_once(flow: Flow, database: Database) -> None:
    flow.run_attempt = replace(flow.run_attempt, provider_id_delay=60.0)
    generation = await flow.ask()
    claimed = await flow.claim(generation)
    # Time in which it could be kept.
    flow.provider.meanwhile = lambda: flow.look(generation.generation_id)

    with statements_of(flow.transactions) as during_the_call:
        given = await flow.run_attempt.call(claimed)
    await flow.run_attempt.save(claimed, given)

    assert not [statement for statement in during_the_call if statement.lower().startswith("update")]
    assert database.rows("select provider_generation_id from tales.generations") == [
        {"provider_generation_id": "gen-1"}
    ]


async def test_an_id_that_cannot_be_kept_yet_costs_no_call(flow: Flow, server: Server, database: Database) -> None:
    flow.run_attempt = replace(flow.run_attempt, provider_id_delay=0.0)

    async def lose_the_database() -> None:
        with outage(server, database):
            await until(lambda: flow.log.has("warning", "provider id not saved"))

    flow.provider.meanwhile = lose_the_database
    generation = await flow.ask()
    await flow.run(generation)

    attempt = (await flow.look(generation.generation_id)).latest
    assert (attempt.status, attempt.provider_generation_id) == (Status.SUCCESS, "gen-1")


async def test_a_child_that_is_deleted_during_the_call_costs_no_story(flow: Flow) -> None:
    async def delete_child() -> None:
        async with flow.transactions.as_user(flow.actor) as work:
            await work.children.delete(flow.child_id)
            await work.commit()

    flow.provider.meanwhile = delete_child
    generation = await flow.ask()
    ended = await flow.run(generation)

    found = await flow.look(generation.generation_id)
    assert found.story_id is not None
    assert found.latest.child_id is None
    assert ended is not None
    assert ended.attempt.child_id is None


async def test_a_child_that_is_deleted_during_a_call_that_fails_is_in_no_retry_either(flow: Flow) -> None:
    async def delete_child() -> None:
        async with flow.transactions.as_user(flow.actor) as work:
            await work.children.delete(flow.child_id)
            await work.commit()

    flow.provider.meanwhile = delete_child
    flow.provider.answers = [answer(failure=BROKEN)]
    generation = await flow.ask()
    await flow.run(generation)

    failed, following = (await flow.look(generation.generation_id)).attempts
    assert (failed.child_id, following.child_id, following.status) == (None, None, Status.PENDING)


async def test_subscribers_are_told_of_each_attempt_from_its_beginning_to_its_end(flow: Flow) -> None:
    flow.provider.answers = [answer(failure=BROKEN), answer()]
    generation = await flow.finish(await flow.ask())

    ids = [attempt.id for attempt in generation.attempts]
    assert (flow.publisher.begun, flow.publisher.ended) == (ids, ids)
    assert flow.publisher.pieces == [(id_, TEXT) for id_ in ids]


async def test_what_is_told_of_an_end_is_what_the_database_has(flow: Flow) -> None:
    flow.provider.answers = [answer(failure=BROKEN), answer()]
    generation = await flow.finish(await flow.ask())

    failed, succeeded = flow.publisher.outcomes
    assert failed is not None
    assert succeeded is not None
    first, second = (summary(attempt) for attempt in generation.attempts)
    assert (failed.attempt, succeeded.attempt) == (first, second)
    assert (failed.story_id, succeeded.story_id) == (None, generation.story_id)
    assert failed.following is not None
    assert (failed.following.id, failed.following.available_at) == (second.id, second.available_at)
    assert (failed.following.created_at, failed.following.model_used) == (second.created_at, second.model_used)


def summary(attempt: Attempt) -> Attempt:
    """An attempt without what is long."""
    return replace(attempt, prompt=None, full_response=None)
