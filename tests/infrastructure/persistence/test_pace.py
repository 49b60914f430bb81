"""A migration makes room for whoever works on the database meanwhile, and is quick where nobody does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, text

from tales.infrastructure.persistence.migration.pace import Pace
from tales.infrastructure.persistence.urls import driver_url
from tests.fixtures.databases import Database


@pytest.fixture
def connection(legacy_database: Database) -> Iterator[Connection]:
    engine = create_engine(driver_url(legacy_database.owner_url))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@contextmanager
def an_application_at_work(url: str) -> Iterator[None]:
    ended = threading.Event()

    def work() -> None:
        with psycopg.connect(url, autocommit=True) as other:
            while not ended.wait(0.01):
                other.execute("select count(*) from tales.stories")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def move(connection: Connection, pace: Pace, *, batches: int, seconds: float = 0.05) -> None:
    """Batches that write nothing, but commit."""
    for _ in range(batches):
        with connection.begin():
            connection.execute(text("select count(*) from tales.stories"))
        pace.own_commits += 1
        pace.after_batch(connection, pace.rows, seconds)


def test_it_is_quick_where_nobody_else_works(connection: Connection) -> None:
    pace = Pace()
    move(connection, pace, batches=1)
    while_unknown = pace.rows
    move(connection, pace, batches=40, seconds=0.018)

    assert not pace.is_shared
    assert pace.rows > 3 * while_unknown


def test_it_makes_room_for_others(legacy_database: Database, connection: Connection) -> None:
    rests: list[float] = []

    def rest(seconds: float) -> None:
        rests.append(seconds)
        threading.Event().wait(seconds)

    pace = Pace(sleep=rest)
    with an_application_at_work(legacy_database.owner_url):
        move(connection, pace, batches=25)

    assert pace.is_shared
    assert pace.rows < 20
    assert sum(rests) > 1.0


def test_one_batch_that_had_to_wait_says_little_of_the_next(connection: Connection) -> None:
    pace = Pace(rows=100, sleep=lambda _seconds: None)

    move(connection, pace, batches=1, seconds=2.0)

    assert pace.rows > 50


def test_a_rate_is_kept_by_small_batches(connection: Connection) -> None:
    pace = Pace(max_rate=1000.0, rows=5000)

    move(connection, pace, batches=1, seconds=0.001)

    assert pace.rows <= 1000 / 50
