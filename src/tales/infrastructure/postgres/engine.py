"""The pool of connections that the service works on."""

from __future__ import annotations

import json
import select
import sys
from typing import Any

import psycopg
from sqlalchemy import ExceptionContext, PoolProxiedConnection, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tales.domain.generation import Json
from tales.infrastructure.postgres.connection import ANSWER_TIMEOUT, connection_options, open_connection
from tales.infrastructure.postgres.escaping import dump_json
from tales.infrastructure.postgres.urls import driver_url

POOL_SIZE = 10
"""Connections that are kept open, and as many again in a crowd, unless the operator says otherwise."""

BEHIND_POOLER = "behind_pooler"
"""The name of the engine's own option that says so."""


def make_engine(
    url: str, *, behind_pooler: bool = False, pool_size: int = POOL_SIZE, overflow: int = POOL_SIZE
) -> AsyncEngine:
    """A pool of connections to `url`: `pool_size` are kept open, and `overflow` more are opened in a crowd.

    `behind_pooler`: a transaction pooler cannot keep prepared statements.
    """
    options = connection_options(url, "tales") | {"keeps_session": not behind_pooler}
    if behind_pooler:
        options["prepare_threshold"] = None
    engine = create_async_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=overflow,
        # Parameters are families' words: they stay out of every message.
        hide_parameters=True,
        json_serializer=dump_json,
        json_deserializer=_load_json,
        connect_args={"async_creator_fn": open_connection, **options},
        execution_options={BEHIND_POOLER: behind_pooler},
    )
    event.listen(engine.sync_engine, "checkout", _check_alive)
    event.listen(engine.sync_engine, "handle_error", _give_up_read_only)
    return engine


def _give_up_read_only(context: ExceptionContext) -> None:
    """A connection to a server that has become a standby stays read-only: none of the pool is used again."""
    if isinstance(context.original_exception, psycopg.errors.ReadOnlySqlTransaction):
        context.is_disconnect = True


def _check_alive(connection: PoolProxiedConnection, *_: object) -> None:
    """Find a connection out whose server has gone, without asking it.

    A server has nothing to say to a client that asks nothing, but that it ends: what can be read is its last word, or
    the end itself.
    """
    driver: Any = connection.driver_connection
    # Who is cancelled while a call's mode is set may leave it behind: in it a transaction would lose its role.
    if driver.closed or driver.autocommit:
        raise DisconnectionError
    # Its last user may have had more patience, or less.
    driver.answer_timeout = ANSWER_TIMEOUT
    poll = select.poll()
    poll.register(driver.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError


def _load_json(text: str) -> Json:
    try:
        value: Json = json.loads(text, parse_int=_read_integer)
    except RecursionError:
        return text  # as a number that is too long: nothing is lost, and nothing else is held up
    return value


def _read_integer(digits: str) -> Json:
    """PostgreSQL keeps 1e100000 with all its digits, more than Python reads as a number: those stay text."""
    return int(digits) if len(digits) < sys.get_int_max_str_digits() else digits
