"""What the driver raises leaves in the domain's words."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.exc import StatementError

from tales.domain.errors import Conflict, Forbidden, TalesError, Unauthenticated, Unavailable
from tales.infrastructure.postgres.errors import _CONFLICTS, DatabaseRefused, translate
from tests.fixtures.databases import Database
from tests.fixtures.rows import add_user, attempt, ended, insert, retry


@pytest.mark.parametrize(
    ("error", "translated"),
    [
        (psycopg.OperationalError("no connection"), Unavailable),
        (psycopg.InterfaceError("the connection is closed"), Unavailable),
        (psycopg.errors.AdminShutdown("terminating"), Unavailable),
        (psycopg.errors.TooManyConnections("sorry"), Unavailable),
        (psycopg.errors.ReadOnlySqlTransaction("cannot"), Unavailable),
        (psycopg.errors.DiskFull("could not extend file"), Unavailable),
        (psycopg.errors.DeadlockDetected("deadlock"), Unavailable),
        (psycopg.errors.LockNotAvailable("lock"), Unavailable),
        (psycopg.errors.SerializationFailure("again"), Unavailable),
        (ConnectionRefusedError(), Unavailable),
        (psycopg.errors.InsufficientPrivilege("row-level security"), Forbidden),
        (psycopg.errors.StringDataRightTruncation("secret"), DatabaseRefused),
        (psycopg.DataError("secret"), DatabaseRefused),
        (StatementError("secret", "select", {}, ValueError("secret")), DatabaseRefused),
        (StatementError("secret", "select", {}, psycopg.errors.InsufficientPrivilege()), Forbidden),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_an_error_of_the_driver(error: Exception, translated: type[TalesError]) -> None:
    found = translate(error)
    assert type(found) is translated or isinstance(found, translated)
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ('FATAL:  password authentication failed for user "ada"', "refuses the password of this role"),
        ('FATAL:  no password supplied for "ada"', "refuses the password of this role"),
        ('FATAL:  database "tales" does not exist', "no such database"),
        ('FATAL:  role "ada" does not exist', "lets no such role sign in"),
        ('FATAL:  permission denied for database "tales"', "Grant it CONNECT"),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', "pg_hba.conf"),
        ('FATAL:  too many connections for role "ada"', "takes no more connections"),
        ("FATAL:  remaining connection slots are reserved", "takes no more connections"),
        ("failed to resolve host 'nowhere'", "host of the database is not known"),
        ("something that nobody foresaw", "does not answer"),
    ],
)
def test_why_there_is_no_connection_is_said_in_our_own_words(said: str, sentence: str) -> None:
    found = translate(psycopg.OperationalError(f"connection failed: {said}"))

    assert isinstance(found, Unavailable)
    assert sentence in found.message
    assert "ada" not in found.message


def test_a_constraint_is_named_in_words(database: Database) -> None:
    with database.connect() as connection:
        user = add_user(connection)
        failed = insert(connection, "generations", ended(user, "failed"))
        insert(connection, "generations", retry(failed))
        for forbidden, table in ((failed, "generations"), (retry(failed, attempt_number=3), "generations")):
            with pytest.raises(psycopg.Error) as caught:
                insert(connection, table, forbidden)
            assert isinstance(translate(caught.value), Conflict)


def test_a_user_who_is_gone_has_to_sign_in(database: Database) -> None:
    with database.connect() as connection, pytest.raises(psycopg.Error) as caught:
        insert(connection, "generations", attempt(uuid4()))
    assert isinstance(translate(caught.value), Unauthenticated)


def test_every_conflict_names_a_constraint_that_exists(database: Database) -> None:
    named = "select conname as name from pg_constraint union select relname from pg_class where relkind = 'i'"
    raised = r"select (regexp_matches(prosrc, 'constraint = ''(\w+)''', 'g'))[1] as name from pg_proc"
    assert set(_CONFLICTS) <= {row["name"] for row in database.rows(f"{named} union {raised}")}
