"""One attempt, one call; what came of it is kept by one commit, and a generation always ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from uuid_utils.compat import uuid7

from tales.application.cancel_generation import CancelGeneration
from tales.application.run_attempt import RunAttempt
from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Generation, Status
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork
from tales.infrastructure.persistence.errors import DatabaseUnavailable
from tests.application.conftest import MODELS, TEXT, Workshop, answer
from tests.factories import response
from tests.fixtures.databases import Database
from tests.infrastructure.persistence.rows import add_user as add_sql_user
from tests.infrastructure.persistence.rows import attempt as pending_row
from tests.infrastructure.persistence.rows import insert as insert_row

BROKEN = Failure(FailureKind.SERVER_ERROR, "The provider failed.", http_status=500)


async def finish(workshop: Workshop, generation: Generation) -> Generation:
    """Run attempts until the generation has ended."""
    while (now := await workshop.look(generation.generation_id)).status is Status.PENDING:
        await workshop.run(now.latest.id)
    return now


async def test_a_good_answer_is_a_success_and_a_story_that_names_its_attempt(workshop: Workshop) -> None:
    generation = await finish(workshop, await workshop.ask())

    attempt = generation.latest
    assert (attempt.status, attempt.error_type) == (Status.SUCCESS, None)
    assert attempt.full_response == response()
    assert (attempt.prompt_tokens, attempt.completion_tokens) == (120, 340)
    assert attempt.started_at is not None
    assert attempt.completed_at is not None
    async with workshop.transactions.as_user(workshop.actor) as work:
        assert generation.story_id is not None
        story = await work.stories.get(generation.story_id)
    assert story is not None
    assert (story.attempt, story.child_id, story.title) == (attempt.id, workshop.child_id, "The Kind Dragon")


async def test_a_retry_is_a_new_row_and_the_failed_one_stays(workshop: Workshop) -> None:
    workshop.provider.answers = [answer(failure=BROKEN), answer(failure=BROKEN), answer()]

    generation = await finish(workshop, await workshop.ask())

    assert [attempt.status for attempt in generation.attempts] == [Status.FAILED, Status.FAILED, Status.SUCCESS]
    assert [attempt.id.attempt_number for attempt in generation.attempts] == [1, 2, 3]
    assert [attempt.error_type for attempt in generation.attempts] == ["server_error", "server_error", None]
    assert generation.attempts[0].full_response == response()
    assert [call.model for call in workshop.provider.calls] == [MODELS[0], MODELS[1], MODELS[1]]
    assert generation.story_id is not None


async def test_litellm_39455_the_tries_of_one_wish_share_its_generation_id(workshop: Workshop) -> None:
    workshop.provider.answers = [answer(failure=BROKEN), answer()]

    generation = await finish(workshop, await workshop.ask())

    assert {attempt.id.generation_id for attempt in generation.attempts} == {generation.generation_id}


async def test_litellm_16752_why_the_fallback_was_used_is_kept(workshop: Workshop) -> None:
    workshop.provider.answers = [answer(failure=BROKEN), answer()]

    first, second = (await finish(workshop, await workshop.ask())).attempts

    assert (first.model_used, first.error_type, first.http_status) == (MODELS[0], "server_error", 500)
    assert (second.model_used, second.status) == (MODELS[1], Status.SUCCESS)


async def test_litellm_18510_a_wish_that_fails_completely_is_kept_attempt_by_attempt(workshop: Workshop) -> None:
    workshop.provider.answers = [answer(failure=BROKEN)] * 3

    generation = await finish(workshop, await workshop.ask())

    assert [attempt.status for attempt in generation.attempts] == [Status.FAILED] * 3
    assert generation.story_id is None


async def test_hermes_81731_a_generation_whose_retries_are_exhausted_is_closed(workshop: Workshop) -> None:
    workshop.provider.answers = [answer(failure=BROKEN)] * 3

    generation = await finish(workshop, await workshop.ask())

    assert all(attempt.status.is_final and attempt.completed_at for attempt in generation.attempts)


async def test_litellm_28476_a_failed_attempts_cost_is_not_the_successs(workshop: Workshop) -> None:
    free = replace(answer(failure=BROKEN), full_response={"error": {"code": 500}})
    workshop.provider.answers = [free, answer()]

    first, second = (await finish(workshop, await workshop.ask())).attempts

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
    workshop: Workshop, text: str, finish_reason: str, kind: str
) -> None:
    workshop.provider.answers = [answer(text, finish_reason), answer()]
    generation = await workshop.ask()

    await workshop.run(generation.latest.id)

    first, second = (await workshop.look(generation.generation_id)).attempts
    assert (first.status, first.error_type) == (Status.FAILED, kind)
    assert second.status is Status.PENDING


async def test_a_timeout_is_told_apart_from_a_failure(workshop: Workshop) -> None:
    workshop.provider.answers = [answer(failure=Failure(FailureKind.IDLE_TIMEOUT, "No token for 2 seconds."))]
    generation = await workshop.ask()

    await workshop.run(generation.latest.id)

    assert (await workshop.look(generation.generation_id)).attempts[0].status is Status.TIMEOUT


async def test_a_retry_waits_as_the_policy_says(workshop: Workshop, database: Database) -> None:
    patient = replace(BROKEN, kind=FailureKind.RATE_LIMITED, retry_after=30.0)
    workshop.provider.answers = [answer(failure=BROKEN), answer(failure=patient)]
    generation = await workshop.ask()

    await workshop.run(generation.latest.id)
    await workshop.run(generation.latest.id.next)

    (job,) = database.rows(
        "select extract(epoch from execute_after - now()) as due from tales_queue.pgqueuer where dedupe_key = %s",
        str(generation.latest.id.next.next),
    )
    # Two models were tried, so the last one is asked again, after what it said and the backoff of two failures.
    assert 30 + 1 < job["due"] <= 30 + 2


async def test_a_failure_that_no_retry_mends_ends_the_generation_at_once(workshop: Workshop) -> None:
    workshop.provider.answers = [answer(failure=Failure(FailureKind.AUTHENTICATION, "The key was refused."))]

    generation = await finish(workshop, await workshop.ask())

    assert len(generation.attempts) == 1


async def test_two_workers_on_the_same_attempt_make_one_call(workshop: Workshop, database: Database) -> None:
    called, may_answer = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        called.set()
        await may_answer.wait()

    workshop.provider.meanwhile = hold
    generation = await workshop.ask()
    hand_out_as(database, generation, job=7)
    first = asyncio.create_task(workshop.run_attempt(generation.latest.id, generation.user_id, job=7))
    await called.wait()

    await workshop.run_attempt(generation.latest.id, generation.user_id, job=8)
    may_answer.set()
    await first

    assert len(workshop.provider.calls) == 1
    assert (await workshop.look(generation.generation_id)).status is Status.SUCCESS


def hand_out_as(database: Database, generation: Generation, job: int) -> None:
    """The queue has given this attempt's job to a worker that beats."""
    database.execute(
        "update tales_queue.pgqueuer set id = %s, status = 'picked', heartbeat = now() where dedupe_key = %s",
        job,
        str(generation.latest.id),
    )


async def test_a_job_handed_out_again_ends_the_dead_workers_attempt_and_starts_the_next(workshop: Workshop) -> None:
    generation = await workshop.ask()
    async with workshop.transactions.as_service() as work:
        await work.generations.start_attempt(generation.latest.id)
        await work.commit()

    await workshop.run(generation.latest.id)

    lost, following = (await workshop.look(generation.generation_id)).attempts
    assert (lost.status, lost.error_type) == (Status.TIMEOUT, "worker_lost")
    assert lost.error_message is not None
    assert lost.error_message.startswith("worker lost")
    assert following.status is Status.PENDING
    assert workshop.provider.calls == []


async def test_a_late_answer_of_a_worker_that_was_cut_off_is_refused(workshop: Workshop) -> None:
    generation = await workshop.ask()

    async def take_over() -> None:
        workshop.provider.meanwhile = None
        await workshop.run(generation.latest.id)

    workshop.provider.meanwhile = take_over
    await workshop.run(generation.latest.id)

    lost, following = (await workshop.look(generation.generation_id)).attempts
    assert (lost.status, following.status) == (Status.TIMEOUT, Status.PENDING)
    assert ("warning", "answer came too late") in [event[:2] for event in workshop.log.events]


async def test_no_transaction_is_open_during_the_call(workshop: Workshop, database: Database) -> None:
    busy: list[int] = []

    async def count_transactions() -> None:
        busy.extend(
            row["pid"]
            for row in database.rows(
                "select pid from pg_stat_activity where datname = current_database() and xact_start is not null "
                "and pid <> pg_backend_pid()"
            )
        )

    workshop.provider.meanwhile = count_transactions
    await finish(workshop, await workshop.ask())

    assert busy == []


async def test_no_pooled_connection_is_held_during_the_call(workshop: Workshop) -> None:
    held: list[str] = []

    async def look_at_the_pool() -> None:
        held.append(workshop.transactions._engine.pool.status())

    workshop.provider.meanwhile = look_at_the_pool
    await finish(workshop, await workshop.ask())

    assert len(held) == 1
    assert "Checked out connections: 0" in held[0]


async def test_the_providers_id_is_kept_before_the_answer_comes(workshop: Workshop, database: Database) -> None:
    seen: list[object] = []

    async def look() -> None:
        seen.extend(database.rows("select status, provider_generation_id from tales.generations"))

    workshop.provider.meanwhile = look
    await finish(workshop, await workshop.ask())

    assert seen == [{"status": "pending", "provider_generation_id": "gen-1"}]


async def test_a_child_that_is_deleted_during_the_call_costs_no_story(workshop: Workshop) -> None:
    async def delete_child() -> None:
        async with workshop.transactions.as_user(workshop.actor) as work:
            await work.children.delete(workshop.child_id)
            await work.commit()

    workshop.provider.meanwhile = delete_child
    generation = await finish(workshop, await workshop.ask())

    assert generation.story_id is not None
    assert generation.latest.child_id is None


async def test_text_goes_to_the_listeners_while_it_comes(workshop: Workshop) -> None:
    generation = await finish(workshop, await workshop.ask())

    assert workshop.texts.pieces == [(generation.latest.id, TEXT)]
    assert workshop.texts.finished == [generation.latest.id]


async def test_a_worker_that_is_stopped_during_the_call_hands_the_wish_on(workshop: Workshop) -> None:
    called = asyncio.Event()

    async def hang() -> None:
        called.set()
        await asyncio.Event().wait()

    workshop.provider.meanwhile = hang
    generation = await workshop.ask()
    running = asyncio.create_task(workshop.run(generation.latest.id))
    await called.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    stopped, following = (await workshop.look(generation.generation_id)).attempts
    assert (stopped.status, stopped.error_type) == (Status.TIMEOUT, "worker_lost")
    assert following.status is Status.PENDING


class Failing:
    """Transactions that fail `times` times before they work (a database that is away for a moment)."""

    def __init__(self, inner: Transactions, times: int) -> None:
        self._inner = inner
        self.times = times

    @asynccontextmanager
    async def as_service(self) -> AsyncIterator[UnitOfWork]:
        if self.times > 0:
            self.times -= 1
            raise DatabaseUnavailable
        async with self._inner.as_service() as work:
            yield work


async def test_langfuse_15730_an_answer_is_kept_when_the_database_comes_back(workshop: Workshop) -> None:
    failing = Failing(workshop.transactions, times=0)
    run = replace(workshop.run_attempt, transactions=failing)

    async def go_away() -> None:
        failing.times = 2

    workshop.provider.meanwhile = go_away
    generation = await workshop.ask()
    await run(generation.latest.id, generation.user_id, job=1)

    assert (await workshop.look(generation.generation_id)).status is Status.SUCCESS
    assert len(workshop.provider.calls) == 1


async def test_a_database_that_stays_away_gives_the_job_back_to_the_queue(workshop: Workshop) -> None:
    failing = Failing(workshop.transactions, times=0)
    run: RunAttempt = replace(workshop.run_attempt, transactions=failing)

    async def go_away() -> None:
        failing.times = 99

    workshop.provider.meanwhile = go_away
    generation = await workshop.ask()

    with pytest.raises(DatabaseUnavailable):
        await run(generation.latest.id, generation.user_id, job=1)


async def test_an_answer_that_the_database_refuses_ends_its_attempt_all_the_same(workshop: Workshop) -> None:
    workshop.provider.answers = [replace(answer(), full_response={"cost": float("inf")}), answer()]
    generation = await workshop.ask()

    await workshop.run(generation.latest.id)

    refused, following = (await workshop.look(generation.generation_id)).attempts
    assert (refused.status, refused.error_type, refused.full_response) == (Status.FAILED, "internal", None)
    assert following.status is Status.PENDING


async def test_nobodys_words_are_logged(workshop: Workshop) -> None:
    workshop.provider.answers = [
        answer("I'm sorry, Mia.", "stop"),
        replace(answer(), full_response={"x": float("nan")}),
    ]
    await finish(workshop, await workshop.ask(moral="sharing biscuits"))

    logged = repr(workshop.log.events)
    assert not any(word in logged for word in ("Mia", "biscuit", "dragon", "sorry"))


async def test_a_job_makes_the_call_of_its_own_user_alone(workshop: Workshop) -> None:
    generation = await workshop.ask()

    await workshop.run_attempt(generation.latest.id, uuid7(), job=1)

    assert workshop.provider.calls == []
    assert (await workshop.look(generation.generation_id)).latest.started_at is None


async def test_a_call_whose_attempt_was_cancelled_is_given_up(workshop: Workshop) -> None:
    called, cut = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        called.set()
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    workshop.provider.meanwhile = hang
    generation = await workshop.ask()
    running = asyncio.create_task(workshop.run(generation.latest.id))
    await called.wait()
    await CancelGeneration(workshop.transactions)(workshop.actor, generation.generation_id)
    async with asyncio.timeout(3):
        await running

    assert cut.is_set()
    (attempt,) = (await workshop.look(generation.generation_id)).attempts
    assert (attempt.status, attempt.error_type) == (Status.FAILED, "cancelled")
    assert ("info", "call given up") in [event[:2] for event in workshop.log.events]
    assert workshop.texts.finished == [generation.latest.id]


async def test_listeners_are_told_of_each_attempt_from_its_beginning_to_its_end(workshop: Workshop) -> None:
    workshop.provider.answers = [answer(failure=BROKEN), answer()]
    generation = await finish(workshop, await workshop.ask())

    ids = [attempt.id for attempt in generation.attempts]
    assert (workshop.texts.begun, workshop.texts.finished) == (ids, ids)


@pytest.mark.parametrize("failing", [False, True])
async def test_what_comes_of_an_erased_users_call_is_not_kept_in_anybody_elses_row(
    workshop: Workshop, database: Database, failing: bool
) -> None:
    generation = await workshop.ask()

    async def erase_and_take_the_id() -> None:
        with database.connect() as connection, connection.transaction():
            connection.execute("delete from auth.users where id = %s", [workshop.actor.user_id])
            theirs = pending_row(add_sql_user(connection), generation_id=generation.generation_id)
            insert_row(connection, "generations", theirs)

    workshop.provider.meanwhile = erase_and_take_the_id
    workshop.provider.answers = [answer(failure=BROKEN) if failing else answer()]
    await workshop.run(generation.latest.id)

    (attempt,) = (await workshop.look(generation.generation_id)).attempts
    assert (attempt.status, attempt.full_response) == (Status.PENDING, None)
    assert database.rows("select from tales.stories") == []
