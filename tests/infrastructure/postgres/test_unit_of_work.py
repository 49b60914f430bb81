"""One transaction on behalf of one actor: all of it, as nobody else, or nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import UUID

import pytest
from psycopg import sql
from sqlalchemy import text
from uuid_utils.compat import uuid7

from tales.domain.actor import Actor
from tales.domain.errors import Forbidden, TalesError, Unauthenticated, Unavailable
from tales.domain.page import PageRequest
from tales.domain.repositories.attempt_queue import WorkerInfo
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions, SqlUnitOfWork
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.factories import add_user, attempt_request, new_child
from tests.fixtures.databases import Database, outage, statements_of
from tests.fixtures.server import Server
from tests.fixtures.time import FakeClock, FakeIds
from tests.fixtures.waiting import until


async def test_what_is_left_without_a_commit_has_not_happened(
    transactions: SqlTransactions, database: Database, ids: FakeIds
) -> None:
    user = await add_user(transactions)
    async with transactions.as_user(Actor(user)) as work:
        await work.children.add(ids.new(), user, new_child())
    with pytest.raises(ZeroDivisionError):
        async with transactions.as_user(Actor(user)) as work:
            raise ZeroDivisionError(await work.children.add(ids.new(), user, new_child()))
    assert database.rows("select from tales.children") == []


async def test_an_attempt_that_is_not_committed_was_never_there(
    transactions: SqlTransactions, database: Database, attempt_queue: SqlAttemptQueue
) -> None:
    user = await add_user(transactions)
    left, kept = attempt_request(user), attempt_request(user)
    worker = WorkerInfo(uuid7(), "test", "here", 1, concurrency=4)
    for request, commits in ((left, False), (kept, True)):
        async with transactions.as_requester(Actor(user)) as work:
            await work.generations.create_attempt(request)
            assert await attempt_queue.claim(worker, 5) == (), "what may never be is nobody's work"
            if commits:
                await work.commit()
    assert [claimed.attempt.id for claimed in await attempt_queue.claim(worker, 5)] == [kept.id]
    assert database.rows("select generation_id from tales.generations") == [{"generation_id": kept.id.generation_id}]


async def test_who_has_put_an_attempt_into_the_queue_is_a_user_like_before(
    transactions: SqlTransactions, ids: FakeIds
) -> None:
    user, stranger = await add_user(transactions), await add_user(transactions)
    async with transactions.as_user(Actor(stranger)) as work:
        await work.children.add(ids.new(), stranger, new_child())
        await work.commit()
    request = attempt_request(user)
    async with transactions.as_requester(Actor(user)) as work:
        await work.generations.create_attempt(request)
        assert await work.generations.get_attempt(request.id) is not None
        assert (await work.children.list_for_user(user, PageRequest())).items == ()
        assert (await work.children.list_for_user(stranger, PageRequest())).items == ()


@pytest.mark.parametrize("begin", ["as_user", "as_requester"])
async def test_a_session_that_has_ended_begins_nothing(transactions: SqlTransactions, begin: str) -> None:
    user = await add_user(transactions)
    with pytest.raises(Unauthenticated):
        async with getattr(transactions, begin)(Actor(user, session_id=uuid7())):
            pytest.fail("there is no such session")


async def _commit_and_go_on(work: SqlUnitOfWork, user: UUID) -> None:
    await work.commit()
    await work.children.list_for_user(user, PageRequest())


async def test_after_the_commit_it_is_nobody(transactions: SqlTransactions) -> None:
    user = await add_user(transactions)
    with pytest.raises(Forbidden):
        async with transactions.as_user(Actor(user)) as work:
            await _commit_and_go_on(work, user)


async def test_a_connection_forgets_whom_it_served(database: Database, clock: FakeClock, ids: FakeIds) -> None:
    engine = make_engine(database.app_url)
    transactions = SqlTransactions(engine, clock)
    try:
        user = await add_user(transactions)
        async with transactions.as_user(Actor(user)) as work:
            await work.children.add(ids.new(), user, new_child())
            await work.commit()
        async with engine.connect() as connection:
            query = "select current_user, coalesce(current_setting('request.jwt.claims', true), '') as claims"
            (left,) = (await connection.execute(text(query))).all()
        assert tuple(left) == ("tales_app", "")
    finally:
        await engine.dispose()


async def test_users_at_the_same_time_see_their_own_only(transactions: SqlTransactions, ids: FakeIds) -> None:
    users = [await add_user(transactions) for _ in range(8)]

    async def live(number: int) -> list[str]:
        actor = Actor(users[number])
        async with transactions.as_user(actor) as work:
            await work.children.add(ids.new(), actor.user_id, new_child(name=f"Child {number}"))
            await work.commit()
        async with transactions.as_user(actor) as work:
            heroes = await work.heroes.list_for_user(actor.user_id, PageRequest(limit=50))
            children = await work.children.list_for_user(actor.user_id, PageRequest(limit=50))
            return [hero.name for hero in heroes.items if hero.user_id] + [child.name for child in children.items]

    assert await asyncio.gather(*map(live, range(8))) == [[f"Child {number}"] for number in range(8)]


async def test_a_server_that_does_not_answer_is_unavailable(clock: FakeClock) -> None:
    engine = make_engine("postgresql://tales_app@/tales?host=/nowhere&port=1")
    try:
        with pytest.raises(Unavailable, match="TALES_DATABASE_URL"):
            async with SqlTransactions(engine, clock).as_service():
                pytest.fail("nobody answers there")
    finally:
        await engine.dispose()


async def test_a_server_that_goes_away_is_unavailable(transactions: SqlTransactions, database: Database) -> None:
    end = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tales_app' and datname = %s"
    with pytest.raises(Unavailable):
        async with transactions.as_service() as work:
            await work.accounts.find(f"{database.rows(end, database.name)}")
    async with transactions.as_service() as work:
        assert await work.accounts.find("ada@example.org") is None, "the next one has a connection again"


async def test_a_process_that_stops_in_the_middle_keeps_its_locks_from_nobody(
    transactions: SqlTransactions, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await add_user(transactions)
    async with transactions.as_service() as work:
        await work.generations.create_attempt(attempt_request(user))
        await work.commit()
    monkeypatch.setattr("tales.infrastructure.postgres.unit_of_work.LONGEST_PAUSE", 0.2)

    async def stop_in_the_middle() -> None:
        async with transactions.as_service() as stopped:
            await stopped.session.execute(text("select from tales.generations for update"))
            await asyncio.to_thread(database.execute, "update tales.generations set moral = moral")
            await stopped.session.execute(text("select from tales.generations"))

    with pytest.raises(Unavailable):
        await stop_in_the_middle()


async def test_nor_does_one_that_stops_in_the_middle_of_a_users_transaction(
    transactions: SqlTransactions, database: Database, ids: FakeIds, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await add_user(transactions)
    monkeypatch.setattr("tales.infrastructure.postgres.unit_of_work.LONGEST_PAUSE", 0.2)

    async def stop_in_the_middle() -> None:
        async with transactions.as_user(Actor(user)) as stopped:
            await stopped.children.add(ids.new(), user, new_child())
            await asyncio.to_thread(database.execute, "reindex table tales.children")
            await stopped.children.list_for_user(user, PageRequest())

    with pytest.raises(Unavailable):
        await stop_in_the_middle()


async def test_a_table_that_somebody_has_locked_whole_is_waited_for_no_longer_than_for_any_answer(
    transactions: SqlTransactions, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await add_user(transactions)
    monkeypatch.setattr("tales.infrastructure.postgres.engine.ANSWER_TIMEOUT", 0.3)
    with database.connect() as locking, locking.transaction():
        locking.execute("set local role authenticated")
        locking.execute("lock table tales.children in access exclusive mode")
        with pytest.raises(Unavailable):
            async with transactions.as_user(Actor(user)) as waiting:
                await waiting.children.list_for_user(user, PageRequest())

    async with transactions.as_user(Actor(user)) as work:
        assert not (await work.children.list_for_user(user, PageRequest())).items


async def test_no_familys_words_are_in_an_error(transactions: SqlTransactions) -> None:
    user = await add_user(transactions)
    secret = "a secret dragon called Fluff"
    statements = [
        attempt_request(user, story_length=-1, prompt=secret),
        attempt_request(user, hero_id=uuid7(), moral=secret),
        attempt_request(user, language=secret, story_length=2**40),
    ]
    for request in statements:
        with pytest.raises(TalesError) as caught:
            async with transactions.as_service() as work:
                await work.generations.create_attempt(request)
        error: BaseException | None = caught.value
        while error is not None:
            assert secret not in f"{error} {error.args}", type(error)
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@pytest.mark.parametrize("behind_pooler", [False, True])
async def test_names_are_found_in_pg_catalog_alone_whatever_the_database_says(
    database: Database, *, behind_pooler: bool
) -> None:
    database.execute(sql.SQL("alter database {} set search_path = public").format(sql.Identifier(database.name)))
    engine = make_engine(database.app_url, behind_pooler=behind_pooler)
    try:
        async with SqlTransactions(engine, SystemClock()).as_service() as work:
            assert await work.session.scalar(text("show search_path")) == "pg_catalog, pg_temp"
        async with engine.connect() as connection:
            outside = await connection.scalar(text("show search_path"))
    finally:
        await engine.dispose()

    # What a pooler hands to others is left as it was.
    assert outside == ("public" if behind_pooler else "pg_catalog, pg_temp")


async def test_however_many_ask_whether_it_is_ready_the_database_is_asked_once_a_second(
    transactions: SqlTransactions, database: Database, server: Server
) -> None:
    with statements_of(transactions) as sent:
        await transactions.check()
        once = len(sent)
        await asyncio.gather(*(transactions.check() for _ in range(500)))
        await transactions.check()
        assert len(sent) == once > 0
    with outage(server, database):
        await until(lambda: _is_away(transactions), seconds=5)
    await until(lambda: _is_back(transactions), seconds=5)


async def _is_back(transactions: SqlTransactions) -> bool:
    with suppress(Unavailable):
        await transactions.check()
        return True
    return False


async def _is_away(transactions: SqlTransactions) -> bool:
    return not await _is_back(transactions)
