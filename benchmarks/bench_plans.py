"""Look-ups among a million attempts, each with its plan: decision 10, and what the library asks.

`python -m benchmarks.bench_plans [--rows 29000 1000000] [--seconds 5] [--explain]`

For each table size: the look-ups that the specification names, with the index that serves them and the pages of the
database that they touch; a story alone and with its attempt; and words in families of 10, 300 and 3,000 stories, which
cost the same however many stories others have. Leaves with 1 when one touches more pages than a few for each row.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID, uuid5

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from sqlalchemy import event
from tests.fixtures.actors import acting
from tests.infrastructure.postgres.test_plans import FILL, LOOK_UPS, PARENT
from tests.infrastructure.postgres.test_plans import ROWS as FILLED

from benchmarks.legacy.paragraphs import pool
from benchmarks.measuring import bench_server, say_machine, say_table
from tales.domain.actor import Actor
from tales.domain.filters import GenerationFilter, StoryFilter
from tales.domain.generation import Status
from tales.domain.page import PageKey, PageRequest
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions, SqlUnitOfWork
from tales.legacy.migrate import migrate_up

FEW_PAGES = 250
"""For a look-up of one row or a page; each row more may lie on a page of its own."""
FAMILIES = (10, 300, 3_000)
RARE, FREQUENT = "xylophone", "and"
_LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
DEEP = PageKey(datetime(2026, 1, 10, tzinfo=UTC), UUID(int=0))
_STORY_BYTES = 2_500
_ATTEMPT = """
    insert into tales.generations (generation_id, attempt_number, model_used, status, prompt, user_id, story_type,
        moral, created_at, completed_at, full_response)
    values (%s, 1, 'bench', 'success', 'Write.', %s, 'child', 'kindness', %s, now(), %s)
"""
_STORY = """
    insert into tales.stories (id, user_id, title, content, generation_id, generation_attempt, created_at)
    values (%s, %s, 'The Kind Dragon', %s, %s, 1, %s)
"""

Read = Callable[[SqlUnitOfWork], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a read costs: pages touched, milliseconds (the median of several), and its plans."""

    pages: int
    milliseconds: float
    plans: str


def main() -> int:
    """Print the tables; 1 when a look-up reads too much."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_plans", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[29_000, 1_000_000])
    parser.add_argument("--seconds", type=float, default=5, help="for each rate")
    parser.add_argument("--explain", action="store_true", help="print every plan")
    options = parser.parse_args()
    too_many: list[str] = []
    with bench_server() as place:
        say_machine(place)
        for rows in options.rows:
            place.execute("create database {}", f"rows_{rows}")
            url = place.url(f"rows_{rows}")
            migrate_up(url)
            _fill(url, rows)
            print(f"Among {rows:,} attempts and the stories of those that succeeded:\n", flush=True)
            too_many += _look_ups(url, explain=options.explain)
            too_many += asyncio.run(_reads(url, options.seconds, explain=options.explain))
    print("\n".join(f"TOO MANY PAGES: {name}" for name in too_many))
    return int(bool(too_many))


def _reader(stories: int) -> UUID:
    return uuid5(UUID(int=0), f"family of {stories}")


def _story(stories: int, number: int) -> UUID:
    return uuid5(_reader(stories), str(number))


def _fill(url: str, rows: int) -> None:
    """The tests' rows, more of them, and three families whose stories and responses are as long as real ones."""
    random = Random(1)
    paragraphs = [piece.text.decode().replace("\\", "") for piece in pool("en", 2_000).paragraphs]
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in FILL.replace(f"(1, {FILLED}", f"(1, {rows}").split(";"):
            if "vacuum" not in statement and "reset" not in statement:
                connection.execute(statement)
        for stories in FAMILIES:
            connection.execute("insert into auth.users (id) values (%s)", [_reader(stories)])
            with connection.cursor() as cursor, connection.transaction():
                for number in range(stories):
                    text, id_ = " ".join(random.choices(paragraphs, k=10))[:_STORY_BYTES], _story(stories, number)
                    response = {"usage": {"prompt_tokens": 9}, "choices": [{"message": {"content": text}}]}
                    cursor.execute(_ATTEMPT, [id_, _reader(stories), _LONG_AGO, Jsonb(response)])
                    cursor.execute(_STORY, [id_, _reader(stories), text, id_, _LONG_AGO])
        connection.execute("reset session_replication_role")
        connection.execute("alter role tales_app login")
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


def _look_ups(url: str, *, explain: bool) -> list[str]:
    lines, too_many = [], []
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        for name, (actor, statement) in LOOK_UPS.items():
            for _ in range(2):  # the first time, the catalog is read too
                with acting(connection, actor):
                    found = connection.execute(f"explain (analyze, buffers, format json) {statement}").fetchall()
            plan = found[0]["QUERY PLAN"][0]
            pages, rows = _pages(plan), int(plan["Plan"]["Actual Rows"])
            lines.append((name, ", ".join(_indexes(plan["Plan"])), rows, pages, f"{plan['Execution Time']:.2f}"))
            if pages > FEW_PAGES + rows:
                too_many.append(name)
            if explain:
                print(f"{name}: {statement}\n{json.dumps(plan, indent=1)}\n")
    say_table(("look-up", "served by", "rows", "pages", "ms"), lines)
    return too_many


def _pages(plan: dict[str, Any]) -> int:
    return int(plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"])


def _indexes(node: dict[str, Any]) -> list[str]:
    """The indexes of a plan, and the tables that are read without one."""
    own = [node["Index Name"]] if "Index Name" in node else []
    if node["Node Type"] == "Seq Scan":
        own = [f"ALL OF {node['Relation Name']}"]
    return own + [name for child in node.get("Plans", ()) for name in _indexes(child)]


def _library(random: Random) -> dict[str, tuple[UUID, Read]]:
    """What is read as which family."""
    library = _reader(FAMILIES[-1])

    def some() -> UUID:
        return _story(FAMILIES[-1], random.randrange(FAMILIES[-1]))

    reads: dict[str, tuple[UUID, Read]] = {
        "a story alone": (library, lambda work: work.stories.get(some())),
        "a story with its attempt": (library, lambda work: work.stories.get_written(some())),
        "generations": (PARENT, lambda work: work.generations.list_for_user(PARENT, PageRequest())),
        "generations, deep": (PARENT, lambda work: work.generations.list_for_user(PARENT, PageRequest(after=DEEP))),
        "generations of one state": (
            PARENT,
            lambda work: work.generations.list_for_user(PARENT, PageRequest(), GenerationFilter(status=Status.SUCCESS)),
        ),
        "stories": (PARENT, lambda work: work.stories.list_for_user(PARENT, PageRequest())),
        "stories, deep": (PARENT, lambda work: work.stories.list_for_user(PARENT, PageRequest(after=DEEP))),
    }
    for stories in FAMILIES:
        for words in (RARE, FREQUENT):
            reads[f"'{words}' in a family of {stories:,}"] = (_reader(stories), _search(_reader(stories), words))
    return reads


def _search(reader: UUID, words: str) -> Read:
    return lambda work: work.stories.list_for_user(reader, PageRequest(), StoryFilter(words=words))


async def _reads(url: str, seconds: float, *, explain: bool) -> list[str]:
    async with AsyncExitStack() as stack:
        engine = make_engine(url)
        stack.push_async_callback(engine.dispose)
        transactions = SqlTransactions(engine, SystemClock())
        library = _library(Random(1))
        costs = {name: await _cost(transactions, *read) for name, read in library.items()}
        say_table(
            ("read by the service", "pages", "ms"),
            [(name, cost.pages, f"{cost.milliseconds:.2f}") for name, cost in costs.items()],
        )
        if explain:
            print("\n".join(f"{name}: {cost.plans}\n" for name, cost in costs.items()))
        names = ("a story alone", "a story with its attempt")
        rates = await _rates(transactions, {name: library[name] for name in names}, seconds)
        alone, written = (statistics.median(rates[name]) for name in names)
        print(
            f"{alone:,.0f} stories a second alone, {written:,.0f} with their attempts: {written / alone:.2f} of it.\n"
        )
    return [
        name
        for name, cost in costs.items()
        if cost.pages > (FEW_PAGES if " in a family" not in name else 5 * FAMILIES[-1])
    ]


async def _cost(transactions: SqlTransactions, reader: UUID, read: Read) -> Cost:
    took: list[float] = []
    for _ in range(9):
        begun = time.perf_counter()
        async with transactions.as_user(Actor(reader)) as work:
            await read(work)
        took.append((time.perf_counter() - begun) * 1000)
    sent: list[tuple[str, Any]] = []

    def note(*seen: Any) -> None:  # noqa: ANN401 -- as SQLAlchemy calls it
        sent.append((seen[2], seen[3]))

    async with transactions.as_user(Actor(reader)) as work:
        connection = await work.session.connection()
        event.listen(connection.sync_connection, "before_cursor_execute", note)
        await read(work)
        event.remove(connection.sync_connection, "before_cursor_execute", note)
        pages, plans = 0, ""
        for statement, parameters in sent:
            if "tales." in statement:
                explained = f"explain (analyze, buffers, format json) {statement}"
                ((plan,),) = (await connection.exec_driver_sql(explained, parameters)).all()
                pages += _pages(plan[0])
                plans += json.dumps(plan[0])
    return Cost(pages, statistics.median(took), plans)


async def _rates(
    transactions: SqlTransactions, reads: dict[str, tuple[UUID, Read]], seconds: float
) -> dict[str, list[float]]:
    """Reads a second, five times over. They take turns one by one: what else the machine does hits them alike."""
    rates: dict[str, list[float]] = {name: [] for name in reads}
    for _ in range(5):
        took, count = dict.fromkeys(reads, 0.0), 0
        while sum(took.values()) < len(reads) * seconds / 5:
            for name, (reader, read) in reads.items():
                begun = time.perf_counter()
                async with transactions.as_user(Actor(reader)) as work:
                    await read(work)
                took[name] += time.perf_counter() - begun
            count += 1
        for name in reads:
            rates[name].append(count / took[name])
    return rates


if __name__ == "__main__":
    raise SystemExit(main())
