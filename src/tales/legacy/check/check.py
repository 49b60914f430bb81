"""`tales migrate check`: everything that is worth knowing before a legacy database is migrated. It leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tales.domain.errors import Unavailable
from tales.infrastructure.migrations.session import session_engine
from tales.infrastructure.migrations.steps import BASE
from tales.infrastructure.postgres.errors import translated_errors
from tales.legacy.check.access import judge_access
from tales.legacy.check.activity import watch_activity
from tales.legacy.check.columns import inspect_columns
from tales.legacy.check.dependents import find_dependents, find_unaffected
from tales.legacy.check.estimate import estimate, judge_room
from tales.legacy.check.family_rows import judge_family_rows
from tales.legacy.check.new_rows import judge_new_rows
from tales.legacy.check.rights import judge_rights, judge_server
from tales.legacy.check.rows import broken_rows, count_rows
from tales.legacy.check.schema_state import SchemaState, read_schema_state
from tales.legacy.check.security import hidden_rows, open_schema, permissive_policies, sees_users
from tales.legacy.check.specification import steps_after
from tales.legacy.check.tables import judge_tables
from tales.legacy.check.trial import not_tried, try_writes
from tales.legacy.report import LEGACY, CheckOptions, Finding, Report, Severity

LOCK_TIMEOUT = "5s"
_HOPELESS = {"not_readable", "rows_hidden", "no_users"}
"""What to mend before anything can be tried."""
_LOCKED_ENTIRELY = "AccessExclusiveLock"

# Names come whole where nothing is on the search path. Row security that would hide a row is an error instead.
_SETTINGS = text("""
    select set_config('search_path', '', true), set_config('row_security', 'off', true),
        set_config('lock_timeout', :lock_timeout, true), set_config('statement_timeout', :statement_timeout, true)
""")
_HAS_USER = text("select exists (select from auth.users where id = :id)")


class CheckInterrupted(Unavailable):
    """The check could not be finished. It has changed nothing."""

    code = "check_interrupted"


def check_migration(url: str, options: CheckOptions) -> Report:
    """Look at the database at `url`, in one read-only transaction; try the service's writes in one that is rolled back.

    Raises: UnknownShape, CheckInterrupted, DatabaseUnavailable, Forbidden.
    """
    report = _look(url, options)
    if report.revision == BASE or any(finding.name in _HOPELESS for finding in report.findings):
        return report
    is_moved = report.nothing_to_move is not None
    later = Severity.WARNING if options.until_expand and not is_moved else Severity.PROBLEM
    tried = try_writes(url, report, later) if options.tries_writes else (not_tried("you have said --no-trial."),)
    return replace(report, findings=(*report.findings, *tried))


def _look(url: str, options: CheckOptions) -> Report:
    with _reading(url, options) as connection:
        server = tuple(judge_server(connection))
        if any(finding.severity is Severity.PROBLEM for finding in server):
            return Report(BASE, "nothing", findings=server)
        state = read_schema_state(connection, options.from_revision)
        report = Report(state.revision, state.recognised_by, state.nothing_to_move, options.until_expand)
        searched = tuple(open_schema(connection))
        if state.nothing_to_move:
            return replace(report, findings=searched)
        # First: a lock that is held now would keep everything else waiting.
        activity = tuple(watch_activity(connection, options.long_transaction))
        for finding in activity:
            if finding.name == "locked" and _LOCKED_ENTIRELY in finding.sentence:
                raise CheckInterrupted(f"{finding.sentence} Nothing can be read before it ends. Try again then.")
        return _check(connection, state, options, replace(report, findings=(*server, *searched, *activity)))


def _check(connection: Connection, state: SchemaState, options: CheckOptions, report: Report) -> Report:
    is_legacy = state.revision == LEGACY
    users_seen = sees_users(connection)
    # What only the new service would stumble over stops nothing before the old columns are dropped.
    later = Severity.WARNING if options.until_expand else Severity.PROBLEM
    columns = inspect_columns(connection, is_legacy=is_legacy, later=later)
    hidden = hidden_rows(connection)
    dependents = find_dependents(connection)
    report = replace(
        report,
        steps=steps_after(state.revision),
        columns=columns.columns,
        dependents=dependents,
        unaffected=find_unaffected(connection, dependents),
        findings=(
            *hidden,
            *columns.findings,
            *judge_tables(connection, is_legacy=is_legacy, sees_users=users_seen, later=later),
            *_assigned_user(connection, options, sees_users=users_seen),
            *judge_rights(connection),
            *permissive_policies(connection, later),
            *judge_access(connection, later),
            *judge_new_rows(connection, later),
            *(() if hidden else judge_family_rows(connection, later)),
            *report.findings,
        ),
    )
    if hidden or not columns.readable:
        return report
    rows = count_rows(connection)
    estimated = estimate(connection, rows, options.sample_rows)
    return replace(
        report,
        rows=rows,
        causes=broken_rows(connection, options, with_users=users_seen),
        estimate=estimated,
        findings=(*report.findings, *judge_room(estimated)),
    )


def _assigned_user(connection: Connection, options: CheckOptions, *, sees_users: bool) -> Iterator[Finding]:
    """Stories are given to somebody who exists."""
    user = options.assigned_user
    if user is not None and sees_users and not connection.execute(_HAS_USER, {"id": user}).scalar_one():
        sentence = f"There is no user {user} to assign stories to. Choose another for --orphans assign=<user id>."
        yield Finding("no_such_user", Severity.PROBLEM, sentence)


@contextmanager
def _reading(url: str, options: CheckOptions) -> Iterator[Connection]:
    """One snapshot of the database, in which nothing can be written."""
    engine = session_engine(url)
    with translated_errors(), _explained(options), engine.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        timeouts = {"lock_timeout": LOCK_TIMEOUT, "statement_timeout": f"{options.statement_timeout}s"}
        connection.execute(_SETTINGS, timeouts)
        yield connection
    engine.dispose()


@contextmanager
def _explained(options: CheckOptions) -> Iterator[None]:
    """What ends a check early, in a sentence. Raises: CheckInterrupted."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise CheckInterrupted(
                "The check waited 5 s for a table that somebody has locked. Nothing was changed. Try again."
            ) from None
        if isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise CheckInterrupted(
                f"A statement of the check took longer than {options.statement_timeout} s. Nothing was changed. "
                "Give it longer: --statement-timeout."
            ) from None
        raise
