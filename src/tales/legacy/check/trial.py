"""Tries what the service writes on the tables as they are, in a transaction that is rolled back.

What a catalog says of triggers, rules and constraints is not what they do. The application that serves meanwhile feels
none of it: no lock beyond an ordinary write's, none waited for longer than a moment, and seconds in all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tales.infrastructure.postgres.session import connect
from tales.infrastructure.postgres.urls import connection_parameters
from tales.legacy.check import blame
from tales.legacy.check.blame import Culprit
from tales.legacy.check.definitions import refused_definitions
from tales.legacy.check.fillers import Fillers, fillers
from tales.legacy.check.own_writes import CHANGES, Sample, Values, characters, generation, stories
from tales.legacy.check.reach import OutOfReach, Place, find_place, interruption
from tales.legacy.check.specification import MOVED
from tales.legacy.report import Finding, Report, Severity

LOCK_TIMEOUT = "200ms"
SECONDS = 5.0
"""For all of it: what a trigger of somebody's locks for a row stays locked for so long, at most."""

_SETTINGS: LiteralString = """
    select set_config('lock_timeout', %s, true), set_config('idle_in_transaction_session_timeout', '10s', true)
"""
_BECOME: LiteralString = """
    select set_config('role', %s, true), set_config('request.jwt.claims', %s, true),
        set_config('statement_timeout', %s, true)
"""
_ENQUEUE: LiteralString = "select refusal from tales.enqueue_attempts(%s::jsonb)"
_FINISH: LiteralString = "select generation_id from tales.finish_attempts(%s::jsonb)"
_UNWRITABLE = {"column_missing", "column_computed"}
"""What is known already of a table that cannot take a row of the service's at all."""
_ONE = {"children": "a child", "heroes": "a hero", "stories": "a story"}
_SERVICE = json.dumps({"role": "service_role"})


def try_writes(url: str, report: Report, later: Severity) -> tuple[Finding, ...]:
    """What would refuse, change or lose a row of the service's in the database at `url` (its owner's).

    `report` is what is known already, and not told again; `later` how much it matters what only the service would meet.
    """
    found: list[Finding] = []
    # As every connection of the service is: what a function does not find there is not found.
    options: dict[str, Any] = {"client_encoding": "UTF8", **connection_parameters(url)}
    try:
        with (
            connect(**options) as connection,
            connection.transaction(force_rollback=True),
        ):
            connection.execute(_SETTINGS, [LOCK_TIMEOUT])
            # What is put off until a commit would never be heard of.
            connection.execute("set constraints all immediate")
            _Trial(connection, find_place(connection), report, later, found).run()
    except OutOfReach as reason:
        found.append(not_tried(str(reason)))
    except psycopg.Error as error:
        found.append(not_tried(interruption(error, SECONDS) or f"PostgreSQL refuses to (SQLSTATE {error.sqlstate})."))
    return tuple(found)


def not_tried(reason: str) -> Finding:
    """That something was left out; `reason` is the end of the sentence."""
    sentence = f"Not everything that the service writes was tried: {reason}"
    return Finding("writes_not_tried", Severity.WARNING, sentence)


@dataclass(slots=True)
class _Trial:
    connection: psycopg.Connection
    place: Place
    report: Report
    later: Severity
    found: list[Finding]
    _until: float = field(default_factory=lambda: time.monotonic() + SECONDS)
    _fillers: dict[str, Fillers] = field(default_factory=dict)
    _blamed: set[tuple[str, ...]] = field(default_factory=set)

    def run(self) -> None:
        """Add, change and delete one after the other, as a family and the service do. Raises: OutOfReach."""
        added = {
            table: [self._add(table, sample) for sample in samples]
            for table, samples in characters().items()
            if self._is_writable(table)
        }
        child, hero = (next(filter(None, added.get(table, [])), None) for table in ("children", "heroes"))
        if self._is_writable("stories"):
            short, long, twin = stories()
            added["stories"] = [self._add("stories", short), self._add("stories", long, child, hero)]
            added["stories"].append(self._add("stories", twin))
        for table, ids in added.items():
            if id_ := next(filter(None, ids), None):
                self._change(table, id_)
        # A child or a hero first, while there is a story about them.
        for table, ids in added.items():
            if id_ := next(filter(None, ids), None):
                self._delete(table, id_)
        if self.report.steps:
            self._become("none", "")
            self.found += refused_definitions(self.connection)

    def _add(self, table: str, sample: Sample, child: UUID | None = None, hero: UUID | None = None) -> UUID | None:
        id_ = uuid4()
        values: Values = {"id": id_, "user_id": self.place.user, **sample.values}
        if table == "stories":
            values |= {"child_id": child, "hero_id": hero}

        def write() -> None:
            if table != "stories":
                self._as_user()
                self._insert(table, values)
            elif self.place.has_queue:
                asked, ended = generation(self.place.user, id_, sample, child, hero)
                for statement, rows in ((_ENQUEUE, asked), (_FINISH, ended)):
                    self._become("none", "")
                    self.connection.execute(statement, [rows])
            else:
                self._as_service()
                self._insert(table, values)

        is_kept = self._try(table, sample.what, "insert", values, write)
        return id_ if is_kept and self._compare(table, sample.what, "insert", id_, values) else None

    def _change(self, table: str, id_: UUID) -> None:
        values = CHANGES[table]
        sets = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values)
        statement = sql.SQL("update {} set {} where id = %s").format(sql.Identifier("tales", table), sets)
        what = f"a change of {_ONE[table]}"

        def write() -> None:
            self._as_user()
            self.connection.execute(statement, [*values.values(), id_])

        if self._try(table, what, "update", values, write):
            self._compare(table, what, "update", id_, values)

    def _delete(self, table: str, id_: UUID) -> None:
        statement = sql.SQL("delete from {} where id = %s").format(sql.Identifier("tales", table))
        what = f"the deletion of {_ONE[table]}"

        def write() -> None:
            self._as_user()
            self.connection.execute(statement, [id_])

        if self._try(table, what, "delete", {}, write) and self._read(table, id_, ["id"]) is not None:
            culprits = blame.of_change(self.connection, table, "delete", ())
            self._blame("write_lost", table, culprits, f"lets {what} come to nothing without an error")

    def _insert(self, table: str, values: Values) -> None:
        if table not in self._fillers:
            self._fillers[table] = {} if self.place.has_queue else fillers(self.connection, table, values)
        filled = self._fillers[table]
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier("tales", table),
            sql.SQL(", ").join(map(sql.Identifier, [*values, *filled])),
            sql.SQL(", ").join([*[sql.Placeholder()] * len(values), *filled.values()]),
        )
        self.connection.execute(statement, list(values.values()))

    def _try(self, table: str, what: str, event: str, values: Values, write: Callable[[], None]) -> bool:
        """Whether nothing refuses it."""
        try:
            with self.connection.transaction():
                write()
        except psycopg.Error as error:
            if interruption(error, SECONDS):
                raise
            self._refused(table, what, event, values, error)
            return False
        return True

    def _refused(self, table: str, what: str, event: str, values: Values, error: psycopg.Error) -> None:
        culprits = blame.of_refusal(self.connection, table, event, values, error)
        state = f"(SQLSTATE {error.sqlstate})"
        if error.sqlstate == "42501" and not culprits:
            if not self.place.is_served:
                raise OutOfReach(f"a right on tales.{table} is missing. Run the check as its owner.")
            culprits = blame.of_rights(self.connection)
        about = {column for culprit in culprits for column in culprit.columns}
        if table == "stories" and about & set(MOVED):
            refuses = f"refuses {what} for what its old columns hold {state}, until they are dropped"
            self._blame("write_refused", table, culprits, refuses, Severity.WARNING)
        elif about & self._fillers.get(table, {}).keys():
            if (table,) not in self._blamed:
                column = "a column that the service leaves out"
                wants = f"the {culprits[0].words} wants of {column} what a trial cannot make up."
                self.found.append(not_tried(wants))
                self._blamed.add((table,))
        elif any(culprit.is_change for culprit in culprits):
            refuses = f"gives {what} other values, with which it is refused {state}"
            self._blame("write_refused", table, culprits, refuses)
        else:
            self._blame("write_refused", table, culprits, f"refuses {what}, as the service writes it {state}")

    def _compare(self, table: str, what: str, event: str, id_: UUID, values: Values) -> bool:
        """Whether the row is as it was written. What follows it would only fail for the same reason otherwise."""
        kept = self._read(table, id_, list(values))
        differing = [name for name, value in values.items() if kept is not None and not _same(kept[name], value)]
        if kept is None:
            culprits = blame.of_change(self.connection, table, event, ())
            self._blame("write_lost", table, culprits, f"lets {what} vanish without an error, or get another id")
        elif event == "update" and len(differing) == len(values):
            culprits = blame.of_change(self.connection, table, event, ())
            self._blame("write_lost", table, culprits, f"lets {what} come to nothing without an error")
        elif differing:
            culprits = blame.of_change(self.connection, table, event, differing)
            changes = f"changes {', '.join(differing)} of {what}, which the service must find as it wrote it"
            self._blame("write_changed", table, culprits, changes)
        return kept is not None and not differing

    def _read(self, table: str, id_: UUID, columns: list[str]) -> dict[str, Any] | None:
        self._as_service()
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL("select {} from {} where id = %s").format(names, sql.Identifier("tales", table))
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, [id_]).fetchone()

    def _blame(
        self, name: str, table: str, culprits: list[Culprit], does: str, severity: Severity | None = None
    ) -> None:
        """Tell it, unless it is known already."""
        words = tuple(culprit.words for culprit in culprits)
        if words in self._blamed or self._is_told(table, culprits):
            return
        self._blamed.add(words)
        if not culprits:
            sentence = f"Something in tales.{table} {does}, and PostgreSQL does not say what. Look into its log."
        elif len(culprits) == 1:
            sentence = f"The {words[0]} {does}. {culprits[0].advice}"
        else:
            sentence = f"One of these {does}: the {', the '.join(words)}. {culprits[0].advice}"
        statements = tuple(statement for culprit in culprits for statement in culprit.statements)
        self.found.append(Finding(name, severity or self.later, sentence, statements))

    def _is_told(self, table: str, culprits: list[Culprit]) -> bool:
        known = [
            finding.sentence for finding in self.report.findings if finding.severity in {Severity.PROBLEM, self.later}
        ]
        known += [f"{dependent.kind} {dependent.name}" for dependent in self.report.dependents]
        known += [
            f"column {column.name} of tales.{column.table}" for column in self.report.columns if column.refuses_new_rows
        ]
        if not culprits:
            # It may come of something that is told already, and is still there when that is mended.
            return bool(self._blamed) or any(f"tales.{table}" in sentence for sentence in known)
        return all(any(culprit.is_told_by(sentence) for sentence in known) for culprit in culprits)

    def _is_writable(self, table: str) -> bool:
        return not any(
            finding.name in _UNWRITABLE and f"tales.{table}." in finding.sentence for finding in self.report.findings
        )

    def _as_user(self) -> None:
        self._become("authenticated", json.dumps({"sub": str(self.place.user), "role": "authenticated"}))

    def _as_service(self) -> None:
        self._become("service_role", _SERVICE)

    def _become(self, role: str, claims: str) -> None:
        """As whoever writes; where the service's roles have no rights yet, whoever checks in their place."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise OutOfReach(str(interruption(psycopg.errors.QueryCanceled(), SECONDS)))
        self.connection.execute(
            _BECOME, [role if self.place.is_served else "none", claims, f"{max(1, int(left * 1000))}ms"]
        )


def _same(kept: Any, written: object) -> bool:  # noqa: ANN401 -- whatever type the column has
    return bool(kept == written)
