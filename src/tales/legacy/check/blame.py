"""Which object of a database refuses, changes or loses a row that the service writes, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg.errors import Diagnostic
from psycopg.rows import namedtuple_row

from tales.legacy.check.specification import our_constraints, ours

_TRIGGERS = """
    select format('trigger %%I on %%s', t.tgname, c.oid::regclass) as words,
        format('drop trigger %%I on %%s;', t.tgname, c.oid::regclass) as drop,
        t.tgtype as type, c.relname as table, p.oid::regprocedure::text as function, p.proname,
        l.lanname in ('c', 'internal') as is_compiled, lower(p.prosrc) as body
    from pg_trigger as t
    join pg_class as c on c.oid = t.tgrelid
    join pg_proc as p on p.oid = t.tgfoid
    join pg_language as l on l.oid = p.prolang
    where c.relnamespace = to_regnamespace('tales') and not t.tgisinternal and t.tgenabled in ('O', 'A')
        and t.tgname <> all (%(ours)s)
    order by 1
"""
_RULES = """
    select format('rule %%I on %%s', r.rulename, c.oid::regclass) as words,
        format('drop rule %%I on %%s;', r.rulename, c.oid::regclass) as drop
    from pg_rewrite as r
    join pg_class as c on c.oid = r.ev_class
    where c.oid = to_regclass('tales.' || %(table)s) and r.ev_type = %(type)s and r.ev_enabled in ('O', 'A')
    order by 1
"""
# What a constraint or an index is called by the checks that read the catalog.
_CONSTRAINTS = """
    select case k.contype when 'c' then format('check %%I on %%s', k.conname, c.oid::regclass)
            when 'f' then format('foreign key %%I of %%s', k.conname, c.oid::regclass)
            when 'x' then format('exclusion constraint %%I on %%s', k.conname, c.oid::regclass)
            else 'unique index ' || k.conindid::regclass end as words,
        format('alter table %%s drop constraint %%I;', c.oid::regclass, k.conname) as drop,
        case when k.contype = 'f' then format('foreign key %%I of %%I', k.conname, c.relname) end as told_as,
        case when k.contype = 'f' and k.confdeltype in ('a', 'r') then format(
            'alter table %%s add foreign key %%s on delete set null not valid;', c.oid::regclass,
            regexp_replace(pg_get_constraintdef(k.oid), '^FOREIGN KEY | (ON|NOT|DEFERRABLE|INITIALLY) .*$', '', 'g')
        ) end as remake,
        case k.confdeltype when 'n' then 'update' when 'd' then 'update' when 'c' then 'delete' end as on_delete,
        array(select attname::text from pg_attribute where attrelid = c.oid and attnum = any (k.conkey)) as columns
    from pg_constraint as k
    join pg_class as c on c.oid = k.conrelid
    where c.oid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text)) and k.conname = %(name)s
    union all
    select case when i.indisunique then 'unique index ' else 'index ' end || i.indexrelid::regclass,
        format('drop index %%s;', i.indexrelid::regclass), null, null, null,
        array(select attname::text from pg_attribute
            where attrelid = i.indrelid and attnum = any (i.indkey::smallint[]))
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    where i.indrelid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text)) and c.relname = %(name)s
        and not exists (select from pg_constraint where conindid = i.indexrelid and conrelid = i.indrelid)
"""
_NARROW = """
    select format('column %%I of %%s', a.attname, c.oid::regclass) as words, a.attname as name,
        format('%%s.%%I is %%s', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod)) as told_as,
        (regexp_match(format_type(a.atttypid, a.atttypmod), '^character[^(]*\\((\\d+)\\)'))[1]::integer as length,
        format('alter table %%s alter column %%I type text%%s;', c.oid::regclass, a.attname,
            case when t.typelem <> 0 then '[]' else '' end) as widen
    from pg_class as c
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type as t on t.oid = a.atttypid
    where c.oid = to_regclass('tales.' || %(table)s) and format_type(a.atttypid, a.atttypmod) ~ '^character.*\\('
    order by a.attnum
"""
# One that would hold a whole text: larger ones PostgreSQL refuses without a name.
_INDEXES = """
    select distinct 'index ' || i.indexrelid::regclass as words,
        format('drop index %%s;', i.indexrelid::regclass) as drop
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    join pg_am as m on m.oid = c.relam and m.amname = 'btree'
    join pg_depend as d on d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
        and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid
    join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = d.refobjsubid
    where i.indrelid = to_regclass('tales.' || %(table)s) and a.attname = any (%(columns)s)
    order by 1
"""
_LONGEST_IN_INDEX = 600
"""Characters, each of up to four bytes, that every index holds."""
# Of what 012 to 014 grant, or 018 where it is missing.
_LACKING = """
    select format('grant %%s on %%s to %%s;', w.privilege, w.on_table, w.grantee) as grant
    from (
        select 'tales.' || t as on_table, 'authenticated' as grantee, p as privilege
        from unnest(array['stories', 'children', 'heroes']) as t
        cross join unnest(array['select', 'insert', 'update', 'delete']) as p
        union all select 'tales.' || t, 'service_role', 'select'
        from unnest(array['stories', 'children', 'heroes']) as t
        union all select 'tales.stories', 'service_role', 'insert'
    ) as w
    where not has_table_privilege(w.grantee, w.on_table, w.privilege)
    order by 1
"""
_COLUMN = """
    select format('column %%I of tales.%%I', %(column)s::text, %(table)s::text) as words,
        format('alter table tales.%%I alter column %%I drop not null;', %(table)s::text, %(column)s::text) as relax
"""
_POLICY = re.compile(r'row-level security policy "(?P<policy>[^"]{1,63})" for table "(?P<table>[^"]{1,63})"')
_POLICIES = """
    select format('policy %%I on %%s', p.polname, c.oid::regclass) as words,
        format('drop policy %%I on %%s;', p.polname, c.oid::regclass) as drop
    from pg_policy as p
    join pg_class as c on c.oid = p.polrelid
    where c.relnamespace = to_regnamespace('tales') and c.relname = %(table)s and p.polname = %(policy)s
"""
_EVENTS = {"insert": 4, "delete": 8, "update": 16}
"""As pg_trigger has them."""
_RULE_EVENTS = {"update": "2", "insert": "3", "delete": "4"}
_UNKNOWN_NAMES = {"42P01", "42883", "42704", "3F000"}
"""What a function says that does not find a name: the service's connections look names up in pg_catalog alone."""
_REFERENCES = ("user_id", "child_id", "hero_id", "generation_id", "generation_attempt")
_ITS_OWN = ("stories_written_by_success", "stories_of_own_family")
"""What our own triggers say of a row."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """An object that is in the way. `words` say what it is called, as other findings say it."""

    words: str
    statements: tuple[str, ...]
    told_as: str | None = None
    """What else it is called by a finding that knows it already."""
    advice: str = "Drop it, or let these rows pass."
    columns: tuple[str, ...] = ()
    """What a constraint or an index is about."""
    is_change: bool = False
    """It does not refuse: it changes a row, which something of ours then refuses."""

    def is_told_by(self, sentence: str) -> bool:
        """Whether a finding with this sentence names it."""
        names = {self.words, self.told_as or self.words}
        return any(re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", sentence) for name in names)


@dataclass(frozen=True, slots=True)
class _Trigger:
    words: str
    drop: str
    type: int
    table: str
    function: str
    proname: str
    is_compiled: bool
    body: str

    @property
    def is_before_row(self) -> bool:
        """Whether it can change the row, or keep it from being written."""
        return self.type & 3 == 3

    def is_of(self, table: str, event: str) -> bool:
        """Whether it fires when this happens to a row of this table."""
        return self.table == table and bool(self.type & _EVENTS[event])

    def runs_in(self, context: str) -> bool:
        """Whether PostgreSQL's context, in whatever language, names its function."""
        return self.function in context or f'"{self.proname}"' in context

    def assigns(self, columns: Collection[str]) -> bool:
        """Whether its text gives one of these columns another value."""
        return any(re.search(rf"new\s*\.\s*\"?{name}\"?\s*:?=|into\s+new\s*\.\s*{name}", self.body) for name in columns)

    def as_culprit(self, sqlstate: str | None = None) -> Culprit:
        if sqlstate not in _UNKNOWN_NAMES:
            return Culprit(self.words, (self.drop,))
        define = f"alter function {self.function} set search_path = tales, public, pg_temp;"
        advice = "Its function uses names without their schema, which the service's connections do not look for."
        return Culprit(self.words, (define,), advice=f"{advice} Tell it where to look.")


def of_refusal(
    connection: psycopg.Connection, table: str, event: str, values: Mapping[str, object], error: psycopg.Error
) -> list[Culprit]:
    """What refuses to insert, update or delete a row of `table`; nothing where PostgreSQL does not say.

    `values` are what the service writes of it.
    """
    triggers = _triggers(connection)
    context = error.diag.context or ""
    if running := [trigger.as_culprit(error.sqlstate) for trigger in triggers if trigger.runs_in(context)]:
        return running
    if (named := _of_names(connection, triggers, event, values, error.diag)) is not None:
        return named
    if error.sqlstate == "22001":
        narrow = _rows(connection, _NARROW, {"table": table})
        return [
            Culprit(row.words, (row.widen,), row.told_as, "Make it a text.")
            for row in narrow
            if _longest(values.get(row.name)) > row.length
        ]
    if error.sqlstate == "54000":
        long = [name for name, value in values.items() if _longest(value) > _LONGEST_IN_INDEX]
        indexes = _rows(connection, _INDEXES, {"table": table, "columns": long})
        return [Culprit(row.words, (row.drop,), columns=tuple(long)) for row in indexes]
    # One that is written in C leaves no context.
    return [trigger.as_culprit() for trigger in triggers if trigger.is_of(table, event) and trigger.is_compiled]


def of_rights(connection: psycopg.Connection) -> list[Culprit]:
    """What of the service's roles' rights somebody has taken away again."""
    grants = tuple(row.grant for row in _rows(connection, _LACKING, {}))
    return [Culprit("lack of a right", grants, advice="Grant it.")] if grants else []


def _of_names(
    connection: psycopg.Connection,
    triggers: list[_Trigger],
    event: str,
    values: Mapping[str, object],
    diagnosis: Diagnostic,
) -> list[Culprit] | None:
    """What PostgreSQL names itself, if it names anything."""
    constraint, table, column = diagnosis.constraint_name, diagnosis.table_name, diagnosis.column_name
    if constraint and table:
        # Whatever ours has against a row, somebody has changed it on its way.
        if constraint in _ITS_OWN or constraint in our_constraints():
            return _changing(triggers, table, event, _REFERENCES)
        of = {"schema": diagnosis.schema_name, "table": table, "name": constraint}
        return _of_constraint(connection, triggers, event, of)
    if column and table:
        if values.get(column) is not None:
            return _changing(triggers, table, event, [column])
        return [_of_column(connection, table, column)]
    if policy := _POLICY.search(diagnosis.message_primary or ""):
        rows = _rows(connection, _POLICIES, policy.groupdict())
        return [Culprit(row.words, (row.drop,), advice="Drop it.") for row in rows]
    return None


def of_change(connection: psycopg.Connection, table: str, event: str, columns: Collection[str]) -> list[Culprit]:
    """What gives these columns of a row another value; without columns: what lets the event come to nothing.

    Where several may have done it, all of them; a rule before any trigger.
    """
    rules = _rows(connection, _RULES, {"table": table, "type": _RULE_EVENTS[event]})
    return [Culprit(row.words, (row.drop,)) for row in rules] or _changing(_triggers(connection), table, event, columns)


def _of_constraint(
    connection: psycopg.Connection, triggers: list[_Trigger], event: str, of: Mapping[str, str | None]
) -> list[Culprit]:
    culprits: list[Culprit] = []
    for row in _rows(connection, _CONSTRAINTS, of):
        meddling: list[Culprit] = []
        if row.told_as is not None and event != "delete":
            # What the service refers to is there: unless a trigger has put something else in its place.
            meddling = _assigning(triggers, str(of["table"]), event, row.columns)
        elif row.on_delete is not None:
            # What goes along with a row is gone: unless one keeps it.
            meddling = _changing(triggers, str(of["table"]), row.on_delete, ())
        statements = (row.drop, row.remake) if event == "delete" and row.remake else (row.drop,)
        itself = Culprit(row.words, statements, row.told_as, columns=tuple(row.columns))
        culprits += meddling or [itself]
    return culprits


def _of_column(connection: psycopg.Connection, table: str, column: str) -> Culprit:
    """One that is NOT NULL where the service writes nothing."""
    (row,) = _rows(connection, _COLUMN, {"table": table, "column": column})
    return Culprit(row.words, (row.relax,), advice="Let it be NULL.", columns=(column,))


def _changing(triggers: list[_Trigger], table: str, event: str, columns: Collection[str]) -> list[Culprit]:
    if assigning := _assigning(triggers, table, event, columns):
        return assigning
    of_event = [trigger for trigger in triggers if trigger.is_of(table, event)]
    before = [trigger for trigger in of_event if trigger.is_before_row]
    dropping = [trigger for trigger in before if not columns and "null" in trigger.body]
    return [Culprit(t.words, (t.drop,), is_change=True) for t in dropping or before or of_event]


def _assigning(triggers: list[_Trigger], table: str, event: str, columns: Collection[str]) -> list[Culprit]:
    return [
        Culprit(trigger.words, (trigger.drop,), is_change=True)
        for trigger in triggers
        if trigger.is_of(table, event) and trigger.is_before_row and trigger.assigns(columns)
    ]


def _longest(value: object) -> int:
    """In characters, of a text or of any in a list."""
    if isinstance(value, list):
        return max(map(_longest, value), default=0)
    return len(value) if isinstance(value, str) else 0


def _triggers(connection: psycopg.Connection) -> list[_Trigger]:
    return [_Trigger(*row) for row in _rows(connection, _TRIGGERS, {"ours": ours("trigger")})]


def _rows(connection: psycopg.Connection, query: LiteralString, parameters: Mapping[str, object]) -> list[Any]:
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(query, parameters).fetchall()
