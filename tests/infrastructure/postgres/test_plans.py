"""What is looked up is found by an index, in a table of 200,000 attempts: measured by the pages that are touched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, LiteralString
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from tales.application.ports import Clock
from tales.domain.actor import Actor as User
from tales.domain.filters import CallFilter
from tales.domain.generation import Attempt, AttemptId, Status
from tales.domain.page import PageKey, PageRequest
from tales.domain.repositories.attempt_queue import WorkerInfo
from tales.domain.throttle import LoginKind
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.postgres.unit_of_work import SqlTransactions, SqlUnitOfWork
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tests.fixtures.actors import OWNER, SERVICE, Actor, acting, admin, user
from tests.fixtures.databases import Database
from tests.fixtures.rows import THEN, Connection
from tests.fixtures.time import FakeClock

ROWS = 200_000
# 200 users with 1,000 attempts each; one generation in ten was tried twice; ten attempts are in flight.
FILL = f"""
    set session_replication_role = replica;
    insert into auth.users (id) select uuid(lpad(n::text, 32, '0')) from generate_series(1, 200) as n;
    insert into tales.children (id, user_id, name, age)
    select uuid(lpad(n::text, 32, '0')), uuid(lpad((n % 200 + 1)::text, 32, '0')), 'Mia', 6
    from generate_series(1, 1000) as n;
    insert into tales.generations (generation_id, attempt_number, user_id, status, model_used, prompt, story_type,
        moral, created_at, completed_at, child_id, queue, available_at, turn, worker_id, started_at)
    select uuid(lpad((n / 11 * 10 + least(n % 11, 9))::text, 32, '0')), case when n % 11 = 10 then 2 else 1 end,
        uuid(lpad((n / 11 % 200 + 1)::text, 32, '0')),
        case when n % 20000 = 7 then 'pending' when n % 11 = 9 then 'failed' else 'success' end,
        'model-' || n % 50, repeat('prompt ', 10), 'child', 'kindness',
        timestamptz '2026-01-01' + n * interval '1 minute',
        case when n % 20000 <> 7 then timestamptz '2026-01-01' + n * interval '1 minute' end,
        uuid(lpad((n % 1000 + 1)::text, 32, '0')), 'test', timestamptz '2026-01-01' + n * interval '1 minute', n,
        case when n % 40000 <> 7 then uuid(lpad('1', 32, '0')) end,
        case when n % 40000 <> 7 then timestamptz '2026-01-01' + n * interval '1 minute' end
    from generate_series(1, {ROWS}) as n;
    insert into tales.workers (id, queue, host, process_id, concurrency)
    values (uuid(lpad('1', 32, '0')), 'test', 'here', 1, 4);
    insert into tales.stories (user_id, title, content, generation_id, generation_attempt, created_at, child_id)
    select user_id, 'The Kind Dragon', 'Once upon a time ...', generation_id, attempt_number, created_at, child_id
    from tales.generations where status = 'success';
    insert into tales.accounts (user_id, email, password_hash)
    select id, id || '@example.org', '$' from auth.users;
    insert into tales.sessions (id, user_id, refresh_token_hash, client_hash, created_at, expires_at)
    select uuid(lpad(n::text, 32, '0')), uuid(lpad((n % 200 + 1)::text, 32, '0')), sha256(n::text::bytea),
        sha256((n % 5000)::text::bytea), timestamptz '2026-01-01', timestamptz '2027-01-01'
    from generate_series(1, {ROWS} / 10) as n;
    insert into tales.replaced_refresh_tokens (token_hash, session_id, replaced_at)
    select sha256((-n)::text::bytea), uuid(lpad((n / 5 + 1)::text, 32, '0')), timestamptz '2026-01-01'
    from generate_series(1, {ROWS} / 4) as n;
    insert into tales.login_attempts (kind, address_hash, client_hash, attempts, last_at)
    select case when n % 5 = 0 then 'sign_up' else 'sign_in' end, sha256((n / 3)::text::bytea),
        sha256((n % 5000)::text::bytea), 1, timestamptz '2026-03-20 11:00Z'
    from generate_series(1, {ROWS} / 4) as n;
    reset session_replication_role;
    vacuum analyze tales.generations, tales.stories, tales.children, tales.accounts, tales.sessions,
        tales.replaced_refresh_tokens, tales.login_attempts
"""
# Of some 6,000. Under row-level security the planner does not know that the user is the one who is asked for: it sorts
# all of a user's attempts, here a thousand, instead of reading the newest 20 in the index's order.
FEW_PAGES = 250
PARENT = UUID(int=0x17)
GENERATION = UUID("00000000-0000-0000-0000-000000100000")
IN_FLIGHT = AttemptId(UUID("00000000-0000-0000-0000-000000018189"), 1)
DEEP = PageKey(THEN, GENERATION)


@pytest.fixture
def full_database(database: Database) -> Database:
    with database.connect() as connection:
        for statement in FILL.split(";"):
            connection.execute(statement)
    return database


def _pages(connection: Connection, actor: Actor, statement: str, parameters: Any = None) -> tuple[int, str]:
    """How many pages a statement touches, and its plan; nothing of it stays.

    Where they are many it is asked once more: a session that was told that something of the cluster has changed reads
    much of the catalog anew.
    """
    for _ in range(2):
        with connection.transaction(force_rollback=True), acting(connection, actor):
            found = connection.execute(f"explain (analyze, buffers, costs off, format json) {statement}", parameters)
            (row,) = found.fetchall()
        plan = row["QUERY PLAN"][0]["Plan"]
        pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        if pages <= FEW_PAGES:
            break
    return pages, str(row)


LOOK_UPS: dict[str, tuple[Actor, str]] = {
    "one attempt": (
        OWNER,
        f"select * from tales.generations where (generation_id, attempt_number) = ('{GENERATION}', 1)",
    ),
    "a generation": (OWNER, f"select * from tales.generations where generation_id = '{GENERATION}'"),
    "a user's": (
        OWNER,
        f"select * from tales.generations where user_id = '{PARENT}' order by created_at desc limit 20",
    ),
    "a state": (OWNER, "select * from tales.generations where status = 'failed' order by created_at desc limit 20"),
    "a day": (OWNER, "select * from tales.generations where created_at >= '2026-03-01' and created_at < '2026-03-02'"),
    "a model": (
        OWNER,
        "select * from tales.generations where model_used = 'model-7' order by created_at desc limit 20",
    ),
    "in flight": (OWNER, "select * from tales.generations where status = 'pending'"),
    "a child's": (OWNER, f"select * from tales.generations where child_id = '{UUID(int=5)}'"),
    "a story's": (OWNER, f"select * from tales.stories where generation_id = '{GENERATION}'"),
    "joined": (
        user(PARENT),
        f"select from tales.stories join tales.generations using (generation_id) where generation_id = '{GENERATION}'",
    ),
}


# Not by an amount alone, nor failures that were all tried again: those are read from the newest on (record 0044).
CALLS = (
    CallFilter(status=Status.SUCCESS),
    CallFilter(status=Status.TIMEOUT),
    CallFilter(model="model-7"),
    CallFilter(error_type="server_error"),
    CallFilter(error_type="payment_required"),
    CallFilter(user_id=PARENT),
    CallFilter(user_id=PARENT, slower_than=3600),
    CallFilter(created_before=DEEP.created_at),
)


def _everybodys(which: CallFilter) -> Callable[[SqlUnitOfWork], Awaitable[Any]]:
    return lambda work: work.generations.list_all(PageRequest(20), which)


def _reads(user_id: UUID, story_id: UUID) -> dict[str, tuple[User | None, Callable[[SqlUnitOfWork], Awaitable[Any]]]]:
    """What the repositories ask, as whom they are asked."""
    parent, boss, attempt = User(user_id), User(user_id, is_admin=True), AttemptId(GENERATION, 1)
    deep = PageRequest(20, DEEP)
    return {
        "get_attempt": (parent, lambda work: work.generations.get_attempt(attempt)),
        "latest_attempt": (parent, lambda work: work.generations.latest_attempt(GENERATION)),
        "get_generation": (parent, lambda work: work.generations.get_generation(GENERATION)),
        "list_for_user": (parent, lambda work: work.generations.list_for_user(user_id, PageRequest(20))),
        "list_for_user, deep": (parent, lambda work: work.generations.list_for_user(user_id, deep)),
        "list_all": (boss, lambda work: work.generations.list_all(PageRequest(20))),
        "list_all, deep": (boss, lambda work: work.generations.list_all(deep)),
        **{f"list_all, {which}": (boss, _everybodys(which)) for which in CALLS},
        "hold": (None, lambda work: work.sessions.hold("17")),
        "find_replaced": (None, lambda work: work.sessions.find_replaced("-17")),
        "is_open": (None, lambda work: work.sessions.is_open(user_id)),
        "close": (None, lambda work: work.sessions.close(user_id)),
        "forget_expired": (None, lambda work: work.sessions.forget_expired()),
        "stand": (None, lambda work: work.login_attempts.stand(LoginKind.SIGN_IN, "17", "17")),
        "count": (None, lambda work: work.login_attempts.count(LoginKind.SIGN_IN, "17", "17")),
        "clear": (None, lambda work: work.login_attempts.clear(LoginKind.SIGN_IN, "17", "17")),
        "get": (parent, lambda work: work.stories.get(story_id)),
        "get_written": (parent, lambda work: work.stories.get_written(story_id)),
        "stories": (parent, lambda work: work.stories.list_for_user(user_id, PageRequest(20))),
        "stories, deep": (parent, lambda work: work.stories.list_for_user(user_id, deep)),
        "written": (parent, lambda work: work.stories.list_written(user_id, PageRequest(20))),
        "written, deep": (parent, lambda work: work.stories.list_written(user_id, deep)),
    }


def _of_queue(queue: SqlAttemptQueue, in_flight: Attempt) -> dict[str, Callable[[], Awaitable[Any]]]:
    """What workers ask, again and again: ten attempts are in flight, five of them in the hands of one that lives."""
    worker = WorkerInfo(UUID(int=1), "test", "here", 1, concurrency=4)
    return {
        # First: a session that has never claimed reads much of the catalog.
        "claim, of no queue": lambda: queue.claim(replace(worker, queue="nobody's"), 4),
        "claim": lambda: queue.claim(worker, 4),
        "claim, own": lambda: queue.claim(worker, 4, [GENERATION]),
        "renew_lease": lambda: queue.renew_lease(worker),
        "workers": queue.workers,
        "ended_among": lambda: queue.ended_among(worker.id, [in_flight.id, AttemptId(GENERATION, 1)]),
        "stranded": lambda: queue.stranded(100),
        "strays": lambda: queue.strays(worker, [GENERATION]),
        "save_provider_id": lambda: queue.save_provider_id(in_flight, "gen-1"),
        "sign_off": lambda: queue.sign_off(UUID(int=2)),
    }


class Noting(SqlTransactions):
    """Notes what is sent to the database by the driver itself, and lets a test note the rest."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        super().__init__(engine, clock)
        self.sent: list[tuple[str, Any]] = []

    async def call(self, statement: LiteralString, parameters: tuple[object, ...]) -> Sequence[Mapping[str, Any]]:
        self.sent.append((statement, parameters))
        return await super().call(statement, parameters)


@contextmanager
def _statements(engine: AsyncEngine, transactions: Noting) -> Iterator[list[tuple[str, Any]]]:
    """What is sent to the database meanwhile."""
    transactions.sent = sent = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "tales." in statement:
            sent.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine.sync_engine, "before_cursor_execute", note)


async def test_every_look_up_touches_few_pages(full_database: Database, engine: AsyncEngine, clock: FakeClock) -> None:
    transactions = Noting(engine, clock)
    touched: dict[str, tuple[int, str]] = {}
    with full_database.connect() as connection:
        for name, (actor, statement) in LOOK_UPS.items():
            touched[name] = _pages(connection, actor, statement)
        (story,) = full_database.rows("select id from tales.stories where user_id = %s limit 1", PARENT)
        for name, (signed_in, read) in _reads(PARENT, story["id"]).items():
            with _statements(engine, transactions) as sent:
                async with transactions.as_user(signed_in) if signed_in else transactions.as_service() as work:
                    await read(work)
            assert sent, name
            actor = SERVICE if signed_in is None else admin() if signed_in.is_admin else user(PARENT)
            for number, (statement, parameters) in enumerate(sent):
                touched[f"{name} {number}"] = _pages(connection, actor, statement, parameters)
                if name == "get_written":  # the first time, what the session keeps of an index is read too
                    written, plan = _pages(connection, actor, statement, parameters)
        queue = SqlAttemptQueue(transactions, SystemClock())
        async with transactions.as_service() as work:
            in_flight = await work.generations.get_attempt(IN_FLIGHT)
        assert in_flight is not None
        assert in_flight.worker_id is not None
        for name, ask in _of_queue(queue, in_flight).items():
            with _statements(engine, transactions) as sent:
                await ask()
            assert sent, name
            for number, (statement, parameters) in enumerate(sent):
                touched[f"{name} {number}"] = _pages(connection, SERVICE, statement, parameters)
    too_many = {name: (pages, plan) for name, (pages, plan) in touched.items() if pages > FEW_PAGES}
    assert too_many == {}
    # A page of an index and one of the table: what a story's attempt costs beside the story alone.
    assert written <= touched["get 0"][0] + 2, plan
