"""One connection of the service: how it is made, and how long it is waited for."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from tales.infrastructure.postgres.budget_warnings import log_budget_warning
from tales.infrastructure.postgres.session import CONNECT_TIMEOUT, FOR_SESSION
from tales.infrastructure.postgres.times import read_nearest_times
from tales.infrastructure.postgres.urls import connection_parameters

ANSWER_TIMEOUT = 15.0
"""Seconds for one statement of the service: a connection that keeps silent for longer is given up."""

REPORT_TIMEOUT = 120.0
"""Seconds for one that counts the rows of everybody."""

KEEPALIVE: dict[str, object] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # Milliseconds until what was sent has to have reached the other end.
    "tcp_user_timeout": 10_000,
}


class ServiceConnection(psycopg.AsyncConnection[Any]):
    """A connection on which nothing is waited for longer than `answer_timeout` seconds; None is for ever."""

    answer_timeout: float | None = ANSWER_TIMEOUT

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:  # noqa: ASYNC109 -- psycopg's own
        """As in psycopg, and bounded. Raises: psycopg.OperationalError."""
        loop = asyncio.get_running_loop()
        bound = self.answer_timeout if timeout is None else timeout
        begun = loop.time()
        try:
            return await super().wait(gen, interval, bound)
        except psycopg.OperationalError:
            if timeout is None and bound is not None and loop.time() - begun >= bound:
                # Its late answer would be taken for the answer to the next statement.
                self.pgconn.finish()
            raise


async def driver_of(connection: AsyncConnection) -> ServiceConnection:
    """The driver's own connection below this one of the pool."""
    driver: ServiceConnection = (await connection.get_raw_connection()).driver_connection  # type: ignore[assignment]  # it is what open_connection made
    return driver


async def let_reports_take_long(session: AsyncSession) -> None:
    """Wait as long as reports may take in this transaction; the pool waits as usual again when it lends it anew."""
    (await driver_of(await session.connection())).answer_timeout = REPORT_TIMEOUT


def connection_options(url: str, name: str) -> dict[str, Any]:
    """What a connection to `url` is made with; what the URL says goes before our choices. Raises: InvalidInput."""
    return {
        "connect_timeout": CONNECT_TIMEOUT,
        "client_encoding": "UTF8",
        **KEEPALIVE,
        **connection_parameters(url),
        "application_name": name,
    }


async def open_connection(*, autocommit: bool = False, keeps_session: bool = True, **options: Any) -> ServiceConnection:  # noqa: ANN401 -- libpq's and psycopg's options have no common type
    """A connection with these options, and a session set up for our statements. Raises: psycopg.Error.

    `keeps_session`: False behind a transaction pooler, whose sessions are everybody's. `SqlTransactions` sets there in
    each transaction what it needs.
    """
    connection = await ServiceConnection.connect(autocommit=True, **options)
    try:
        if keeps_session:
            await connection.execute(FOR_SESSION)
        read_nearest_times(connection)
        connection.add_notice_handler(log_budget_warning)
        await connection.set_autocommit(autocommit)
    except BaseException:
        await connection.close()
        raise
    return connection
