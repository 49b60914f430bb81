"""The kinds of objects that PostgreSQL notes down as depending on a column: how to find them, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import TextClause, text

from tales.legacy.report import Impact

# A view with its options, which CREATE OR REPLACE would drop, and the indexes of a materialized one.
_VIEWS = text(r"""
    select r.oid, v.oid::regclass::text as name, null as statement,
        format(
            E'CREATE %s %s%s AS\n%s', case v.relkind when 'm' then 'MATERIALIZED VIEW' else 'VIEW' end, v.oid::regclass,
            ' WITH (' || array_to_string(v.reloptions, ', ') || ')', pg_get_viewdef(v.oid)
        ) || coalesce((
            select string_agg(E'\n' || pg_get_indexdef(indexrelid) || ';', '' order by indexrelid)
            from pg_index
            where indrelid = v.oid
        ), '') as definition
    from pg_rewrite as r
    join pg_class as v on v.oid = r.ev_class
    where r.oid = any (:oids) and r.rulename = '_RETURN' and v.relkind = :relkind
        and v.relnamespace is distinct from to_regnamespace('tales_migration')
    order by name
""")
_RULES = text("""
    select oid, format('%I on %s', rulename, ev_class::regclass) as name,
        format('drop rule %I on %s;', rulename, ev_class::regclass) as statement, pg_get_ruledef(oid) as definition
    from pg_rewrite
    where oid = any (:oids) and rulename <> '_RETURN'
    order by name
""")
_POLICIES = text(r"""
    select oid, format('%I on %s', polname, polrelid::regclass) as name, null as statement,
        concat_ws(
            E'\n', 'USING (' || pg_get_expr(polqual, polrelid) || ')',
            'WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')'
        ) as definition
    from pg_policy
    where oid = any (:oids)
    order by name
""")
_TRIGGERS = text("""
    select oid, format('%I on %s', tgname, tgrelid::regclass) as name,
        format('drop trigger %I on %s;', tgname, tgrelid::regclass) as statement, pg_get_triggerdef(oid) as definition
    from pg_trigger
    where oid = any (:oids) and not tgisinternal and tgname <> all (:our_triggers)
    order by name
""")
_GENERATED = text("""
    select d.oid, format('%s.%I', a.attrelid::regclass, a.attname) as name,
        format(
            case a.attgenerated when 's' then 'alter table %s alter column %I drop expression;'
                else 'alter table %s drop column %I;' end, a.attrelid::regclass, a.attname
        ) as statement,
        format(
            '%I %s GENERATED ALWAYS AS (%s) %s', a.attname, format_type(a.atttypid, a.atttypmod),
            pg_get_expr(d.adbin, d.adrelid), case a.attgenerated when 's' then 'STORED' else 'VIRTUAL' end
        ) as definition
    from pg_attrdef as d
    join pg_attribute as a on a.attrelid = d.adrelid and a.attnum = d.adnum
    where d.oid = any (:oids) and a.attgenerated = :storage and a.attname <> all (:moved)
    order by name
""")
# NOT NULL goes with its column and is no loss.
_CONSTRAINTS = text("""
    select oid, format('%I on %s', conname, conrelid::regclass) as name,
        case when conrelid <> to_regclass('tales.stories')
            then format('alter table %s drop constraint %I;', conrelid::regclass, conname) end as statement,
        pg_get_constraintdef(oid) as definition
    from pg_constraint
    where oid = any (:oids) and contype <> 'n' and (conrelid = to_regclass('tales.stories')) = :on_stories
    order by name
""")
_PUBLICATIONS = text("""
    select r.oid, quote_ident(p.pubname) as name,
        format('alter publication %I drop table tales.stories;', p.pubname) as statement,
        concat(
            'TABLE tales.stories', (
                select ' (' || string_agg(quote_ident(a.attname), ', ' order by k.at) || ')'
                from unnest(r.prattrs::smallint[]) with ordinality as k (attnum, at)
                join pg_attribute as a on a.attrelid = r.prrelid and a.attnum = k.attnum
            ), ' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')'
        ) as definition
    from pg_publication_rel as r
    join pg_publication as p on p.oid = r.prpubid
    where r.oid = any (:oids)
    order by name
""")
_FUNCTIONS = text("""
    select oid, oid::regprocedure::text as name, null as statement, pg_get_functiondef(oid) as definition
    from pg_proc
    where oid = any (:oids) and not (pronamespace = to_regnamespace('tales') and proname = any (:our_functions))
    order by name
""")
_INDEXES = text("""
    select indexrelid as oid, indexrelid::regclass::text as name, null as statement,
        pg_get_indexdef(indexrelid) as definition
    from pg_index
    where indexrelid = any (:oids)
    order by name
""")
_STATISTICS = text("""
    select oid, format('%I.%I', stxnamespace::regnamespace::text, stxname) as name, null as statement,
        pg_get_statisticsobjdef(oid) as definition
    from pg_statistic_ext
    where oid = any (:oids)
    order by name
""")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind, by the catalog whose objects depend on columns."""

    name: str
    catalog: str
    impact: Impact
    advice: str
    query: TextClause
    """Among `:oids`: oid, name, definition, and what removes the obstacle without losing data, or NULL."""


VIEWS = (
    Kind(
        "view",
        "pg_rewrite",
        Impact.STOPS,
        "After `up --until expand`, replace it with one that joins tales.generations; if clients write through it, it "
        "needs an INSTEAD OF trigger then.",
        _VIEWS.bindparams(relkind="v"),
    ),
    Kind(
        "materialized view",
        "pg_rewrite",
        Impact.STOPS,
        "After `up --until expand`, drop it and create it again with a join to tales.generations, with its indexes and "
        "grants.",
        _VIEWS.bindparams(relkind="m"),
    ),
)
KINDS = (
    *VIEWS,
    Kind("rule", "pg_rewrite", Impact.STOPS, "Drop it, and create it again without these columns.", _RULES),
    Kind(
        "policy",
        "pg_policy",
        Impact.STOPS,
        "After `up --until expand`, alter it to look these columns up in tales.generations, which the roles that it "
        "applies to must be allowed to read.",
        _POLICIES,
    ),
    Kind(
        "trigger",
        "pg_trigger",
        Impact.STOPS,
        "Drop it, and create it on tales.generations if its function finds there what it reads.",
        _TRIGGERS,
    ),
    Kind(
        "generated column",
        "pg_attrdef",
        Impact.STOPS,
        "Make it an ordinary column, which keeps its values and is NULL in new stories; tales.generations can have it "
        "if all that it reads is there.",
        _GENERATED.bindparams(storage="s"),
    ),
    Kind(
        "generated column",
        "pg_attrdef",
        Impact.STOPS,
        "Drop it: it is computed when it is read, and stores nothing.",
        _GENERATED.bindparams(storage="v"),
    ),
    Kind(
        "constraint",
        "pg_constraint",
        Impact.STOPS,
        "Drop it: it references a column that is dropped.",
        _CONSTRAINTS.bindparams(on_stories=False),
    ),
    Kind(
        "publication",
        "pg_publication_rel",
        Impact.STOPS,
        "When its subscribers can do without these columns, drop the table from it and add it again without them.",
        _PUBLICATIONS,
    ),
    Kind(
        "function",
        "pg_proc",
        Impact.STOPS,
        "After `up --until expand`, replace it with one that reads these columns from tales.generations, or drop it.",
        _FUNCTIONS,
    ),
    Kind(
        "constraint",
        "pg_constraint",
        Impact.LOST,
        "Add it to tales.generations as NOT VALID if all its columns are there; not a unique one, because failed "
        "attempts are there as well.",
        _CONSTRAINTS.bindparams(on_stories=True),
    ),
    Kind(
        "index",
        "pg_class",
        Impact.LOST,
        "Create it on tales.generations if all its columns are there; not a unique one, because failed attempts are "
        "there as well.",
        _INDEXES,
    ),
    Kind(
        "statistics",
        "pg_statistic_ext",
        Impact.LOST,
        "Create them on tales.generations if all their columns are there.",
        _STATISTICS,
    ),
)

FOLLOWING = (
    "It reads {through}: it stays as it is when that is replaced, and has to be created again when that is dropped."
)
NAMED_IN_TEXT = "Its text names these columns, and may fail when it runs: read them from tales.generations."
NAMED_IN_TRIGGER = (
    "Its text names these columns, and every write to stories that fires its trigger may fail: read them from "
    "tales.generations."
)
