"""What the migration and the new model expect of the tables themselves: keys, indexes, health, replication."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from tales.legacy.check.specification import names_to_come, ours
from tales.legacy.report import Finding, Severity

_TABLES = text("""
    select c.relname as table, c.oid::regclass::text as name, c.relkind = 'p' or c.relispartition as is_partitioned,
        exists (select from pg_inherits where c.oid in (inhrelid, inhparent)) as is_inherited,
        c.relreplident::text as replica_identity, c.relpersistence = 'u' as is_unlogged,
        array['autovacuum_enabled=false', 'autovacuum_enabled=off'] && c.reloptions as is_unvacuumed,
        coalesce(t.n_dead_tup, 0) as dead, coalesce(t.n_live_tup, 0) as live,
        array(
            select quote_ident(tgname) from pg_trigger
            where tgrelid = c.oid and tgenabled in ('D', 'R') and tgname <> all (:ours) order by 1
        ) as muted,
        exists (
            select from pg_index as i
            where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null
                and i.indnkeyatts = 1 and i.indkey[0] = (
                    select attnum from pg_attribute where attrelid = c.oid and attname = 'id' and attnotnull
                )
        ) as has_key
    from pg_class as c
    left join pg_stat_all_tables as t on t.relid = c.oid
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
    order by array_position(array['stories', 'children', 'heroes'], c.relname::text)
""")
_UNINDEXED = text("""
    select wanted.name
    from unnest(array['user_id', 'child_id', 'hero_id']) as wanted (name)
    where not exists (
        select from pg_index as i
        join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indrelid = to_regclass('tales.stories') and a.attname = wanted.name and i.indisvalid
            and (i.indpred is null
                or pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', wanted.name))
    )
""")
_FOREIGN_KEYS = text("""
    select wanted.name, wanted.target, wanted.rule, k.conname is not null as exists, k.convalidated as is_valid,
        k.confdeltype::text as on_delete, quote_ident(k.conname) as constraint_name
    from (values
        ('user_id', 'auth.users', 'cascade'), ('child_id', 'tales.children', 'set null'),
        ('hero_id', 'tales.heroes', 'set null')
    ) as wanted (name, target, rule)
    left join lateral (
        select k.* from pg_constraint as k
        join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
        where k.conrelid = to_regclass('tales.stories') and k.contype = 'f' and cardinality(k.conkey) = 1
            and a.attname = wanted.name and k.confrelid::regclass::text = wanted.target
        order by k.convalidated desc limit 1
    ) as k on true
""")
_HAS_USERS = text("""
    select exists (
        select from pg_index as i
        join pg_class as c on c.oid = i.indrelid
        where c.relnamespace = to_regnamespace('auth') and c.relname = 'users' and i.indisunique and i.indpred is null
            and i.indnkeyatts = 1
            and i.indkey[0] = (select attnum from pg_attribute where attrelid = c.oid and attname = 'id')
    )
""")
_PUBLICATIONS = text("select pubname from pg_publication_tables where schemaname = 'tales' and tablename = 'stories'")
# What an earlier way back has left of ours is no other's: it has the columns that ours has.
_TAKEN = text("""
    with taken (kind, name, bare) as (
        select case when relkind in ('i', 'I') then 'index' when relkind = 'v' then 'view'
                when relkind = 'm' then 'materialized view' when relkind = 'S' then 'sequence' else 'table' end,
            c.oid::regclass::text, c.relname
        from pg_class as c
        where relnamespace = to_regnamespace('tales') and relname = any (:relations)
            and not exists (
                select from pg_attribute as a
                where a.attrelid in (c.oid, (select indrelid from pg_index where indexrelid = c.oid))
                    and (c.relname, a.attname) in (
                        ('generations_archive', 'story_id'), ('generations_archive_story_id_idx', 'story_id'),
                        ('sequels', 'sequel_of'), ('sequels_user_id_idx', 'sequel_of'),
                        ('sequels_sequel_of_idx', 'sequel_of')
                    )
            )
        union all
        select 'function', oid::regprocedure::text, proname from pg_proc
        where pronamespace = to_regnamespace('tales') and proname = any (:functions)
        union all
        select 'type', oid::regtype::text, typname from pg_type
        where typnamespace = to_regnamespace('tales') and typname = any (:relations) and typrelid = 0 and typelem = 0
        union all
        select 'trigger', format('%I on %s', tgname, tgrelid::regclass), tgname from pg_trigger as t
        join pg_class as c on c.oid = t.tgrelid
        where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
            and tgname = any (:triggers)
    )
    select kind, name, format('alter %s %s rename to %I;', kind, name, left('legacy_' || bare, 63)) as rename
    from taken
    order by 1, 2
""")
_AUTOVACUUM = text("select current_setting('autovacuum') = 'off'")
_DELETE_RULES = {"c": "cascade", "n": "set null", "d": "set default", "r": "restrict", "a": "no action"}
_MANY_DEAD = 0.2
_FEW = 1000
"""Rows below which dead ones are no burden."""


def judge_tables(
    connection: Connection, *, is_legacy: bool, sees_users: bool, later: Severity = Severity.PROBLEM
) -> Iterator[Finding]:
    """Everything about stories, children and heroes but their columns.

    `later` is how much it matters what only stops the new service.
    """
    if connection.execute(_AUTOVACUUM).scalar_one():
        yield Finding(
            "autovacuum_off", Severity.WARNING, "Autovacuum is off: what the migration leaves stays as bloat."
        )
    for row in connection.execute(_TABLES, {"ours": ours("trigger")}):
        yield from _shape(row.table, row.name, row.is_partitioned or row.is_inherited, row.has_key)
        yield from _health(row.name, row.is_unvacuumed, row.dead, row.live)
        if row.is_unlogged:
            sentence = f"{row.name} is unlogged: a crash empties it, and generations cannot refer to it."
            yield Finding("unlogged", Severity.PROBLEM, sentence, (f"alter table {row.name} set logged;",))
        for trigger in row.muted:
            sentence = (
                f"The trigger {trigger} on {row.name} is switched off. Those of a foreign key check nothing then."
            )
            statement = f"alter table {row.name} enable trigger {trigger};"
            yield Finding("trigger_disabled", Severity.WARNING, sentence, (statement,))
        if row.table == "stories" and row.replica_identity not in {"d", "n"}:
            sentence = "stories has a replica identity of its own: subscribers also get the columns that are dropped."
            yield Finding("replica_identity", Severity.WARNING, sentence)
    yield from _indexes(connection)
    if not connection.execute(_HAS_USERS).scalar_one():
        sentence = "There is no table auth.users with a key on id, which generations refers to. Make it first."
        yield Finding("no_users", Severity.PROBLEM, sentence)
    yield from _foreign_keys(connection, later, sees_users=sees_users)
    for publication in connection.execute(_PUBLICATIONS).scalars():
        sentence = (
            f"The publication {publication} sends stories to subscribers. They need the new columns before expand, "
            "and see the old ones go."
        )
        yield Finding("published", Severity.WARNING, sentence)
    if is_legacy:
        yield from _taken(connection)


def _shape(table: str, name: str, is_divided: bool, has_key: bool) -> Iterator[Finding]:
    if is_divided:
        sentence = f"{name} is partitioned, or inherits. That is not supported: make it one table first."
        yield Finding("table_divided", Severity.PROBLEM, sentence)
    elif not has_key:
        sentence = f"{name} has no primary key on id, which {'the migration' if table == 'stories' else '015'} needs."
        yield Finding("no_key", Severity.PROBLEM, sentence, (f"alter table {name} add primary key (id);",))


def _health(name: str, is_unvacuumed: bool | None, dead: int, live: int) -> Iterator[Finding]:
    if is_unvacuumed:
        sentence = f"Autovacuum is off for {name}: what the migration leaves stays as bloat."
        yield Finding(
            "autovacuum_off", Severity.WARNING, sentence, (f"alter table {name} reset (autovacuum_enabled);",)
        )
    if dead > _FEW and dead > _MANY_DEAD * (live + dead):
        sentence = f"Of the rows of {name}, {dead / (live + dead):.0%} are dead. Vacuum before the migration."
        yield Finding("dead_rows", Severity.WARNING, sentence, (f"vacuum (analyze) {name};",))


def _indexes(connection: Connection) -> Iterator[Finding]:
    for name in connection.execute(_UNINDEXED).scalars():
        sentence = f"stories has no index on {name}: deleting what it names reads the whole table."
        statement = f"create index concurrently stories_{name}_idx on tales.stories ({name});"
        yield Finding("index_missing", Severity.WARNING, sentence, (statement,))


def _foreign_keys(connection: Connection, later: Severity, *, sees_users: bool) -> Iterator[Finding]:
    for row in connection.execute(_FOREIGN_KEYS):
        made = (
            f"alter table tales.stories add foreign key ({row.name}) references {row.target} (id) on delete {row.rule}"
        )
        if row.name == "user_id" and not sees_users and not row.is_valid:
            sentence = (
                "Nobody vouches for stories.user_id: no valid foreign key does, and this role does not see auth.users. "
                "Let it read auth.users, or make the key valid."
            )
            vouch = f"{made};"
            if row.exists:
                vouch = f"alter table tales.stories validate constraint {row.constraint_name};"
            yield Finding("users_unknown", Severity.PROBLEM, sentence, (vouch,))
        if not row.exists:
            sentence = f"stories.{row.name} has no foreign key to {row.target}: erasing there leaves stories behind."
            yield Finding("foreign_key_missing", Severity.WARNING, sentence, (f"{made} not valid;",))
        elif not row.is_valid:
            sentence = f"The foreign key {row.constraint_name} of stories was never validated."
            statement = f"alter table tales.stories validate constraint {row.constraint_name};"
            yield Finding("foreign_key_not_valid", Severity.WARNING, sentence, (statement,))
        if row.exists and (rule := _DELETE_RULES[row.on_delete]) != row.rule:
            sentence = f"The foreign key {row.constraint_name} of stories says {rule} on delete, not {row.rule}."
            again = (f"alter table tales.stories drop constraint {row.constraint_name};", f"{made} not valid;")
            # What a family deletes must be gone; that its stories go or stay is a matter of taste.
            keeps = row.on_delete in {"a", "r"}
            yield Finding("foreign_key_rule", later if keeps else Severity.WARNING, sentence, again)


def _taken(connection: Connection) -> Iterator[Finding]:
    coming = {
        "relations": names_to_come("table") + names_to_come("index"),
        "functions": names_to_come("function"),
        "triggers": names_to_come("trigger"),
    }
    for row in connection.execute(_TAKEN, coming):
        sentence = (
            f"There is a {row.kind} {row.name}, a name that the migrations need. Rename it, or move it to another "
            "schema."
        )
        yield Finding("name_taken", Severity.PROBLEM, sentence, (row.rename,))
