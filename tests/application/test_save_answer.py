"""What came of a call is kept, whatever becomes of the database, the family or the answer meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Json, Status
from tales.domain.repositories.attempt_queue import ClaimedAttempt
from tests.application.conftest import Flow, answer
from tests.fixtures.databases import Database, outage, statements_of
from tests.fixtures.rows import add_user as add_sql_user
from tests.fixtures.rows import attempt as pending_row
from tests.fixtures.rows import insert as insert_row
from tests.fixtures.server import Server
from tests.fixtures.waiting import until

BROKEN = Failure(FailureKind.SERVER_ERROR, "The provider failed.", http_status=500)


async def test_langfuse_15730_an_answer_is_kept_when_the_database_comes_back(
    flow: Flow, server: Server, database: Database
) -> None:
    claimed = await flow.claim(await flow.ask())
    given = await flow.run_attempt.call(claimed)

    with outage(server, database):
        keeping = asyncio.create_task(flow.run_attempt.save(claimed, given))
        await until(lambda: flow.log.events.count(not_yet(claimed, 0.05)) >= 2)
    await keeping

    assert (await flow.look(claimed.attempt.id.generation_id)).status is Status.SUCCESS
    assert len(flow.provider.calls) == 1


def not_yet(claimed: ClaimedAttempt, delay: float) -> tuple[str, str, dict[str, object]]:
    """What is logged of an answer that waits for the database."""
    return ("warning", "answer not kept yet", {"attempt": str(claimed.attempt.id), "retry_in_seconds": delay})


@pytest.mark.parametrize("unstorable", [float("inf"), "nested too deep"])
async def test_an_answer_that_the_database_refuses_ends_its_attempt_all_the_same(flow: Flow, unstorable: Json) -> None:
    if isinstance(unstorable, str):
        for _ in range(100_000):
            unstorable = [unstorable]
    flow.provider.answers = [replace(answer(), full_response={"cost": unstorable}), answer()]
    generation = await flow.ask()

    await flow.run(generation)

    refused, following = (await flow.look(generation.generation_id)).attempts
    assert (refused.status, refused.error_type, refused.full_response) == (Status.FAILED, "internal", None)
    assert following.status is Status.PENDING


async def test_one_answer_that_is_refused_costs_no_other_one(flow: Flow) -> None:
    """Answers that come at the same time share a statement."""
    flow.provider.answers = [answer(), replace(answer(), full_response={"cost": float("nan")}), answer()]
    claimed = [await flow.claim(await flow.ask()) for _ in range(3)]
    given = [await flow.run_attempt.call(one) for one in claimed]

    await asyncio.gather(*map(flow.run_attempt.save, claimed, given))

    stand = [(await flow.look(one.attempt.id.generation_id)).attempts[0].status for one in claimed]
    assert stand == [Status.SUCCESS, Status.FAILED, Status.SUCCESS]


async def test_a_provider_that_breaks_ends_the_attempt_and_its_words_stay_unsaid(flow: Flow) -> None:
    async def break_down() -> None:
        flow.provider.meanwhile = None
        raise ValueError("Mia and the dragon")

    flow.provider.meanwhile = break_down
    generation = await flow.finish(await flow.ask())

    assert [attempt.error_type for attempt in generation.attempts] == ["internal", None]
    assert ("error", "call failed", {"attempt": str(generation.attempts[0].id), "error": "ValueError"}) in (
        flow.log.events
    )
    assert "Mia" not in repr(flow.log.events)
    assert "Mia" not in str(generation.attempts[0].error_message)


async def test_nobodys_words_are_logged(flow: Flow) -> None:
    flow.provider.answers = [
        answer("I'm sorry, Mia.", "stop"),
        replace(answer(), full_response={"x": float("nan")}),
    ]
    await flow.finish(await flow.ask(moral="sharing biscuits"))

    assert flow.log.has("error", "answer refused")
    logged = repr(flow.log.events)
    assert not any(word in logged for word in ("Mia", "biscuit", "dragon", "sorry"))


@pytest.mark.parametrize("failing", [False, True])
async def test_what_comes_of_an_erased_users_call_is_not_kept_in_anybody_elses_row(
    flow: Flow, database: Database, failing: bool
) -> None:
    flow.run_attempt = replace(flow.run_attempt, provider_id_delay=0.0)
    generation = await flow.ask()

    async def erase_and_take_the_id() -> None:
        with database.connect() as connection, connection.transaction():
            connection.execute("delete from auth.users where id = %s", [flow.actor.user_id])
            theirs = pending_row(add_sql_user(connection), generation_id=generation.generation_id)
            insert_row(connection, "generations", theirs)
        with statements_of(flow.transactions) as sent:
            await until(lambda: "provider_generation_id" in "".join(sent))

    flow.provider.meanwhile = erase_and_take_the_id
    flow.provider.answers = [answer(failure=BROKEN) if failing else answer()]
    assert await flow.run(generation) is None

    (attempt,) = (await flow.look(generation.generation_id)).attempts
    assert (attempt.status, attempt.full_response) == (Status.PENDING, None)
    assert attempt.provider_generation_id is None
    assert database.rows("select from tales.stories") == []
    assert flow.log.has("warning", "answer came too late")
