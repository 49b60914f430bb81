"""What the database refuses, whoever asks: attempts are a sequence without a gap, and a story has its one success."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.fixtures.actors import refused
from tests.fixtures.databases import Database
from tests.fixtures.rows import Connection, add_user, attempt, change, ended, insert, retry, story


@pytest.fixture(params=["postgres", "service_role"])
def writer(database: Database, request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A connection as the owner, who is bound by no policy, and as the service."""
    with database.connect() as connection:
        connection.execute("insert into auth.users (id) values (%s)", [USER])
        connection.execute(f"set role {request.param}")
        yield connection


USER = UUID("019d0000-0000-7000-8000-00000000aaaa")


@pytest.mark.parametrize("number", [0, -1])
def test_attempts_are_counted_from_one(writer: Connection, number: int) -> None:
    with refused("generations_attempt_number_from_1"):
        insert(writer, "generations", attempt(USER, attempt_number=number))


@pytest.mark.parametrize("number", [2, 3])
def test_an_attempt_needs_the_one_before_it(writer: Connection, number: int) -> None:
    first = insert(writer, "generations", ended(USER, "failed"))
    with refused("generations_attempts_without_gap"):
        insert(writer, "generations", attempt(USER, attempt_number=number))
    with refused("generations_attempts_without_gap"):
        insert(writer, "generations", retry(first, attempt_number=3))


def test_an_attempt_is_made_once(writer: Connection) -> None:
    first = insert(writer, "generations", ended(USER, "failed"))
    with refused("generations_pkey"):
        insert(writer, "generations", first)


def test_nothing_follows_a_success(writer: Connection) -> None:
    first = insert(writer, "generations", ended(USER))
    with refused("generations_retry_after_failure"):
        insert(writer, "generations", retry(first))


def test_nothing_is_tried_beside_an_attempt_in_flight(writer: Connection) -> None:
    first = insert(writer, "generations", attempt(USER))
    with refused("generations_retry_after_failure"):
        insert(writer, "generations", retry(first))


@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_a_failure_can_be_tried_again(writer: Connection, status: str) -> None:
    first = insert(writer, "generations", ended(USER, status))
    insert(writer, "generations", retry(first))


def test_a_retry_belongs_to_the_user_of_the_attempt_before_it(database: Database, writer: Connection) -> None:
    with database.connect() as owner:
        stranger = add_user(owner)
    first = insert(writer, "generations", ended(USER, "failed"))
    with refused("generations_one_user"):
        insert(writer, "generations", retry(first, user_id=stranger))


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"status": "cancelled", "completed_at": "2026-03-20"}, "generations_status_is_known"),
        ({"story_type": "sequel"}, "generations_story_type_is_known"),
        ({"story_length": 0}, "generations_story_length_positive"),
        ({"story_length": -3}, "generations_story_length_positive"),
        ({"origin": "imported"}, "generations_origin_is_known"),
        ({"prompt": None}, "generations_live_has_prompt"),
        ({"status": "failed"}, "generations_completed_when_ended"),
        ({"completed_at": "2026-03-20"}, "generations_completed_when_ended"),
        (
            {"status": "failed", "completed_at": "2026-03-20", "error_type": "bad luck"},
            "generations_error_type_is_known",
        ),
        ({"error_message": "x" * 2001}, "generations_error_message_is_short"),
        ({"reconciled_cost_usd": -1}, "generations_reconciled_cost_not_negative"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_value_that_means_nothing_is_refused(writer: Connection, changes: dict[str, object], constraint: str) -> None:
    with refused(constraint):
        insert(writer, "generations", attempt(USER, **changes))


def test_a_success_has_no_error(writer: Connection) -> None:
    with refused("generations_success_has_no_error"):
        insert(writer, "generations", ended(USER, error_type="empty"))


@pytest.mark.parametrize("column", ["model_used", "status", "user_id", "story_type", "moral", "created_at", "origin"])
def test_what_every_attempt_has_cannot_be_missing(writer: Connection, column: str) -> None:
    with refused(error=psycopg.errors.NotNullViolation):
        insert(writer, "generations", attempt(USER, **{column: None}))


def test_a_user_who_does_not_exist_has_no_attempts(writer: Connection) -> None:
    with refused("generations_user_id_fkey"):
        insert(writer, "generations", attempt(uuid4()))


def test_a_second_success_is_refused_even_without_triggers(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("set session_replication_role = replica")
        first = insert(connection, "generations", ended(USER))
        with refused("generations_one_success"):
            insert(connection, "generations", first | {"attempt_number": 2})


def test_a_second_attempt_in_flight_is_refused_even_without_triggers(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("set session_replication_role = replica")
        first = insert(connection, "generations", attempt(USER))
        with refused("generations_one_in_flight"):
            insert(connection, "generations", first | {"attempt_number": 2})


def test_a_generation_has_one_story(writer: Connection) -> None:
    success = insert(writer, "generations", ended(USER))
    insert(writer, "stories", story(success))
    with refused("stories_generation_id_key"):
        insert(writer, "stories", story(success))


@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_a_story_is_not_written_by_a_failure(writer: Connection, status: str) -> None:
    with refused("stories_written_by_success"):
        insert(writer, "stories", story(insert(writer, "generations", ended(USER, status))))


def test_a_story_is_not_written_by_an_attempt_in_flight(writer: Connection) -> None:
    with refused("stories_written_by_success"):
        insert(writer, "stories", story(insert(writer, "generations", attempt(USER))))


def test_a_story_is_not_written_by_nothing(writer: Connection) -> None:
    with refused("stories_written_by_success"):
        insert(writer, "stories", story(ended(USER)))
    with refused("stories_written_by_success"):
        insert(writer, "stories", story(insert(writer, "generations", ended(USER)), generation_id=None))


def test_a_story_belongs_to_the_user_of_its_attempt(database: Database, writer: Connection) -> None:
    with database.connect() as owner:
        stranger = add_user(owner)
    with refused("stories_written_by_success"):
        insert(writer, "stories", story(insert(writer, "generations", ended(USER)), user_id=stranger))


def test_a_story_cannot_be_moved_to_another_attempt(database: Database) -> None:
    with database.connect() as owner:
        user, stranger = add_user(owner), add_user(owner)
        kept = insert(owner, "stories", story(insert(owner, "generations", ended(user))))
        failure = insert(owner, "generations", ended(user, "failed"))
        for changes in ({"generation_id": failure["generation_id"]}, {"generation_attempt": 2}, {"user_id": stranger}):
            with refused("stories_written_by_success"):
                change(owner, "stories", kept, **changes)


def test_a_generation_stays_while_it_has_a_story(database: Database) -> None:
    with database.connect() as owner:
        insert(owner, "stories", story(insert(owner, "generations", ended(add_user(owner)))))
        # RESTRICT has an SQLSTATE of its own from PostgreSQL 18 on.
        with refused("stories_generation_fkey", psycopg.IntegrityError):
            owner.execute("delete from tales.generations")
    assert database.rows("select count(*) from tales.generations") == [{"count": 1}]


def test_not_even_the_service_deletes_an_attempt(writer: Connection) -> None:
    insert(writer, "generations", ended(USER, "failed"))
    writer.execute("set role service_role")
    with refused(error=psycopg.errors.InsufficientPrivilege):
        writer.execute("delete from tales.generations")
