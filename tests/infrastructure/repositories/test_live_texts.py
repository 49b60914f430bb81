"""The text of attempts in flight, in the database."""

from __future__ import annotations

from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.errors import Forbidden
from tales.domain.generation import AttemptId
from tales.domain.repositories.live_texts import LivePiece
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.repositories import live_texts
from tests.factories import add_ended_attempt, add_user, attempt_request, failure, finish_attempt
from tests.fixtures.databases import Database

FAMILY = uuid7()
ODD = "nul \x00, half \ud83d\ude00 pairs, \x1a, 月 🌙\r\n"


def piece(attempt: AttemptId, begins_at: int, text: str) -> LivePiece:
    """A piece of what is written for the family."""
    return LivePiece(attempt, begins_at, text, FAMILY)


async def in_flight(transactions: SqlTransactions, user_id: UUID = FAMILY) -> AttemptId:
    """A pending attempt."""
    request = attempt_request(await add_user(transactions, user_id))
    async with transactions.as_service() as work:
        await work.generations.create_attempt(request)
        await work.commit()
    return request.id


async def add(transactions: SqlTransactions, *pieces: LivePiece) -> None:
    async with transactions.as_service() as work:
        await work.live_texts.add(pieces)
        await work.commit()


async def read(transactions: SqlTransactions, offsets: dict[AttemptId, int]) -> list[tuple[AttemptId, int, str]]:
    async with transactions.as_service() as work:
        return [(piece.attempt, piece.begins_at, piece.text) for piece in await work.live_texts.read(offsets)]


async def test_each_attempt_is_read_from_its_own_offset(transactions: SqlTransactions) -> None:
    one, two = await in_flight(transactions), await in_flight(transactions)
    await add(transactions, piece(one, 0, "Once"), piece(two, 0, "Twice"), piece(one, 4, " upon"))
    await add(transactions, piece(one, 9, " a time"))

    found = await read(transactions, {one: 4, two: 0, AttemptId(uuid7(), 1): 0})

    assert [piece for piece in found if piece[0] == one] == [(one, 4, " upon"), (one, 9, " a time")]
    assert [piece for piece in found if piece[0] == two] == [(two, 0, "Twice")]
    assert [begins_at for _, begins_at, _ in await read(transactions, {one: 6})] == [4, 9], "the piece that holds it"
    assert await read(transactions, {}) == []


async def test_whatever_a_model_writes_comes_back_as_it_was(transactions: SqlTransactions) -> None:
    attempt = await in_flight(transactions)
    await add(transactions, piece(attempt, 0, ODD), piece(attempt, len(ODD), "!"))

    assert await read(transactions, {attempt: 0}) == [(attempt, 0, ODD), (attempt, len(ODD), "!")]


async def test_a_piece_whose_commit_nobody_heard_of_is_completed(transactions: SqlTransactions) -> None:
    attempt = await in_flight(transactions)
    await add(transactions, piece(attempt, 0, "Once"))
    await add(transactions, piece(attempt, 0, "Once upon"))

    assert await read(transactions, {attempt: 0}) == [(attempt, 0, "Once upon")]


async def test_only_attempts_in_flight_have_text(transactions: SqlTransactions, database: Database) -> None:
    gone = await add_ended_attempt(transactions, attempt_request(await add_user(transactions, FAMILY)), failure())
    attempt = await in_flight(transactions)

    await add(transactions, piece(gone, 0, "Once"), piece(attempt, 0, "Once"), piece(gone.next, 0, "Once"))

    assert database.rows("select generation_id from tales.live_text") == [{"generation_id": attempt.generation_id}]


async def test_a_piece_is_kept_for_its_own_user_alone(transactions: SqlTransactions, database: Database) -> None:
    theirs, ours = await in_flight(transactions, uuid7()), await in_flight(transactions)

    await add(transactions, piece(theirs, 0, "Once"), piece(ours, 0, "Once"))

    assert database.rows("select generation_id from tales.live_text") == [{"generation_id": ours.generation_id}]


async def test_what_is_left_of_ended_attempts_is_found(transactions: SqlTransactions, database: Database) -> None:
    ended, going_on, erased = [await in_flight(transactions) for _ in range(3)]
    await add(transactions, *(piece(attempt, 0, "Once") for attempt in (ended, going_on)))
    async with transactions.as_service() as work:
        await finish_attempt(work, ended, failure())
        await work.commit()
    # Written by a statement that had begun before its attempt was erased.
    database.execute("insert into tales.live_text values (%s, 7, 0, 'Once')", erased.generation_id)

    async with transactions.as_service() as work:
        assert await work.live_texts.forget_ended() == 2
        await work.commit()

    assert await read(transactions, {ended: 0, going_on: 0}) == [(going_on, 0, "Once")]


async def test_what_its_own_worker_is_just_removing_is_not_waited_for(
    transactions: SqlTransactions, database: Database
) -> None:
    """Of two that remove the pieces of many attempts, each might wait for the other."""
    mine, left_behind = [await in_flight(transactions) for _ in range(2)]
    await add(transactions, piece(mine, 0, "Once"), piece(left_behind, 0, "Twice"))
    async with transactions.as_service() as work:
        for attempt in (mine, left_behind):
            await finish_attempt(work, attempt, failure())
        await work.commit()

    async with transactions.as_service() as its_worker, transactions.as_service() as reaper:
        await its_worker.live_texts.forget([mine])
        assert await reaper.live_texts.forget_ended() == 1
        await reaper.commit()
        await its_worker.commit()

    assert database.rows("select from tales.live_text") == []


async def test_text_is_forgotten_by_attempt(transactions: SqlTransactions) -> None:
    one, two = await in_flight(transactions), await in_flight(transactions)
    await add(transactions, piece(one, 0, "Once"), piece(two, 0, "Twice"))

    async with transactions.as_service() as work:
        await work.live_texts.forget([one])
        await work.commit()

    assert await read(transactions, {one: 0, two: 0}) == [(two, 0, "Twice")]


async def test_no_user_reaches_it(transactions: SqlTransactions) -> None:
    attempt = await in_flight(transactions)
    with pytest.raises(Forbidden):
        async with transactions.as_user(Actor(uuid7(), is_admin=True)) as work:
            await work.live_texts.read({attempt: 0})


def test_it_waits_for_no_disk(database: Database) -> None:
    (kind,) = database.rows("select relpersistence from pg_class where oid = 'tales.live_text'::regclass")
    assert kind["relpersistence"] == "u"


def test_it_is_read_by_its_key_alone(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "insert into tales.live_text select gen_random_uuid(), 1, n, 'Once' from generate_series(1, 20000) as n"
        )
        connection.execute(
            "insert into tales.generations (generation_id, attempt_number, user_id, status, model_used, prompt, "
            "story_type, moral) select generation_id, 1, gen_random_uuid(), 'pending', 'm', 'p', 'child', 'm' "
            "from tales.live_text"
        )
        connection.execute("analyze tales.live_text, tales.generations")
    query = live_texts._READ.text.replace(":ids", "%s::uuid[]").replace(":numbers", "%s::integer[]")
    rows = database.rows("explain " + query.replace(":offsets", "%s::integer[]"), [uuid7()] * 20, [1] * 20, [5] * 20)
    plan = "\n".join(row["QUERY PLAN"] for row in rows)

    assert "Seq Scan" not in plan, plan
    assert plan.count("live_text_pkey") == 2, plan
