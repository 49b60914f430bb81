"""What the database refuses, in the words of the domain: translated here and nowhere else.

The database's own message may quote a row, and so a family's words: it goes no further than this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.errors import Diagnostic
from sqlalchemy.exc import StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tales.domain.errors import Conflict, Forbidden, TalesError, Unauthenticated, Unavailable

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
_PASSING = {"08", "57", "53", "40001", "40P01", "55P03", "25P03", "25P04", "25006"}

# What passes once an operator has done something: it is said what.
ADVICE = {
    "25006": "The database is read-only at the moment: its disk is full, or another server has taken over. "
    "What has come in waits until it can be written.",
    "53100": "The disk of the database is full. Make room on it: what has come in waits until then.",
    "53300": "The database takes no more connections. Raise max_connections, or the limit of this role.",
}
NO_TLS = (
    "The database on another machine offers no TLS: switch it on there, or add sslmode=disable to TALES_DATABASE_URL "
    "if the network to it is trusted."
)
# A connection that is refused has no SQLSTATE that the driver hands over, only the server's words, or the network's.
_REFUSED = (
    (r"password authentication failed|no password supplied", "The database refuses the password of this role."),
    (r'role "[^"]*" does not exist|role .* is not permitted to log in', "The database lets no such role sign in."),
    (r'database "[^"]*" does not exist', "There is no such database on this server. Create it."),
    (r"permission denied for database", "This role may not connect to this database. Grant it CONNECT."),
    (r"no pg_hba.conf entry", "The server lets this role in from no address like this one (pg_hba.conf)."),
    (r"too many (?:connections|clients)|remaining connection slots", ADVICE["53300"]),
    (r"translate host name|Name or service not known|resolve host", "The host of the database is not known."),
    (r"server does not support SSL", NO_TLS),
    (r"\bSSL\b", "The connection to the database could not be secured (SSL)."),
    (r"No space left on device|could not extend file", ADVICE["53100"]),
)


# A row of a user who is not there: its token has outlived the account.
_USER_IS_GONE = re.compile(r"\w+_user_id_fkey")

# Of the messages' words, which are in the server's language, only names are read.
_POLICY = re.compile(r'row-level security policy (?:"(?P<policy>[^"]{1,63})" )?for table "(?P<table>[^"]{1,63})"')
_FUNCTION = re.compile(r'PL/pgSQL[ -]\w+ (?P<name>[\w.$"]{1,130})\(')
_OWN = re.compile(r"tales\.(?:finish|enqueue|claim)_(?:attempts|within_budgets)")
_STATES = {
    "22001": "a column whose values may not be so long",
    "22003": "a column whose numbers may not be so large",
    "428C9": "a column that is always generated",
    "54000": "a limit of the database",
}


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
    translated.refused_by = _refusal(cause.diag)
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
    if not _passes(cause):
        return DatabaseRefused(cause.sqlstate, constraint)
    return DatabaseUnavailable(ADVICE.get(cause.sqlstate) if cause.sqlstate else _no_connection(cause))


def _no_connection(error: psycopg.Error) -> str | None:
    """Why there is no connection, in our own words: the server's may name what is nobody else's business."""
    message = str(error)
    for pattern, sentence in _REFUSED:
        if re.search(pattern, message):
            return sentence if sentence in {*ADVICE.values(), NO_TLS} else f"{sentence} Check TALES_DATABASE_URL."
    return None


def _passes(error: psycopg.Error) -> bool:
    if error.sqlstate is None:
        # The driver's own: no connection, or a value that it cannot send.
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate in _PASSING or error.sqlstate[:2] in _PASSING


def _refusal(diagnosis: Diagnostic) -> str | None:
    """What refused it, in words but by its name alone, as far as the database says that."""
    of_table = f" of table {diagnosis.table_name}" if diagnosis.table_name else ""
    if diagnosis.constraint_name:
        return f"constraint {diagnosis.constraint_name}{of_table}"
    if diagnosis.column_name:
        return f"column {diagnosis.column_name}{of_table}"
    if diagnosis.sqlstate == "42501" and (found := _POLICY.search(diagnosis.message_primary or "")):
        policy = f"policy {found['policy']}" if found["policy"] else "a row-level security policy"
        return f"{policy} of table {found['table']}"
    if function := _raising_function(diagnosis):
        return f"function {function}"
    return _STATES.get(diagnosis.sqlstate or "")


def _raising_function(diagnosis: Diagnostic) -> str | None:
    """The function in which it was refused, if that is not one of the queue's own: mostly a trigger's."""
    frames = (_FUNCTION.search(line) for line in (diagnosis.context or "").splitlines())
    names = [frame["name"] for frame in frames if frame is not None]
    return names[0] if names and not _OWN.fullmatch(names[0]) else None


@contextmanager
def translated_errors() -> Iterator[None]:
    """Whatever the database raises inside leaves as the domain's error."""
    try:
        yield
    except (StatementError, PoolTimeoutError, psycopg.Error, OSError) as error:
        raise translate(error) from None
