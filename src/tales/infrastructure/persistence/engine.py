"""The pool of connections that the service works on."""

from __future__ import annotations

import json
import sys

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tales.domain.generation import Json
from tales.infrastructure.persistence.urls import driver_url

CONNECT_TIMEOUT = 10
POOL_SIZE = 10


def make_engine(url: str, *, behind_pooler: bool = False) -> AsyncEngine:
    """A pool of connections to `url`. `behind_pooler`: a transaction pooler cannot keep prepared statements."""
    connect_args: dict[str, object] = {"connect_timeout": CONNECT_TIMEOUT, "application_name": "tales"}
    if behind_pooler:
        connect_args["prepare_threshold"] = None
    return create_async_engine(
        driver_url(url),
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_pre_ping=True,
        # Parameters are families' words: they stay out of every message.
        hide_parameters=True,
        json_serializer=_dump_json,
        json_deserializer=_load_json,
        connect_args=connect_args,
    )


def _dump_json(value: Json) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        # The database would refuse it as well: no number, or nested too deep.
        raise psycopg.DataError("a value is no JSON that PostgreSQL can hold") from None


def _load_json(text: str) -> Json:
    try:
        value: Json = json.loads(text, parse_int=_read_integer)
    except RecursionError:
        return text  # as a number that is too long: nothing is lost, and nothing else is held up
    return value


def _read_integer(digits: str) -> Json:
    """PostgreSQL keeps 1e100000 with all its digits, more than Python reads as a number: those stay text."""
    return int(digits) if len(digits) < sys.get_int_max_str_digits() else digits
