"""Hears the notices of all processes, over one connection of its own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import psycopg
from psycopg import sql

from tales.application.background import is_asked_to_end
from tales.application.ports import Log
from tales.domain.errors import InvalidInput
from tales.infrastructure.events.notices import CHANNEL, QUEUE_CHANNEL, is_from, read_payload
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.postgres.connection import connection_options, open_connection
from tales.infrastructure.postgres.errors import translated_errors

FIRST_DELAY = 0.5
LONGEST_DELAY = 10.0
"""Seconds before another connection is tried; each time twice as long."""

SILENCE = 10.0
"""Seconds without a notice, after which the connection is asked for an answer."""

PING_TIMEOUT = 5.0
NOTICE_TIMEOUT = 3.0


class NoticeListener:
    """Hands notices to `hub`, and calls `on_enqueued` when an attempt waits for a worker.

    `url` leads to a session: a transaction pooler does not pass notices on.
    """

    def __init__(self, url: str, hub: ProgressHub, on_enqueued: Callable[[], None], log: Log) -> None:
        self._url = url
        self._hub = hub
        self._on_enqueued = on_enqueued
        self._log = log

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen while the body runs."""
        listening = asyncio.create_task(self._listen_for_ever(), name="tales notices")
        try:
            yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen_for_ever(self) -> None:
        delay = FIRST_DELAY
        while True:
            try:
                await self._listen()
            except asyncio.CancelledError as error:
                if is_asked_to_end():
                    raise
                self._log.warning("notices lost", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001 -- whatever it is, all who follow depend on the next connection
                self._log.warning("notices lost", error=type(error).__name__)
            delay = FIRST_DELAY if self._hub.connected else min(delay * 2, LONGEST_DELAY)
            self._hub.set_connected(False)
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 -- no secret

    async def _listen(self) -> None:
        """The life of a connection."""
        options = connection_options(self._url, "tales notices")
        async with await open_connection(autocommit=True, **options) as connection:
            for channel in (CHANNEL, QUEUE_CHANNEL):
                await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
            self._hub.set_connected(True)
            while True:
                connection.answer_timeout = None
                async for notice in connection.notifies(timeout=SILENCE):
                    self._on_notice(notice)
                # No notice is no news: whether the connection is there still, only an answer tells.
                connection.answer_timeout = PING_TIMEOUT
                await connection.execute("select 1")

    def _on_notice(self, notice: psycopg.Notify) -> None:
        if notice.channel == QUEUE_CHANNEL:
            self._on_enqueued()
        elif not is_from(notice.payload, self._hub.process):
            for change in read_payload(notice.payload):
                self._hub.on_change(change)


async def refuse_pooler(url: str) -> None:
    """Pass where notices reach a session at `url`, and sessions keep what they are told.

    A transaction pooler gives each transaction another session: attempts would be told of late, and roles and settings
    would stay behind with others. Raises: InvalidInput, Unavailable.
    """
    channel = sql.Identifier(f"tales_{uuid4().hex}")
    with translated_errors():
        # Whether the session is ours is asked here: nothing is set in it yet.
        options = connection_options(url, "tales") | {"autocommit": True, "keeps_session": False}
        async with await open_connection(**options) as hearing, await open_connection(**options) as telling:
            await hearing.execute(sql.SQL("listen {}").format(channel))
            await telling.execute(sql.SQL("notify {}").format(channel))
            async for _ in hearing.notifies(timeout=NOTICE_TIMEOUT, stop_after=1):
                return
    raise InvalidInput(
        "TALES_QUEUE_DATABASE_URL",
        "The database is reached through a transaction pooler, which passes no notices on. "
        "Set TALES_QUEUE_DATABASE_URL to a session of the same database: the server's own port, or a session pooler.",
    )
