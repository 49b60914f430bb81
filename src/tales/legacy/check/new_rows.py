"""What stands in the way of the rows that the new service writes: rules, triggers, checks, keys, unique indexes."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from tales.legacy.check.sample_rows import holds, sample_rows
from tales.legacy.check.specification import MOVED, ours
from tales.legacy.report import Finding, Severity

_RULES = text("""
    select quote_ident(rulename) as name, c.oid::regclass::text as on_table
    from pg_rewrite as r
    join pg_class as c on c.oid = r.ev_class
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
        and c.relkind in ('r', 'p') and r.ev_type <> '1'
        -- Those over a dropped column are told with what depends on it.
        and not exists (
            select from pg_depend as d
            join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
            where d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
                and d.refobjid = to_regclass('tales.stories') and a.attname = any (:moved)
        )
    order by 2, 1
""")
_TRIGGERS = text(r"""
    select quote_ident(t.tgname) as name, c.oid::regclass::text as on_table, c.relname = 'stories' as is_on_stories,
        p.oid::regprocedure::text as function, p.prosrc as body, p.prosecdef as is_definers,
        t.tgtype & 3 = 3 and p.prosrc ~* '\mreturn\s+null\M' as may_skip,
        array(
            select m.oid::regclass::text
            from pg_class as m
            where c.relname = 'stories' and m.relnamespace = c.relnamespace and m.relname in ('children', 'heroes')
                and p.prosrc ~* ('(insert\s+into|update|delete\s+from)\s+(tales\.)?' || m.relname || '\M')
                and not o.rolsuper and not o.rolbypassrls
            order by 1
        ) as written_in_vain,
        array(
            select format('%I', n.nspname) || '.' || format('%I', m.relname)
            from pg_class as m
            join pg_namespace as n on n.oid = m.relnamespace
            where m.relkind in ('r', 'v', 'm', 'p') and n.nspname !~ '^pg_|^information_schema$'
                and p.prosrc ~* ('(into|from|join|update|only)\s+("?' || n.nspname || '"?\.)?"?' || m.relname || '\M')
                and case
                    when n.nspname = 'tales' and m.relname in ('stories', 'children', 'heroes')
                        then c.relname = 'stories' and m.relname <> 'stories'
                            and p.prosrc ~* ('(insert\s+into|update|delete\s+from)\s+(tales\.)?' || m.relname || '\M')
                    else to_regrole('service_role') is not null and not (
                        has_table_privilege('service_role', m.oid, 'select, insert, update, delete')
                        and has_table_privilege('authenticated', m.oid, 'select, insert, update, delete'))
                end
            order by 1
        ) as touched
    from pg_trigger as t
    join pg_class as c on c.oid = t.tgrelid
    join pg_proc as p on p.oid = t.tgfoid
    join pg_roles as o on o.oid = p.proowner
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
        and not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgname <> all (:ours)
    order by 2, 1
""")
_CHECKS = text("""
    select k.conrelid::regclass::text as on_table, c.relname as table, quote_ident(k.conname) as name,
        pg_get_expr(k.conbin, k.conrelid) as expression
    from pg_constraint as k
    join pg_class as c on c.oid = k.conrelid
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
        and k.contype = 'c' and not exists (
            select from pg_attribute as a
            where a.attrelid = c.oid and a.attnum = any (k.conkey) and c.relname = 'stories'
                and a.attname = any (:moved)
        )
    order by 1, 3
""")
_FOREIGN_KEYS = text("""
    select k.conrelid::regclass::text as on_table, quote_ident(k.conname) as name,
        k.confrelid::regclass::text as target, a.attname as column
    from pg_constraint as k
    join pg_class as c on c.oid = k.conrelid
    join pg_attribute as a on a.attrelid = c.oid and a.attnum = any (k.conkey)
    where c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
        and k.contype = 'f'
        and a.attname in ('id', 'user_id', 'child_id', 'hero_id', 'name', 'title', 'age', 'gender', 'rating')
        and not exists (
            select from pg_class as f
            where f.oid = k.confrelid and (a.attname, f.relnamespace, f.relname) in (
                ('user_id', to_regnamespace('auth')::oid, 'users'), ('child_id', c.relnamespace, 'children'),
                ('hero_id', c.relnamespace, 'heroes')
            )
        )
    order by 1, 2
""")
# A foreign key's action writes too, and a publication refuses what it could not tell its subscribers.
_UNIDENTIFIED = text("""
    select distinct r.oid::regclass::text as name, p.pubname as publication
    from pg_class as r
    join pg_namespace as n on n.oid = r.relnamespace
    join pg_publication_tables as t on t.schemaname = n.nspname and t.tablename = r.relname
    join pg_publication as p on p.pubname = t.pubname and (p.pubupdate or p.pubdelete)
    where (r.relnamespace = to_regnamespace('tales') and r.relname in ('stories', 'children', 'heroes') or exists (
            select from pg_constraint as k
            join pg_class as c on c.oid = k.confrelid
            where k.conrelid = r.oid and k.contype = 'f' and k.confdeltype in ('c', 'n', 'd')
                and c.relnamespace = to_regnamespace('tales') and c.relname in ('stories', 'children', 'heroes')
        ))
        and (r.relreplident = 'n'
            or r.relreplident = 'd' and not exists (select from pg_index where indrelid = r.oid and indisprimary))
    order by 1
""")
# From PostgreSQL 18 on: what identifies a row to subscribers must be published whole, and a computed column is not.
_PARTLY_PUBLISHED = text("""
    select distinct r.oid::regclass::text as name, p.pubname as publication
    from pg_class as r
    join pg_namespace as n on n.oid = r.relnamespace
    join pg_publication_tables as t on t.schemaname = n.nspname and t.tablename = r.relname
    join pg_publication as p on p.pubname = t.pubname and (p.pubupdate or p.pubdelete)
    where r.relnamespace = to_regnamespace('tales') and r.relname in ('stories', 'children', 'heroes')
        and r.relreplident = 'f'
        and exists (
            select from pg_attribute as a
            where a.attrelid = r.oid and not a.attisdropped
                and (a.attgenerated = 'v' or a.attgenerated = 's' and to_jsonb(p) ->> 'pubgencols' = 'n')
        )
        and current_setting('server_version_num')::int >= 180000
    order by 1
""")
# By anything but the id, two rows of a family may be the same.
_UNIQUE = text("""
    select i.indrelid::regclass::text as on_table, i.indexrelid::regclass::text as index,
        k.conname is not null as is_constraint, quote_ident(c.relname) as name
    from pg_index as i
    join pg_class as c on c.oid = i.indexrelid
    join pg_class as t on t.oid = i.indrelid
    left join pg_constraint as k
        on k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('u', 'p', 'x')
    where t.relnamespace = to_regnamespace('tales') and t.relname in ('stories', 'children', 'heroes')
        and i.indisunique and c.relname <> all (:ours)
        and not exists (
            select from pg_attribute as a
            where a.attrelid = t.oid and a.attnum = any (i.indkey::smallint[])
                and (a.attname = 'id' or (t.relname = 'stories' and a.attname = any (:moved))
                    or a.attname not in ('user_id', 'name', 'title', 'content', 'child_id', 'hero_id', 'age', 'gender',
                        'interests', 'rating', 'created_at', 'updated_at', 'appearance'))
        )
    order by 1, 2
""")


def judge_new_rows(connection: Connection, later: Severity) -> Iterator[Finding]:
    """Whatever would refuse, change or redirect the first rows. `later`: how much that matters."""
    for row in connection.execute(_RULES, {"moved": list(MOVED)}):
        sentence = (
            f"The rule {row.name} on {row.on_table} rewrites what is written, which neither the migration nor the "
            "service can work with. Make it a trigger."
        )
        yield Finding("rule", Severity.PROBLEM, sentence, (f"drop rule {row.name} on {row.on_table};",))
    for row in connection.execute(_UNIDENTIFIED):
        sentence = (
            f"{row.name} is published by {row.publication} and has no replica identity: a story, child or hero that it "
            "goes with can be neither changed nor deleted. Give it one."
        )
        full = f"alter table {row.name} replica identity full;"
        yield Finding("no_replica_identity", Severity.PROBLEM, sentence, (full,))
    for row in connection.execute(_PARTLY_PUBLISHED):
        sentence = (
            f"{row.name} is published by {row.publication} with all its columns as identity, and one of them is "
            "computed and not published: PostgreSQL lets nobody change or delete a row. Identify rows by their key."
        )
        default = f"alter table {row.name} replica identity default;"
        yield Finding("half_replica_identity", Severity.PROBLEM, sentence, (default,))
    yield from _triggers(connection, later)
    yield from _checks(connection, later)
    for row in connection.execute(_FOREIGN_KEYS):
        sentence = f"The foreign key {row.name} of {row.on_table} wants {row.column} in {row.target} too. Drop it."
        drop = f"alter table {row.on_table} drop constraint {row.name};"
        yield Finding("foreign_key_elsewhere", later, f"{sentence} The service writes nothing there.", (drop,))
    for row in connection.execute(_UNIQUE, {"ours": ours("index"), "moved": list(MOVED)}):
        drop = (
            f"alter table {row.on_table} drop constraint {row.name};"
            if row.is_constraint
            else f"drop index {row.index};"
        )
        sentence = f"The unique index {row.index} would refuse rows that the service writes: nothing but ids is unique."
        yield Finding("unique_index", later, sentence, (drop,))


def _triggers(connection: Connection, later: Severity) -> Iterator[Finding]:
    """Triggers that read what is gone, or that write as a user what only the owner may."""
    for row in connection.execute(_TRIGGERS, {"ours": ours("trigger")}):
        if row.may_skip:
            sentence = (
                f"The trigger {row.name} on {row.on_table} runs before a write and may return NULL: then nothing is "
                "written or deleted, and neither the migration nor the service can work with that. Drop it."
            )
            drop = f"drop trigger {row.name} on {row.on_table};"
            yield Finding("trigger_skips", Severity.PROBLEM, sentence, (drop,))
            continue
        body = row.body.lower()
        gone = [
            name for name in MOVED if row.is_on_stories and any(f"{side}.{name}" in body for side in ("new", "old"))
        ]
        if gone:
            sentence = (
                f"The trigger {row.name} on {row.on_table} reads {', '.join(gone)}, which 017 drops: from then on no "
                "story can be written. Drop it, or make its function do without."
            )
            yield Finding("trigger_reads_dropped", later, sentence, (f"drop trigger {row.name} on {row.on_table};",))
        elif row.written_in_vain:
            sentence = (
                f"The trigger {row.name} on {row.on_table} writes {', '.join(row.written_in_vain)} for a story. The "
                "service may not, and the policies bind the owner from 024 on: nothing would be written. Drop it."
            )
            drop = f"drop trigger {row.name} on {row.on_table};"
            yield Finding("trigger_writes_in_vain", later, sentence, (drop,))
        elif row.touched and not row.is_definers:
            sentence = (
                f"The trigger {row.name} on {row.on_table} uses {', '.join(row.touched)} as whoever writes, and the "
                "service's roles may not. Let its function run as its owner."
            )
            path = "".join(f"{name}, " for name in sorted({name.partition(".")[0] for name in row.touched}))
            define = f"alter function {row.function} security definer set search_path = {path}pg_temp;"
            yield Finding("trigger_lacks_rights", later, sentence, (define,))


def _checks(connection: Connection, later: Severity) -> Iterator[Finding]:
    """Check constraints, asked about rows at the bounds of what the service writes."""
    samples = sample_rows(connection)
    for check in connection.execute(_CHECKS, {"moved": list(MOVED)}).all():
        rows = (f"({query}) as {check.table}" for query in samples[check.table])
        if holds(connection, f"({check.expression}) is false", rows):
            sentence = (
                f"The check {check.name} on {check.on_table} refuses rows that the service writes: "
                f"{check.expression}. Drop it, or let them pass."
            )
            drop = f"alter table {check.on_table} drop constraint {check.name};"
            yield Finding("check_refuses", later, sentence, (drop,))
