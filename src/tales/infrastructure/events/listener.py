"""Hears the notices of all processes, over one connection of its own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg
from psycopg import sql

from tales.application.ports import Log
from tales.infrastructure.events.notices import CHANNEL, QUEUE_CHANNEL, is_from, read_payload
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.postgres.urls import libpq_url

FIRST_DELAY = 0.5
LONGEST_DELAY = 10.0
"""Seconds before another connection is tried; each time twice as long."""

CONNECT_TIMEOUT = 10


class NoticeListener:
    """Hands notices to `hub`, and calls `on_enqueued` when an attempt waits for a worker.

    `url` leads to a session: a transaction pooler does not pass notices on.
    """

    def __init__(self, url: str, hub: ProgressHub, on_enqueued: Callable[[], None], log: Log) -> None:
        self._url = libpq_url(url)
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
            except Exception as error:  # noqa: BLE001 -- whatever it is, all who follow depend on the next connection
                self._log.warning("notices lost", error=type(error).__name__)
            delay = FIRST_DELAY if self._hub.connected else min(delay * 2, LONGEST_DELAY)
            self._hub.connected = False
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 -- no secret

    async def _listen(self) -> None:
        """The life of a connection."""
        async with await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            application_name="tales notices",
            connect_timeout=CONNECT_TIMEOUT,
            # One that has died without a word is given up after 25 seconds.
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
        ) as connection:
            for channel in (CHANNEL, QUEUE_CHANNEL):
                await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
            self._hub.connected = True
            async for notice in connection.notifies():
                self._on_notice(notice)

    def _on_notice(self, notice: psycopg.Notify) -> None:
        if notice.channel == QUEUE_CHANNEL:
            self._on_enqueued()
        elif not is_from(notice.payload, self._hub.process):
            for change in read_payload(notice.payload):
                self._hub.on_change(change)
