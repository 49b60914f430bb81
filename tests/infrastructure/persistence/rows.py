"""Rows as raw SQL writes them, beside the repositories: valid unless a test says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from secrets import token_bytes
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

Row = dict[str, Any]
Connection = psycopg.Connection[Any]
THEN = datetime(2026, 3, 20, 11, tzinfo=UTC)
ENDED = datetime(2026, 3, 20, 11, 1, tzinfo=UTC)
_JSON = {"full_response", "generation_info"}


def insert(connection: Connection, table: str, row: Row) -> Row:
    """Insert `row` into a table of schema tales, or another that is named with its schema."""
    connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(*(table if "." in table else f"tales.{table}").split(".")),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join([sql.Placeholder()] * len(row)),
        ),
        list(map(_adapted, row, row.values())),
    )
    return row


def change(connection: Connection, table: str, row: Row, **changes: Any) -> int:
    """Update what the row's key names; how many rows were touched."""
    keys = ["id"] if "id" in row else ["generation_id", "attempt_number"]
    return connection.execute(
        sql.SQL("update tales.{} set {} where {}").format(
            sql.Identifier(table),
            sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in changes),
            sql.SQL(" and ").join(sql.SQL("{} = {}").format(sql.Identifier(key), sql.Placeholder()) for key in keys),
        ),
        [*map(_adapted, changes, changes.values()), *(row[key] for key in keys)],
    ).rowcount


def _adapted(name: str, value: Any) -> Any:
    return Jsonb(value) if name in _JSON and value is not None else value


def add_user(connection: Connection) -> UUID:
    """A user with nothing but an id, which every shape of `auth.users` accepts."""
    user: UUID = insert(connection, "auth.users", {"id": uuid4()})["id"]
    return user


def child(user: UUID, **changes: Any) -> Row:
    """Mia, six years old."""
    return {"id": uuid4(), "user_id": user, "name": "Mia", "age": 6} | changes


def hero(user: UUID | None, **changes: Any) -> Row:
    """Captain Moon."""
    return {"id": uuid4(), "user_id": user, "name": "Captain Moon"} | changes


def attempt(user: UUID, **changes: Any) -> Row:
    """A first attempt in flight, with every column that a request fills."""
    row: Row = {
        "generation_id": uuid4(),
        "attempt_number": 1,
        "user_id": user,
        "status": "pending",
        "model_used": "sim/ok",
        "prompt": "Write a bedtime story about Mia.",
        "story_type": "child",
        "moral": "kindness",
    }
    return row | changes


def ended(user: UUID, status: str = "success", **changes: Any) -> Row:
    """An attempt that has ended, with every column filled that an outcome fills."""
    outcome: Row = {"status": status, "completed_at": ENDED, "created_at": THEN, "started_at": THEN}
    if status == "success":
        message = {"role": "assistant", "content": "Once upon a time ..."}
        choices = [{"index": 0, "finish_reason": "stop", "message": message}]
        outcome["full_response"] = {"id": "gen-1", "choices": choices, "usage": {"prompt_tokens": 12, "cost": 0.5}}
    else:
        outcome |= {"error_type": "server_error" if status == "failed" else "deadline", "error_message": "It failed."}
    return attempt(user, **outcome | changes)


def queued(user: UUID, **changes: Any) -> Row:
    """A first attempt that the service has put into the queue, due already."""
    return attempt(user, queue="test", available_at=THEN, **changes)


def retry(row: Row, **changes: Any) -> Row:
    """The attempt after `row`, in flight."""
    kept = {name: row[name] for name in ("generation_id", "user_id", "model_used", "prompt", "story_type", "moral")}
    return kept | {"attempt_number": row["attempt_number"] + 1, "status": "pending"} | changes


def live_text(attempt: Row, **changes: Any) -> Row:
    """The first word of what an attempt writes."""
    facts = {"generation_id": attempt["generation_id"], "attempt_number": attempt["attempt_number"]}
    return facts | {"begins_at": 0, "text": "Once"} | changes


def idempotency_key(attempt_row: Row, **changes: Any) -> Row:
    """The key under which an attempt's generation was asked for."""
    row: Row = {"user_id": attempt_row["user_id"], "key": str(uuid4()), "fingerprint": b"x" * 32}
    return row | {"generation_id": attempt_row["generation_id"]} | changes


def story(attempt_row: Row, **changes: Any) -> Row:
    """The story that an attempt wrote."""
    row: Row = {
        "id": uuid4(),
        "user_id": attempt_row["user_id"],
        "title": "The Kind Dragon",
        "content": "Once upon a time ...",
        "generation_id": attempt_row["generation_id"],
        "generation_attempt": attempt_row["attempt_number"],
    }
    return row | changes


def session(user: UUID, **changes: Any) -> Row:
    """A sign-in that has not ended; the user has an account."""
    row: Row = {"id": uuid4(), "user_id": user, "refresh_token_hash": token_bytes(32), "client_hash": bytes(32)}
    return row | {"created_at": THEN, "expires_at": THEN + timedelta(days=30)} | changes


def replaced_token(session_row: Row, **changes: Any) -> Row:
    """What was the session's refresh token once."""
    return {"token_hash": token_bytes(32), "session_id": session_row["id"], "replaced_at": THEN} | changes


def login_attempt(**changes: Any) -> Row:
    """A wrong password, for some address and from somewhere."""
    row: Row = {"kind": "sign_in", "address_hash": token_bytes(32), "client_hash": token_bytes(32)}
    return row | {"attempts": 1, "last_at": THEN} | changes


def worker(**changes: Any) -> Row:
    """A process that takes attempts of one queue."""
    row: Row = {"id": uuid4(), "queue": "test", "host": "here", "process_id": 1, "concurrency": 4}
    return row | changes
