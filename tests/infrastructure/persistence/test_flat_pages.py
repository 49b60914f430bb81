"""Page 1,000 of every list costs what page 1 costs: by the pages of the database that it touches, asked as a user."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from tales.domain.actor import Actor
from tales.domain.filters import GenerationFilter, StoryFilter
from tales.domain.generation import Status
from tales.domain.page import Page, PageKey, PageRequest
from tales.infrastructure.persistence.engine import make_engine
from tales.infrastructure.persistence.unit_of_work import SqlTransactions, SqlUnitOfWork
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeClock

ROWS = 29_000
PARENT = UUID(int=1)
# The tables have some 2,000 to 6,000 pages. A filter that few pass reads the index past those that do not.
FEW, MANY = 250, 1_000
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
# Three of four rows are one family's. A generation in ten was tried twice; one story in four is told of an owl.
FILL = f"""
    set session_replication_role = replica;
    insert into auth.users (id) select uuid(lpad(to_hex(n), 32, '0')) from generate_series(1, 100) as n;
    create temporary table numbers as
    select n, uuid(lpad(to_hex(n), 32, '0')) as id, timestamptz '2026-01-01Z' + n * interval '1 minute' as at,
        case when n % 4 = 0 then uuid(lpad(to_hex(n % 99 + 2), 32, '0')) else uuid(lpad('1', 32, '0')) end as parent,
        uuid(lpad(to_hex(n % 3 + 1), 32, '0')) as child
    from generate_series(1, {ROWS}) as n;
    insert into tales.children (id, user_id, name, age, created_at) select id, parent, 'Mia', 6, at from numbers;
    insert into tales.heroes (id, user_id, name, created_at)
    select id, case when n % 8 = 0 then null else parent end, 'Moon', at from numbers;
    insert into tales.generations (generation_id, attempt_number, user_id, status, model_used, prompt, story_type,
        moral, created_at, completed_at)
    select id, 1, parent, case when n % 10 = 3 then 'failed' when n % 10 = 5 then 'timeout' else 'success' end,
        'model-' || n % 7, repeat('prompt ', 40), 'child', 'kindness', at, at from numbers;
    insert into tales.generations (generation_id, attempt_number, user_id, status, model_used, prompt, story_type,
        moral, created_at, completed_at)
    select id, 2, parent, case when n % 3 = 0 then 'failed' else 'success' end, 'model-0', 'prompt', 'child',
        'kindness', at + interval '1 second', at from numbers where n % 10 = 3;
    insert into tales.stories (id, user_id, title, content, generation_id, generation_attempt, created_at, child_id,
        hero_id, rating)
    select id, parent, 'Night ' || n, case when n % 4 = 1 then 'owls ' else 'bears ' end || repeat('and the moon ', 60),
        id, 1, at, child, child, n % 10 + 1 from numbers;
    reset session_replication_role;
    vacuum analyze tales.children, tales.heroes, tales.generations, tales.stories
"""
LIST = Callable[[SqlUnitOfWork, PageRequest], Awaitable[Page[Any]]]


def stories(**which: Any) -> LIST:
    return lambda work, page: work.stories.list_for_user(PARENT, page, StoryFilter(**which))


def found(words: str, **which: Any) -> LIST:
    return lambda work, page: work.stories.search(PARENT, page, StoryFilter(words=words, **which))


def generations(**which: Any) -> LIST:
    return lambda work, page: work.generations.list_for_user(PARENT, page, GenerationFilter(**which))


LISTS: dict[str, LIST] = {
    "children": lambda work, page: work.children.list_for_user(PARENT, page),
    "heroes": lambda work, page: work.heroes.list_for_user(PARENT, page),
    "stories": stories(),
    "stories of a child": stories(child_id=UUID(int=2)),
    "stories of a hero": stories(hero_id=UUID(int=2)),
    "good stories": stories(min_rating=9),
    "good stories of a child": stories(min_rating=9, child_id=UUID(int=2)),
    "stories of versions 1 and 2": lambda work, page: work.stories.list_written(PARENT, page),
    "found often": found("moon"),
    "found": found("owl"),
    "found of a child": found("owl", child_id=UUID(int=2), min_rating=2),
    "generations": generations(),
    "that succeeded": generations(status=Status.SUCCESS),
    "that failed": generations(status=Status.FAILED),
    "that timed out": generations(status=Status.TIMEOUT),
    "of a model": generations(model="model-3"),
    "of a model that failed": generations(model="model-0", status=Status.FAILED),
    "of a time": generations(created_after=FIRST, created_before=FIRST + timedelta(days=365)),
}


@pytest.fixture
def full_database(database: Database) -> Database:
    with database.connect() as connection:
        for statement in FILL.split(";"):
            connection.execute(statement)
    return database


async def _touched(work: SqlUnitOfWork, read: LIST, page: PageRequest) -> tuple[int, int, str]:
    """How many pages of the database a list touches, how many items it finds, and its plans."""
    session = work.session
    connection = (await session.connection()).sync_connection
    assert connection is not None
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    items = (await read(work, page)).items
    event.remove(connection, "before_cursor_execute", note)
    touched, plans = 0, ""
    for statement, parameters in sent:
        if statement.lstrip().startswith("select set_config"):
            continue
        raw = await (await session.connection()).get_raw_connection()
        driver = raw.driver_connection
        assert driver is not None
        cursor = await driver.execute(f"explain (analyze, buffers, format json) {statement}", parameters)
        ((plan,),) = await cursor.fetchall()
        touched += plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
        plans += str(plan)
    return touched, len(items), plans


async def test_a_deep_page_costs_what_the_first_one_costs(full_database: Database, clock: FakeClock) -> None:
    engine = make_engine(full_database.app_url)
    transactions = SqlTransactions(engine, clock)
    # 20,250 of the family's rows are newer: page 1,013.
    deep = PageKey(FIRST + timedelta(minutes=2_000), UUID(int=2**100))
    for name, read in LISTS.items():
        actor = transactions.as_service() if name.startswith("found") else transactions.as_user(Actor(PARENT))
        async with actor as work:
            await _touched(work, read, PageRequest(20))  # the catalog is read once
            first, items, plan = await _touched(work, read, PageRequest(20))
            later, items_later, plan_later = await _touched(work, read, PageRequest(20, deep))
        assert items == items_later == 20, name
        assert first <= MANY, f"{name}: {first} pages, {plan}"
        assert later <= max(2 * first, FEW), f"{name}: {first} pages at first and {later} later, {plan_later}"
    await engine.dispose()
