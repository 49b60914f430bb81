"""What has ended never changes, but for the four exceptions of decision 7, which go exactly as far as they say."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tales.legacy.migrate import migrate_up
from tests.fixtures.actors import OWNER, SERVICE, Actor, acting, refused
from tests.fixtures.databases import Database
from tests.fixtures.rows import (
    ENDED,
    THEN,
    Connection,
    Row,
    add_user,
    attempt,
    change,
    child,
    ended,
    hero,
    insert,
    queued,
)

FINAL = "generations_ended_is_final"
IDENTITY: Row = {
    "generation_id": uuid4(),
    "attempt_number": 2,
    "user_id": uuid4(),
    "created_at": THEN - timedelta(days=1),
}
REQUEST: Row = {
    "model_used": "sim/other",
    "prompt": "Write another story.",
    "story_type": "hero",
    "story_length": 9,
    "hero_appearance": "a hat",
    "relationship_description": "enemies",
    "moral": "courage",
    "language": "de",
    "prompt_version": "bedtime-2",
    "generation_info": {"seed": 1},
    "origin": "migrated",
}
QUEUED: Row = {"queue": "another", "available_at": THEN + timedelta(seconds=1), "turn": 7}
OUTCOME: Row = {
    "status": "timeout",
    "completed_at": ENDED + timedelta(seconds=1),
    "full_response": {"id": "gen-2"},
    "error_message": "Another reason.",
    "error_type": "deadline",
    "http_status": 500,
    "provider_generation_id": "gen-2",
    "started_at": THEN + timedelta(seconds=1),
    "first_token_at": THEN,
}


def claimed(user: UUID, **changes: Any) -> Row:
    """An attempt in a worker's hands."""
    return queued(user, worker_id=uuid4(), started_at=THEN, **changes)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.connect() as connection:
        yield connection


@pytest.mark.parametrize("actor", [OWNER, SERVICE], ids=lambda actor: actor.name)
@pytest.mark.parametrize("status", ["success", "failed", "timeout"])
@pytest.mark.parametrize(
    "queue", [{}, {"queue": "test", "available_at": THEN, "worker_id": uuid4()}], ids=["", "queued"]
)
def test_no_column_of_an_ended_attempt_changes(connection: Connection, status: str, actor: Actor, queue: Row) -> None:
    row = insert(connection, "generations", ended(add_user(connection), status, **queue))
    for column, value in (IDENTITY | REQUEST | OUTCOME | QUEUED | {"worker_id": uuid4()}).items():
        other = "failed" if row.get(column) == value == "timeout" else ("x" if row.get(column) == value else value)
        with refused(FINAL), acting(connection, actor):
            change(connection, "generations", row, **{column: other})
    with refused(FINAL), acting(connection, actor):
        change(connection, "generations", row, status="pending", completed_at=None, error_type=None)
    if queue:
        with refused(FINAL), acting(connection, actor):
            change(connection, "generations", row, queue=None, available_at=None, worker_id=None)
    with refused(FINAL), acting(connection, actor):
        change(connection, "generations", row, **QUEUED, worker_id=uuid4())


@pytest.mark.parametrize("actor", [OWNER, SERVICE], ids=lambda actor: actor.name)
def test_who_asked_for_what_never_changes_even_in_flight(connection: Connection, actor: Actor) -> None:
    user = add_user(connection)
    for row in (attempt(user), queued(user), claimed(user)):
        insert(connection, "generations", row)
        for column, value in (IDENTITY | REQUEST).items():
            with refused(FINAL), acting(connection, actor):
                change(connection, "generations", row, **{column: value})


@pytest.mark.parametrize("actor", [OWNER, SERVICE], ids=lambda actor: actor.name)
def test_an_attempt_stays_in_its_queue_and_comes_into_none_afterwards(connection: Connection, actor: Actor) -> None:
    user = add_user(connection)
    for row in (attempt(user), queued(user), claimed(user)):
        insert(connection, "generations", row)
        for changes in (QUEUED, {"queue": "another", "available_at": THEN}, {"queue": None, "available_at": None}):
            if {"queue": None, "available_at": None} | row != row | changes:
                with refused(FINAL), acting(connection, actor):
                    change(connection, "generations", row, **changes)


@pytest.mark.parametrize("actor", [OWNER, SERVICE], ids=lambda actor: actor.name)
def test_an_attempt_gets_its_turn_once(connection: Connection, actor: Actor) -> None:
    row = insert(connection, "generations", queued(add_user(connection)))
    with acting(connection, actor):
        assert change(connection, "generations", row, turn=7) == 1
    for turn in (6, 8, None):
        with refused(FINAL), acting(connection, actor):
            change(connection, "generations", row, turn=turn)


@pytest.mark.parametrize("actor", [OWNER, SERVICE], ids=lambda actor: actor.name)
def test_an_attempt_is_claimed_once(connection: Connection, actor: Actor) -> None:
    row = insert(connection, "generations", queued(add_user(connection)))
    mine = uuid4()
    with acting(connection, actor):
        assert change(connection, "generations", row, worker_id=mine, started_at=THEN) == 1
    for changes in (
        {"worker_id": uuid4()},
        {"worker_id": None},
        {"worker_id": uuid4(), "started_at": ENDED},
        {"worker_id": None, "started_at": None},
    ):
        with refused(FINAL), acting(connection, actor):
            change(connection, "generations", row, **changes)
    with acting(connection, actor):
        assert change(connection, "generations", row, **OUTCOME | {"started_at": THEN}) == 1
    (found,) = connection.execute("select worker_id, status from tales.generations").fetchall()
    assert found == {"worker_id": mine, "status": "timeout"}


def test_a_claim_changes_nothing_else(connection: Connection) -> None:
    row = insert(connection, "generations", queued(add_user(connection)))
    for changes in (QUEUED, {"prompt": "Another."}, {"model_used": "sim/other"}, {"created_at": THEN}):
        with refused(FINAL), acting(connection, SERVICE):
            change(connection, "generations", row, worker_id=uuid4(), started_at=THEN, **changes)


def test_what_came_in_beside_the_service_is_not_claimed_by_an_update_either(connection: Connection) -> None:
    row = insert(connection, "generations", attempt(add_user(connection)))
    with refused("generations_claimed_from_queue"), acting(connection, SERVICE):
        change(connection, "generations", row, worker_id=uuid4(), started_at=THEN)


def test_an_attempt_is_not_given_to_another_user(connection: Connection) -> None:
    stranger = add_user(connection)
    for row in (attempt(add_user(connection)), ended(add_user(connection))):
        insert(connection, "generations", row)
        with refused(FINAL):
            change(connection, "generations", row, user_id=stranger)


def test_an_attempt_in_flight_ends_with_its_outcome(connection: Connection) -> None:
    user = add_user(connection)
    for row in (attempt(user), queued(user), claimed(user)):
        insert(connection, "generations", row)
        with acting(connection, SERVICE):
            assert change(connection, "generations", row, **OUTCOME | {"started_at": row.get("started_at")}) == 1


def test_an_attempt_is_started_once(connection: Connection) -> None:
    row = insert(connection, "generations", attempt(add_user(connection)))
    change(connection, "generations", row, started_at=THEN)
    for time in (ENDED, None):
        with refused(FINAL):
            change(connection, "generations", row, started_at=time)


def test_to_write_what_is_there_already_is_no_change(connection: Connection) -> None:
    row = insert(connection, "generations", ended(add_user(connection)))
    assert change(connection, "generations", row, status="success", prompt=row["prompt"]) == 1


# The first exception: what was named is gone.


@pytest.mark.parametrize(("table", "column", "make"), [("children", "child_id", child), ("heroes", "hero_id", hero)])
@pytest.mark.parametrize("status", ["pending", "success"])
def test_a_child_or_hero_is_forgotten_when_it_is_deleted(
    connection: Connection, table: Any, column: str, make: Any, status: str
) -> None:
    user = add_user(connection)
    named, other = (insert(connection, table, make(user))["id"] for _ in range(2))
    row = attempt(user) if status == "pending" else ended(user)
    insert(connection, "generations", row | {column: named})
    for value in (None, other):
        with refused(FINAL):
            change(connection, "generations", row, **{column: value})

    connection.execute(f"delete from tales.{table} where id = %s", [named])

    (found,) = connection.execute("select child_id, hero_id from tales.generations").fetchall()
    assert found == {"child_id": None, "hero_id": None}


# The second: the cost was learned afterwards.


def test_a_cost_that_was_learned_afterwards_is_kept(connection: Connection) -> None:
    row = insert(connection, "generations", ended(add_user(connection), "timeout"))
    with acting(connection, SERVICE):
        change(connection, "generations", row, reconciled_cost_usd="0.0042")
    for changes in ({"reconciled_cost_usd": None}, {"reconciled_cost_usd": 1, "http_status": 200}):
        with refused(FINAL):
            change(connection, "generations", row, **changes)
    with refused("generations_reconciled_cost_not_negative"):
        change(connection, "generations", row, reconciled_cost_usd=-1)


def test_a_cost_is_not_reconciled_before_the_end(connection: Connection) -> None:
    row = insert(connection, "generations", attempt(add_user(connection)))
    with refused(FINAL):
        change(connection, "generations", row, reconciled_cost_usd=1)


# The third: the contents are sealed.


def _with_message(row: Row, **message: Any) -> Row:
    response: Row = deepcopy(row["full_response"])
    response["choices"][0]["message"] |= message
    return response


def test_contents_are_sealed_and_the_rest_stays(connection: Connection) -> None:
    row = insert(connection, "generations", ended(add_user(connection)))
    sealed = _with_message(row, content="sealed:v1:abc")
    with acting(connection, SERVICE):
        change(connection, "generations", row, prompt="sealed:v1:def", full_response=sealed)
    (found,) = connection.execute("select prompt, full_response, prompt_tokens from tales.generations").fetchall()
    assert found == {"prompt": "sealed:v1:def", "full_response": sealed, "prompt_tokens": 12}


def test_sealed_contents_do_not_change_again(connection: Connection) -> None:
    row = insert(connection, "generations", ended(add_user(connection)))
    change(connection, "generations", row, prompt="sealed:1", full_response=_with_message(row, content="sealed:2"))
    for changes in (
        {"prompt": row["prompt"]},
        {"prompt": "sealed:9"},
        {"prompt": None},
        {"full_response": row["full_response"]},
        {"full_response": _with_message(row, content="sealed:9")},
        {"full_response": None},
    ):
        with refused(FINAL):
            change(connection, "generations", row, **changes)


def test_to_seal_is_no_way_to_forge(connection: Connection) -> None:
    row = insert(connection, "generations", ended(add_user(connection)))
    whole = row["full_response"]
    choice = whole["choices"][0]
    forged = {
        "another plain text": _with_message(row, content="Another story"),
        "a cost": whole | {"usage": {"cost": 0}},
        "a part that was not there": _with_message(row, reasoning="sealed:1"),
        "a sealed role and a lost part": whole | {"choices": [choice | {"message": {"role": "sealed:1"}}]},
        "another reason to finish": whole | {"choices": [choice | {"finish_reason": "length"}]},
        "a second choice": whole | {"choices": [choice, choice]},
        "no choice": whole | {"choices": []},
        "no message": whole | {"choices": [{"index": 0, "finish_reason": "stop"}]},
        "another shape": ["sealed:1"],
        "nothing": None,
    }
    for name, response in forged.items():
        with refused(FINAL):
            change(connection, "generations", row, full_response=response)
            pytest.fail(f"{name} passed")
    with refused(FINAL):
        change(connection, "generations", row, prompt="sealed:1", http_status=200)


def test_a_prompt_that_never_was_is_not_sealed(connection: Connection) -> None:
    row = insert(connection, "generations", ended(add_user(connection), prompt=None, origin="migrated"))
    with refused(FINAL):
        change(connection, "generations", row, prompt="sealed:1")


# The fourth: the migration's own writes, until it has dropped the old columns.


def test_the_owner_writes_migrated_rows_until_the_old_columns_are_gone(legacy_database: Database) -> None:
    with legacy_database.connect() as connection:
        user = add_user(connection)
        insert(connection, "stories", {"user_id": user, "title": "t", "content": "c"})
        migrate_up(legacy_database.owner_url, "016")
        migrated = connection.execute("select * from tales.generations").fetchone()
        live = insert(connection, "generations", ended(user))
        assert migrated is not None

        assert change(connection, "generations", migrated, moral="kindness") == 1
        for changes in ({"origin": "live", "prompt": "x"}, {"user_id": add_user(connection)}, {"created_at": THEN}):
            with refused(FINAL):
                change(connection, "generations", migrated, **changes)
        with refused(FINAL):
            change(connection, "generations", live, moral="courage")
        with refused(FINAL), acting(connection, SERVICE):
            change(connection, "generations", migrated, moral="courage")

        migrate_up(legacy_database.owner_url)
        with refused(FINAL):
            change(connection, "generations", migrated, moral="courage")
