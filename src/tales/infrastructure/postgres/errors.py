"""What the database refuses, in the words of the domain: translated here and nowhere else.

The database's own message may quote a row, and so a family's words: it goes no further than this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tales.domain.errors import Conflict, Forbidden, TalesError, Unauthenticated, Unavailable
from tales.infrastructure.postgres.refusals import refusal

# By the constraints' names, as the migrations give them.
_CONFLICTS = {
    "generations_pkey": "This attempt exists already.",
    "generations_one_success": "This generation has its success already.",
    "generations_one_in_flight": "This generation has an attempt in flight.",
    "generations_attempts_without_gap": "An attempt needs the one before it.",
    "generations_retry_after_failure": "Only an attempt that ended without success is tried again.",
    "generations_one_user": "An attempt belongs to the user of the attempt before it.",
    "generations_ended_is_final": "An attempt that has ended never changes.",
    "stories_generation_id_key": "This generation has its story already.",
    "stories_written_by_success": "A story needs a successful attempt of the same user.",
    "sequels_one_family": "A sequel carries on a story of its own family.",
    "accounts_email_key": "This address has an account already. Sign in instead.",
}


# States that pass: no connection, a server that goes down, too little of something, a deadlock, a lock held too long.
_PASSING = {"08", "57", "53", "40001", "40P01", "55P03", "25P03", "25P04"}


# A row of a user who is not there: its token has outlived the account.
_USER_IS_GONE = re.compile(r"\w+_user_id_fkey")


class DatabaseUnavailable(Unavailable):
    """The database does not answer. Check TALES_DATABASE_URL, and that the server runs."""

    code = "database_unavailable"


class DatabaseRefused(TalesError):
    """The database refused a statement. `sqlstate` and `constraint` say why."""

    code = "database_refused"

    def __init__(self, sqlstate: str | None, constraint: str | None) -> None:
        self.sqlstate = sqlstate
        self.constraint = constraint
        where = f" ({constraint})" if constraint else ""
        super().__init__(f"The database refused a statement: SQLSTATE {sqlstate}{where}.")


def translate(error: BaseException) -> TalesError:
    """The domain's error for one of the driver's; no row and no parameter is quoted in it."""
    cause = error.orig if isinstance(error, StatementError) else error
    if isinstance(cause, OSError | PoolTimeoutError):
        return DatabaseUnavailable()
    if not isinstance(cause, psycopg.Error):
        return DatabaseRefused(None, None)
    translated = _translate(cause)
    translated.refused_by = refusal(cause.diag)
    return translated


def _translate(cause: psycopg.Error) -> TalesError:
    constraint = cause.diag.constraint_name
    if constraint in _CONFLICTS:
        return Conflict(_CONFLICTS[constraint])
    if constraint and _USER_IS_GONE.fullmatch(constraint):
        return Unauthenticated("This account no longer exists. Sign up again.")
    return _translate_state(cause, constraint)


def _translate_state(cause: psycopg.Error, constraint: str | None) -> TalesError:
    if isinstance(cause, psycopg.errors.InsufficientPrivilege):
        return Forbidden()
    return DatabaseUnavailable() if _passes(cause) else DatabaseRefused(cause.sqlstate, constraint)


def _passes(error: psycopg.Error) -> bool:
    if error.sqlstate is None:
        # The driver's own: no connection, or a value that it cannot send.
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate in _PASSING or error.sqlstate[:2] in _PASSING


@contextmanager
def translated_errors() -> Iterator[None]:
    """Whatever the database raises inside leaves as the domain's error."""
    try:
        yield
    except (StatementError, PoolTimeoutError, psycopg.Error, OSError) as error:
        raise translate(error) from None
