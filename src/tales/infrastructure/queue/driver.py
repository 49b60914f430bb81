"""PgQueuer over connections of ours.

`SessionDriver`: PgQueuer's own driver asks for a connection in autocommit; this one runs its statements in an
SQLAlchemy session's transaction, so that a job is enqueued by the very commit that inserts its attempt, or not at all.

`WorkerDriver`: PgQueuer's own driver listens and queries over one connection, and psycopg locks a connection while it
waits for notices: each statement would wait for the next notice, or a second. This one has a connection for each.
"""

from __future__ import annotations

import asyncio
from typing import Self, cast

from pgqueuer.adapters.drivers.psycopg import PsycopgDriver
from pgqueuer.core.tm import TaskManager
from pgqueuer.ports.driver import Driver, NotifyCallback
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncSession


class SessionDriver(Driver):
    """PgQueuer's statements in the transaction of an SQLAlchemy session. It cannot listen."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._shutdown = asyncio.Event()
        self._tasks = TaskManager()

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """The rows of `query`, with PostgreSQL's own placeholders ($1, $2)."""
        cursor = AsyncRawCursor(await self._connection(), row_factory=dict_row)
        await cursor.execute(query, args or None)
        return await cursor.fetchall()

    async def execute(self, query: str, *args: object) -> str:
        """Run `query`; its status message."""
        cursor = AsyncRawCursor(await self._connection())
        await cursor.execute(query, args or None)
        return cursor.statusmessage or ""

    async def notify(self, channel: str, payload: str) -> None:
        """Notify when the transaction commits."""
        await self.execute("select pg_notify($1, $2)", channel, payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """A transaction is too short to listen in."""
        raise TypeError("a session's connection cannot listen; use a connection of its own")

    @property
    def shutdown(self) -> asyncio.Event:
        """Never set: the session ends by itself."""
        return self._shutdown

    @property
    def tm(self) -> TaskManager:
        """No tasks run in the background."""
        return self._tasks

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def _connection(self) -> AsyncConnection[tuple[object, ...]]:
        raw = await (await self._session.connection()).get_raw_connection()
        return cast("AsyncConnection[tuple[object, ...]]", raw.driver_connection)


class WorkerDriver(Driver):
    """PgQueuer's statements over one connection in autocommit, its notices over another."""

    def __init__(self, statements: AsyncConnection, notices: AsyncConnection) -> None:
        self._statements = PsycopgDriver(statements)
        self._notices = PsycopgDriver(notices)

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """The rows of `query`."""
        return await self._statements.fetch(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        """Run `query`; its status message."""
        return await self._statements.execute(query, *args)

    async def notify(self, channel: str, payload: str) -> None:
        """Notify at once."""
        await self._statements.notify(channel, payload)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Call back with each notice's payload."""
        await self._notices.add_listener(channel, callback)

    @property
    def shutdown(self) -> asyncio.Event:
        """Set when no more notices are waited for."""
        return self._notices.shutdown

    @property
    def tm(self) -> TaskManager:
        """The task that waits for notices."""
        return self._notices.tm

    async def __aenter__(self) -> Self:
        await self._notices.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        # It would wait for a second whether one more notice comes.
        for waiting in self._notices.tm.tasks:
            waiting.cancel()
        await self._notices.__aexit__()
