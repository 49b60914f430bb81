"""The queue's tables: PgQueuer's own, in a schema that only the role `tales_queue` reaches.

PgQueuer installs and upgrades them itself, after the numbered migrations: their shape belongs to its version.
"""

from __future__ import annotations

import asyncio

import psycopg
from pgqueuer.adapters.drivers.psycopg import PsycopgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import Driver

from tales.infrastructure.persistence.urls import libpq_url

SCHEMA = "tales_queue"
ROLE = "tales_queue"
CHANNEL = Channel("tales_queue")
QUEUE_SINCE = "018"
"""The migration that makes the queue's role."""

# Every name is said here, because PgQueuer would take the others from the environment (TRIGGER, CHANNEL, ...).
QUEUE_SETTINGS = DBSettings(
    prefix="",
    db_schema=SCHEMA,
    channel=CHANNEL,
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.durable,
    widen_id=True,
)

_GRANTS = f"""
    revoke all on schema {SCHEMA} from public;
    revoke execute on all functions in schema {SCHEMA} from public;
    grant usage on schema {SCHEMA} to {ROLE};
    grant select, insert, update, delete on all tables in schema {SCHEMA} to {ROLE};
    grant usage on all sequences in schema {SCHEMA} to {ROLE};
"""


def queries(driver: Driver) -> Queries:
    """PgQueuer's statements over `driver`, for the tables in our schema."""
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(QUEUE_SETTINGS),
        qbq=QueryQueueBuilder(QUEUE_SETTINGS),
        qbs=QuerySchedulerBuilder(QUEUE_SETTINGS),
    )


def install_queue(url: str) -> None:
    """Create the queue's tables, or bring them up to the installed PgQueuer. `url` is the owner's."""
    asyncio.run(_install(url))


async def _install(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(libpq_url(url), autocommit=True) as connection:
        async with PsycopgDriver(connection) as driver:
            statements = queries(driver)
            if await statements.schema_is_installed():
                await statements.apply_upgrade()
            else:
                await statements.install()
        await connection.execute(_GRANTS)


def drop_queue(url: str) -> None:
    """Drop the queue with all its jobs. `url` is the owner's."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute(f"drop schema if exists {SCHEMA} cascade")
