"""Attempts are kept as the domain says them."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.errors import Conflict, Forbidden, Unauthenticated
from tales.domain.failures import FailureKind
from tales.domain.generation import AttemptId, AttemptRequest, Origin, Status
from tales.domain.page import PageRequest
from tales.domain.repositories.attempt_queue import AttemptResult, WorkerInfo
from tales.domain.story_spec import StoryType
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import (
    CREATED,
    add_ended_attempt,
    add_story,
    add_user,
    attempt_request,
    failure,
    finish_attempt,
    new_child,
    new_hero,
    response,
    success,
)
from tests.fixtures.databases import Database
from tests.fixtures.time import NOON, FakeIds

pytestmark = pytest.mark.usefixtures("database")


MINE, OTHERS = (WorkerInfo(uuid7(), "test", "here", number, concurrency=4) for number in (1, 2))


async def add_attempt(transactions: SqlTransactions, request: AttemptRequest) -> None:
    """An attempt that waits for a worker."""
    async with transactions.as_service() as work:
        await work.generations.create_attempt(request)
        await work.commit()


@pytest.fixture
async def parent(transactions: SqlTransactions) -> UUID:
    return await add_user(transactions)


async def test_a_user_asks_for_a_first_attempt(transactions: SqlTransactions, parent: UUID, ids: FakeIds) -> None:
    async with transactions.as_requester(Actor(parent)) as work:
        child = await work.children.add(ids.new(), parent, new_child())
        hero = await work.heroes.add(ids.new(), parent, new_hero())
        request = attempt_request(
            parent,
            story_type=StoryType.COMBINED,
            child_id=child.id,
            hero_id=hero.id,
            hero_appearance="a silver cape",
            relationship_description="old friends",
        )
        made = await work.generations.create_attempt(request)
        await work.commit()

    assert (made.status, made.origin, made.completed_at, made.cost_usd) == (Status.PENDING, Origin.LIVE, None, None)
    for field in set(request.__slots__) - {"queue", "prompt_choice"}:
        assert getattr(made, field) == getattr(request, field), field
    assert (made.available_at, made.worker_id, made.started_at) == (made.created_at, None, None)
    async with transactions.as_user(Actor(parent)) as work:
        assert await work.generations.get_attempt(request.id) == made


async def test_an_attempt_is_started_by_one_worker(
    transactions: SqlTransactions, parent: UUID, attempt_queue: SqlAttemptQueue
) -> None:
    request = attempt_request(parent)
    await add_attempt(transactions, request)

    (claimed,) = await attempt_queue.claim(MINE, 5)
    assert await attempt_queue.claim(MINE, 5) == ()
    assert await attempt_queue.claim(OTHERS, 5) == ()

    async with transactions.as_service() as work:
        attempt = await work.generations.get_attempt(request.id)
        assert attempt == claimed.attempt
        assert attempt.worker_id == MINE.id
        assert attempt.started_at == attempt.available_at, "this process's clock is behind the database's"
        await finish_attempt(work, request.id, success())
        await work.commit()
    assert await attempt_queue.claim(OTHERS, 5) == ()


async def test_a_success_is_kept_with_all_that_was_answered(transactions: SqlTransactions, parent: UUID) -> None:
    attempt_id = await add_ended_attempt(transactions, attempt_request(parent), success(first_token_at=NOON))
    async with transactions.as_user(Actor(parent)) as work:
        attempt = await work.generations.get_attempt(attempt_id)
    assert attempt is not None
    assert (attempt.status, attempt.completed_at, attempt.first_token_at) == (Status.SUCCESS, CREATED, NOON)
    assert attempt.full_response == response()
    assert (attempt.prompt_tokens, attempt.completion_tokens, attempt.cost_usd) == (120, 340, Decimal("0.00042"))
    assert (attempt.provider, attempt.served_model, attempt.http_status) == ("Simulator", "sim/ok-2026", 200)
    assert attempt.provider_generation_id == "gen-1"


async def test_what_had_arrived_of_a_failure_is_kept(transactions: SqlTransactions, parent: UUID) -> None:
    outcome = failure(FailureKind.DEADLINE, full_response={"choices": []}, http_status=200)
    attempt_id = await add_ended_attempt(transactions, attempt_request(parent), outcome)
    async with transactions.as_service() as work:
        attempt = await work.generations.get_attempt(attempt_id)
    assert attempt is not None
    assert (attempt.status, attempt.error_type, attempt.http_status) == (Status.TIMEOUT, "deadline", 200)
    assert (attempt.full_response, attempt.error_message) == ({"choices": []}, "The provider failed.")


async def test_an_attempt_ends_once(transactions: SqlTransactions, parent: UUID) -> None:
    attempt_id = await add_ended_attempt(transactions, attempt_request(parent), failure())
    async with transactions.as_service() as work:
        assert not await finish_attempt(work, attempt_id, success())
        assert not await work.generations.cancel_attempt(attempt_id, "Good night.")
        attempt = await work.generations.get_attempt(attempt_id)
        assert attempt is not None
        assert attempt.status is Status.FAILED


async def test_a_providers_id_outlives_a_call_that_was_cut(
    transactions: SqlTransactions, parent: UUID, attempt_queue: SqlAttemptQueue
) -> None:
    request = attempt_request(parent)
    await add_attempt(transactions, request)
    (claimed,) = await attempt_queue.claim(MINE, 1)
    await attempt_queue.save_provider_id(claimed.attempt, "gen-9")
    async with transactions.as_service() as work:
        await finish_attempt(work, request.id, failure(FailureKind.STREAM_INTERRUPTED))
        await work.commit()
    await attempt_queue.save_provider_id(claimed.attempt, "too late")

    async with transactions.as_service() as work:
        attempt = await work.generations.get_attempt(request.id)
    assert attempt is not None
    assert attempt.provider_generation_id == "gen-9"


async def test_a_user_cancels(transactions: SqlTransactions, parent: UUID, attempt_queue: SqlAttemptQueue) -> None:
    requests = [attempt_request(parent) for _ in range(2)]
    for request in requests:
        await add_attempt(transactions, request)
    (claimed,) = await attempt_queue.claim(MINE, 1)
    for request in requests:
        async with transactions.as_user(Actor(parent)) as work:
            assert await work.generations.cancel_attempt(request.id, "Good night.")
            await work.commit()
    async with transactions.as_user(Actor(parent)) as work:
        attempts = [await work.generations.get_attempt(request.id) for request in requests]
    for attempt in attempts:
        assert attempt is not None
        assert (attempt.status, attempt.error_type, attempt.error_message) == (
            Status.FAILED,
            "cancelled",
            "Good night.",
        )
    assert await attempt_queue.claim(OTHERS, 5) == (), "nobody calls a model for it any more"
    assert await attempt_queue.finish(AttemptResult(claimed.attempt, success())) is None


async def test_a_generation_is_told_by_its_attempts_in_order(
    transactions: SqlTransactions, parent: UUID, attempt_queue: SqlAttemptQueue
) -> None:
    first = attempt_request(parent)
    await add_ended_attempt(transactions, first, failure())
    second = attempt_request(parent, id=first.id.next, model_used="sim/other")
    await add_ended_attempt(transactions, second, failure(FailureKind.IDLE_TIMEOUT))
    await add_attempt(transactions, attempt_request(parent, id=second.id.next))

    async with transactions.as_user(Actor(parent)) as work:
        generation = await work.generations.get_generation(first.id.generation_id)
        latest = await work.generations.latest_attempt(first.id.generation_id)
    (claimed,) = await attempt_queue.claim(MINE, 1)
    assert generation is not None
    assert [attempt.id.attempt_number for attempt in generation.attempts] == [1, 2, 3]
    assert [attempt.status for attempt in generation.attempts] == [Status.FAILED, Status.TIMEOUT, Status.PENDING]
    assert generation.story_id is None
    assert latest is not None
    assert latest.id.attempt_number == 3
    assert claimed.models_used == ("sim/ok", "sim/other", "sim/ok")


async def test_a_generation_knows_its_story(transactions: SqlTransactions, parent: UUID) -> None:
    story_id = await add_story(transactions, parent)
    async with transactions.as_user(Actor(parent)) as work:
        story = await work.stories.get(story_id)
        assert story is not None
        generation = await work.generations.get_generation(story.attempt.generation_id)
    assert generation is not None
    assert generation.story_id == story_id


async def test_what_is_another_familys_is_not_there(transactions: SqlTransactions, parent: UUID) -> None:
    attempt_id = await add_ended_attempt(transactions, attempt_request(parent))
    stranger = await add_user(transactions)
    async with transactions.as_user(Actor(stranger)) as work:
        assert await work.generations.get_attempt(attempt_id) is None
        assert await work.generations.latest_attempt(attempt_id.generation_id) is None
        assert await work.generations.get_generation(attempt_id.generation_id) is None
        assert (await work.generations.list_for_user(parent, PageRequest())).items == ()
        assert not await work.generations.cancel_attempt(attempt_id, "Mine now.")


async def test_an_admin_reads_every_familys_generations(transactions: SqlTransactions, parent: UUID) -> None:
    attempt_id = await add_ended_attempt(transactions, attempt_request(parent))
    async with transactions.as_user(Actor(uuid7(), is_admin=True)) as work:
        assert await work.generations.get_attempt(attempt_id) is not None


async def test_what_the_database_refuses_is_said_in_the_domains_words(
    transactions: SqlTransactions, parent: UUID
) -> None:
    request = attempt_request(parent)
    await add_attempt(transactions, request)
    for refused, words in (
        (request, "exists already"),
        (attempt_request(parent, id=request.id.next), "ended without success"),
        (attempt_request(parent, id=AttemptId(uuid7(), 2)), "needs the one before it"),
    ):
        with pytest.raises(Conflict, match=words):
            async with transactions.as_service() as work:
                await work.generations.create_attempt(refused)


async def test_no_attempt_is_made_for_somebody_else_or_nobody(transactions: SqlTransactions, parent: UUID) -> None:
    with pytest.raises(Forbidden):
        async with transactions.as_requester(Actor(await add_user(transactions))) as work:
            await work.generations.create_attempt(attempt_request(parent))
    erased = uuid7()
    with pytest.raises(Unauthenticated):
        async with transactions.as_requester(Actor(erased)) as work:
            await work.generations.create_attempt(attempt_request(erased))


async def test_no_attempt_is_made_by_who_may_not_enqueue_it(transactions: SqlTransactions, parent: UUID) -> None:
    with pytest.raises(Forbidden):
        async with transactions.as_user(Actor(parent)) as work:
            await work.generations.create_attempt(attempt_request(parent))


async def test_a_number_with_more_digits_than_python_reads_is_read_as_text(
    transactions: SqlTransactions, database: Database
) -> None:
    request = attempt_request(await add_user(transactions))
    await add_ended_attempt(transactions, request, failure(full_response=None))
    database.execute("alter table tales.generations disable trigger user")
    database.execute("""update tales.generations set full_response = '{"huge": 1e100000, "small": 7}'""")

    async with transactions.as_service() as work:
        attempt = await work.generations.get_attempt(request.id)

    assert attempt is not None
    assert isinstance(attempt.full_response, dict)
    assert attempt.full_response["small"] == 7
    assert attempt.full_response["huge"] == "1" + "0" * 100_000
