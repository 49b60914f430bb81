"""Page 1,000 of every list costs what page 1 costs: by the pages of the database that it touches, asked as a user.

And it does so whatever the planner knows of the tables: it may know nothing yet, or what was true long ago.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg import sql
from sqlalchemy import event, text

from tales.domain.actor import Actor
from tales.domain.filters import GenerationFilter, StoryFilter
from tales.domain.generation import Status
from tales.domain.page import Page, PageKey, PageRequest
from tales.infrastructure.postgres.unit_of_work import SqlTransactions, SqlUnitOfWork
from tests.fixtures.databases import Database
from tests.fixtures.rows import Connection

ROWS = 29_000
PARENT = UUID(int=1)
# The tables have some 2,000 to 6,000 pages. A filter that few pass reads the index past those that do not.
FEW, MANY = 250, 1_000
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = "tales.children, tales.heroes, tales.generations, tales.stories"
FORGET = f"""
    delete from pg_statistic where starelid = any ('{{{TABLES}}}'::regclass[]);
    update pg_class set reltuples = -1, relpages = 0, relallvisible = 0
    where oid in (select indexrelid from pg_index where indrelid = any ('{{{TABLES}}}'::regclass[]) union
        select unnest('{{{TABLES}}}'::regclass[]))
"""
# What the planner knows, and how it plans. The first is what the fill leaves behind.
STATISTICS = {
    "of the first hundred rows": "",
    "none": FORGET,
    "hardly any": f"set default_statistics_target = 1; analyze {TABLES}",
    "many": f"set default_statistics_target = 1000; analyze {TABLES}",
    "after a vacuum": f"vacuum analyze {TABLES}",
    "for any parameters": "",
}
# The first hundred rows are a family's each; three of four others are one family's. A generation in ten was tried
# twice; one success in four is told of an owl.
FILL = f"""
    set session_replication_role = replica;
    insert into auth.users (id) select uuid(lpad(to_hex(n), 32, '0')) from generate_series(1, 100) as n;
    create temporary table numbers as
    select n, uuid(lpad(to_hex(n), 32, '0')) as id, timestamptz '2026-01-01Z' + n * interval '1 minute' as at,
        uuid(lpad(to_hex(case when n > 100 and n % 4 > 0 then 1 else n % 100 + 1 end), 32, '0')) as parent,
        uuid(lpad(to_hex(n % 3 + 1), 32, '0')) as child
    from generate_series(1, {ROWS}) as n
"""
# Twice: as much as was there when the tables were analysed last, and the rest.
ROWS_OF = """
    insert into tales.children (id, user_id, name, age, created_at)
    select id, parent, 'Mia', 6, at from numbers where n {part};
    insert into tales.heroes (id, user_id, name, created_at)
    select id, case when n % 8 = 0 then null else parent end, 'Moon', at from numbers where n {part};
    insert into tales.generations (generation_id, attempt_number, user_id, status, model_used, prompt, story_type,
        moral, created_at, completed_at)
    select id, 1, parent, case when n % 10 = 3 then 'failed' when n % 10 = 5 then 'timeout' else 'success' end,
        'model-' || n % 7, repeat('prompt ', 40), 'child', 'kindness', at, at from numbers where n {part};
    insert into tales.generations (generation_id, attempt_number, user_id, status, model_used, prompt, story_type,
        moral, created_at, completed_at)
    select id, 2, parent, case when n % 3 = 0 then 'failed' else 'success' end, 'model-0', 'prompt', 'child',
        'kindness', at + interval '1 second', at from numbers where n % 10 = 3 and n {part};
    insert into tales.stories (id, user_id, title, content, generation_id, generation_attempt, created_at, child_id,
        hero_id, rating)
    select id, parent, 'Night ' || n, case when n % 4 = 1 then 'owls ' else 'bears ' end || repeat('and the moon ', 60),
        id, 1, at, child, child, n % 10 + 1 from numbers where n % 10 not in (3, 5) and n {part}
"""
LIST = Callable[[SqlUnitOfWork, PageRequest], Awaitable[Page[Any]]]


def stories(**which: Any) -> LIST:
    return lambda work, page: work.stories.list_for_user(PARENT, page, StoryFilter(**which))


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
    "found often": stories(words="moon"),
    "found": stories(words="owl"),
    "found of a child": stories(words="owl", child_id=UUID(int=2), min_rating=2),
    "generations": generations(),
    "everybody's": lambda work, page: work.generations.list_all(page),
    "that succeeded": generations(status=Status.SUCCESS),
    "that failed": generations(status=Status.FAILED),
    "that timed out": generations(status=Status.TIMEOUT),
    "of a model": generations(model="model-3"),
    "of a model that failed": generations(model="model-0", status=Status.FAILED),
    "of a time": generations(created_after=FIRST, created_before=FIRST + timedelta(days=365)),
    "of long ago": generations(created_before=FIRST + timedelta(minutes=3_000)),
}


@pytest.fixture
def full_database(database: Database) -> Database:
    with database.connect() as connection:
        for table in TABLES.split(", "):
            connection.execute(f"alter table {table} set (autovacuum_enabled = off)")
        connection.execute("set session_replication_role = replica")
        _run(connection, FILL)
        _run(connection, ROWS_OF.format(part="<= 100"))
        connection.execute(f"analyze {TABLES}")
        _run(connection, ROWS_OF.format(part="> 100"))
    return database


def _run(connection: Connection, statements: str) -> None:
    for statement in filter(None, statements.split(";")):
        connection.execute(statement)


async def _touched(work: SqlUnitOfWork, read: LIST, page: PageRequest) -> tuple[int, int, str]:
    """How many pages of the database a list touches, how many items it finds, and its plans."""
    session = work.session
    connection = (await session.connection()).sync_connection
    assert connection is not None
    sent: list[tuple[str, dict[str, Any]]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    items = (await read(work, page)).items
    event.remove(connection, "before_cursor_execute", note)
    driver = (await (await session.connection()).get_raw_connection()).driver_connection
    assert driver is not None
    touched, plans = 0, ""
    for statement, parameters in sent:
        if statement.lstrip().startswith("select set_config"):
            continue
        places = {name: f"${number}" for number, name in enumerate(parameters, 1)}
        await driver.execute(sql.SQL("prepare list as " + statement % places))
        values = sql.SQL(", ").join(map(sql.Literal, parameters.values()))
        cursor = await driver.execute(
            sql.SQL("explain (analyze, buffers, format json) execute list ({})").format(values)
        )
        ((plan,),) = await cursor.fetchall()
        await driver.execute("deallocate list")
        touched += plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"]
        plans += str(plan)
    return touched, len(items), plans


async def test_a_deep_page_costs_what_the_first_one_costs(
    full_database: Database, transactions: SqlTransactions
) -> None:
    # 20,250 of the family's rows are newer: page 1,013.
    deep = PageKey(FIRST + timedelta(minutes=2_000), UUID(int=2**100))
    for known, learn in STATISTICS.items():
        with full_database.connect() as connection:
            _run(connection, learn)
        for name, read in LISTS.items():
            async with transactions.as_user(Actor(PARENT, is_admin=name == "everybody's")) as work:
                plans = "force_generic_plan" if known == "for any parameters" else "force_custom_plan"
                await work.session.execute(text(f"set local plan_cache_mode = {plans}"))
                await _touched(work, read, PageRequest(20))  # the catalog is read once
                first, items, plan = await _touched(work, read, PageRequest(20))
                later, items_later, plan_later = await _touched(work, read, PageRequest(20, deep))
            which = f"{name}, statistics {known}"
            assert items == items_later == 20, which
            assert first <= MANY, f"{which}: {first} pages, {plan}"
            assert later <= max(2 * first, FEW), f"{which}: {first} pages at first and {later} later, {plan_later}"
