"""Statements of any kind, over every relation, column and function of ours, as somebody hostile would make them up.

None of them says that it is somebody else's (claims, `session authorization`), ends the test's own transaction, or is
`drop owned`, which PostgreSQL lets a role say of itself and which takes its policies away (docs/security.md).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

Text = st.SearchStrategy[str]


@dataclass(frozen=True, slots=True)
class Names:
    """What there is to speak of: relations with their columns, functions with their arguments' types, ids."""

    relations: dict[str, tuple[str, ...]]
    functions: dict[str, tuple[str, ...]]
    ids: tuple[str, ...]
    roles: tuple[str, ...]


def _lines(text: str) -> tuple[str, ...]:
    """What stands on a line each."""
    return tuple(line.strip() for line in text.strip().splitlines())


_FAMILYS = ("tales.children", "tales.heroes", "tales.stories", "tales.generations")
_SEEING = (
    *("pg_stats", "pg_stat_activity", "pg_locks", "pg_class", "pg_policies", "information_schema.columns"),
    *("pg_stat_all_tables", "pg_statistic", "pg_authid", "pg_shadow", "pg_largeobject", "pg_prepared_statements"),
)
_SETTINGS = _lines(r"""
    row_security = off
    session_replication_role = replica
    search_path = pg_temp, tales
    check_function_bodies = off
    allow_system_table_mods = on
    default_transaction_read_only = on
    enable_seqscan = off
    constraints all deferred
""")
_READING = _lines(r"""
    query_to_xml('select * from {0}', true, true, '')
    table_to_xml('{0}', true, true, '')
    pg_read_file('PG_VERSION')
    pg_ls_dir('.')
    lo_import('/etc/passwd')
    pg_relation_filepath('{0}')
    currtid2('{0}', '(0,1)')
    pg_stat_get_live_tuples('{0}'::regclass)
    nextval('{0}')
    has_table_privilege('{0}', 'select')
    row_security_active('{0}')
    pg_get_viewdef('{0}'::regclass)
    lo_from_bytea(0, '\x00')
    pg_notify('x', 'y')
""")
_DEFINING = _lines(r"""
    alter table {0} disable row level security
    alter table {0} no force row level security
    alter table {0} owner to {2}
    alter table {0} disable trigger all
    alter table {0} add column x text
    alter table {0} rename to x
    alter table {0} rename column {1} to x
    alter table {0} drop column {1}
    alter table {0} alter column {1} set default null
    drop table {0} cascade
    truncate {0} cascade
    drop policy if exists x on {0}
    drop schema tales cascade
    create policy x on {0} using (true)
    create policy x on {0} to {2} with check (true)
    create index on {0} ({1})
    create trigger x before insert on {0} for each row execute function suppress_redundant_updates_trigger()
    create rule x as on insert to {0} do also select 1
    create statistics x on {1}, ctid from {0}
    create schema x
    create view pg_temp.x as select * from {0}
    create table pg_temp.x as select * from {0}
    create table tales.x (like {0})
    create table public.x as select * from {0}
    create materialized view tales.x as select * from {0}
    create function pg_temp.x() returns bigint language sql security definer return (select count(*) from {0})
    create function tales.x() returns trigger language plpgsql as 'begin return null; end'
    create role x superuser
    create extension dblink
    create publication x for all tables
    create event trigger x on ddl_command_start execute function x()
    create temp table stories (id uuid)
    create table pg_temp.x () inherits ({0})
    create cast (text as uuid) with inout
    grant all on {0} to public
    grant {2} to current_user
    revoke all on {0} from {2}
    grant usage on schema tales to public
    alter role current_user bypassrls
    alter role {2} superuser
    alter default privileges grant all on tables to public
    alter function auth.uid() security definer
    alter database current set row_security = off
    alter system set fsync = off
    set role {2}
    set local role {2}
    reassign owned by {2} to current_user
    comment on table {0} is 'x'
    analyze {0}
    reindex table {0}
    cluster {0}
    refresh materialized view {0}
    security label on table {0} is 'x'
    listen x
    notify x
    discard temp
    deallocate all
    checkpoint
    load 'x'
    import foreign schema x from server x into x
""")
_TYPED = {
    "jsonb": ("'{}'::jsonb", "'[]'::jsonb", "'[{\"user_id\": null}]'::jsonb", "null::jsonb"),
    "text": ("'x'", "'dragon'", "null", "''", "'%'"),
    "integer": ("0", "1", "-1", "2147483647", "null"),
    "timestamp with time zone": ("now()", "'infinity'", "null"),
}
_OTHER_VALUES = _lines("""
    null
    default
    0
    1
    'x'
    'pending'
    'success'
    now()
    auth.uid()
    '{}'
    true
    'infinity'
""")
_ENDS = _lines("""
    for update
    for share skip locked
    limit 3
    order by 1 desc
    union all table tales.heroes
""")


def statements(names: Names) -> Text:
    """One statement; most of them may be refused, and some are even syntax errors."""
    # What families have is what others are after.
    one = _relations(names) | st.sampled_from(_FAMILYS) | st.sampled_from(_FAMILYS)
    plain = st.one_of(*(kind(names, one) for kind in (_selects, _inserts, _updates, _deletes, _merges, _copies)))
    return st.one_of(plain, plain, plain, _calls(names), _locks(one), _definitions(names, one), _wrapped(plain))


def _columns(names: Names, relation: str) -> Text:
    return st.sampled_from(names.relations[relation])


def _values(names: Names) -> Text:
    return st.sampled_from([*(f"'{id_}'" for id_ in names.ids), *_OTHER_VALUES * 2])


def _relations(names: Names) -> Text:
    return st.sampled_from(sorted(names.relations))


def _conditions(names: Names, relation: str) -> Text:
    column = _columns(names, relation)
    return st.one_of(
        st.just("true"),
        st.builds("{} = {}".format, column, _values(names)),
        st.builds("pg_temp.tell({}::text)".format, column),
        st.builds(
            "exists (select from {} as other where pg_temp.tell(other::text))".format,
            _relations(names),
        ),
        st.builds("{}::text like '%a%' or 1 / (length({}::text) - 3) > 0".format, column, column),
    )


def _of(one: Text, build: Callable[[str], Text]) -> Text:
    """What `build` makes of one relation or function; built once for each, as that takes longest."""
    return one.flatmap(functools.cache(build))


def _selects(names: Names, one: Text) -> Text:
    def about(relation: str) -> Text:
        every = st.sampled_from(["*", f"{relation}.ctid, *", f"count(*), max({relation}.*::text)"])
        what = every | _columns(names, relation)
        sources = st.one_of(
            st.just(relation),
            _relations(names).map(lambda other: f"{relation}, {other} as other"),
            _relations(names).map(lambda other: f"{relation} full join {other} as other on true"),
            st.sampled_from(_SEEING).map(f"{relation} right join {{}} as other on true".format),
        )
        ends = st.sampled_from(
            [
                "",
                " for update",
                " for share skip locked",
                " limit 3",
                " order by 1 desc",
                " union all table tales.heroes",
            ]
        )
        return st.builds("select {} from {} where {}{}".format, what, sources, _conditions(names, relation), ends)

    return st.one_of(_of(one, about), st.sampled_from(_SEEING).map("select * from {}".format))


def _inserts(names: Names, one: Text) -> Text:
    def about(relation: str) -> Text:
        columns = st.lists(_columns(names, relation), min_size=1, max_size=6, unique=True)
        rows = columns.flatmap(
            lambda chosen: st.tuples(*([_values(names)] * len(chosen))).map(
                lambda row: f"({', '.join(chosen)}) values ({', '.join(row)})"
            )
        )
        copied = _relations(names).map("select * from {}".format)
        column = _columns(names, relation)
        conflicts = st.one_of(
            st.sampled_from(["", " on conflict do nothing"]),
            st.builds(" on conflict ({0}) do update set {1} = excluded.{1}".format, column, column),
        )
        ends = st.sampled_from(["", " returning *"])
        return st.builds(f"insert into {relation} {{}}{{}}{{}}".format, st.one_of(rows, copied), conflicts, ends)

    return _of(one, about)


def _updates(names: Names, one: Text) -> Text:
    def about(relation: str) -> Text:
        return st.builds(
            f"update {relation} set {{}} = {{}} where {{}}{{}}".format,
            _columns(names, relation),
            _values(names),
            _conditions(names, relation),
            st.sampled_from(["", " returning *"]),
        )

    return _of(one, about)


def _deletes(names: Names, one: Text) -> Text:
    def about(relation: str) -> Text:
        ends = st.sampled_from(["", " returning *"])
        return st.builds(f"delete from {relation} where {{}}{{}}".format, _conditions(names, relation), ends)

    return _of(one, about)


def _merges(names: Names, one: Text) -> Text:
    def about(relation: str) -> Text:
        column = _columns(names, relation)
        actions = st.one_of(
            st.just("when matched then delete"),
            st.builds("when matched then update set {} = {}".format, column, _values(names)),
            st.builds(
                "when not matched then insert ({}) values ({})".format, _columns(names, relation), _values(names)
            ),
        )
        return st.builds(
            f"merge into {relation} using {{}} as other on {{}} {{}}".format,
            _relations(names),
            st.sampled_from(["true", "false"]),
            actions,
        )

    return _of(one, about)


def _copies(names: Names, one: Text) -> Text:
    selected = _selects(names, one).map("copy ({}) to stdout".format)
    where = st.sampled_from(["to stdout", "to '/tmp/tales-x'", "to program 'cat'", "from '/etc/passwd'", "from stdin"])
    return st.one_of(selected, st.builds("copy {} {}".format, one, where))


def _calls(names: Names) -> Text:
    def about(function: str) -> Text:
        arguments = [_of_type(names, type_) for type_ in names.functions[function]]
        return st.tuples(*arguments).map(lambda given: f"select * from {function}({', '.join(given)})")

    reading = st.builds(str.format, st.sampled_from(_READING), _relations(names)).map("select {}".format)
    return st.one_of(_of(st.sampled_from(sorted(names.functions)), about), reading)


def _of_type(names: Names, type_: str) -> Text:
    if type_ in _TYPED:
        return st.sampled_from(_TYPED[type_])
    return st.sampled_from([f"'{id_}'" for id_ in names.ids]) | st.sampled_from(["null", "'{}'", "'x'"])


def _locks(one: Text) -> Text:
    modes = st.sampled_from(["access share", "row exclusive", "share", "exclusive", "access exclusive"])
    return st.builds("lock table {} in {} mode nowait".format, one, modes)


def _definitions(names: Names, one: Text) -> Text:
    def about(relation: str) -> Text:
        roles = st.sampled_from(names.roles)
        return st.builds(str.format, st.sampled_from(_DEFINING), st.just(relation), _columns(names, relation), roles)

    return st.one_of(_of(one, about), st.sampled_from(_SETTINGS).map("set {}".format))


def _wrapped(plain: Text) -> Text:
    return st.one_of(
        st.builds("explain (analyze, verbose) {}".format, plain),
        st.builds("with x as ({}) select * from x".format, plain),
        st.builds(
            "do $x$ begin execute $y${}$y$; exception when others then raise notice '%', sqlerrm; end $x$".format, plain
        ),
        st.builds("create temp table x as {}".format, plain),
        st.builds("declare x cursor with hold for {}".format, plain),
        st.builds("prepare x as {}".format, plain),
    )
