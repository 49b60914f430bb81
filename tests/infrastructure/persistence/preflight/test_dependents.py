"""What depends on a column that 017 drops: found by kind, and mended by the statements that are given."""

from __future__ import annotations

import pytest

from tales.application.migration_report import Impact, Severity
from tales.infrastructure.persistence.migration.migrate import (
    MigrationFailed,
    MigrationOptions,
    current_revision,
    migrate_up,
    newest_revision,
)
from tests.fixtures.databases import Database
from tests.infrastructure.persistence.legacy import add_story, add_user
from tests.infrastructure.persistence.preflight.looking import look, the_dependent

_TRIGGER_FUNCTION = """
    create function tales.note() returns trigger language plpgsql set search_path = '' as $$
    begin return new; end $$
"""

# By kind: how it comes about (the last statement makes it), its name, its columns, what becomes of it.
_KINDS: dict[str, tuple[tuple[str, ...], str, tuple[str, ...], Impact]] = {
    "view": (
        ('create view tales."Story ""View""" with (security_invoker = true) as select id, moral from tales.stories',),
        'tales."Story ""View"""',
        ("moral",),
        Impact.STOPS,
    ),
    "view with an alias and a join": (
        (
            """create view public.told as select c.name, s.* from tales.children as c
            left join tales.stories as s on s.child_id = c.id""",
        ),
        "public.told",
        (
            *("full_response", "generation_info", "hero_appearance", "model_used", "moral", "relationship_description"),
            *("story_length", "story_type"),
        ),
        Impact.STOPS,
    ),
    "materialized view": (
        (
            """create materialized view tales.models as
            select model_used, count(*) as stories from tales.stories group by model_used""",
            'create unique index "By Model" on tales.models (model_used)',
        ),
        "tales.models",
        ("model_used",),
        Impact.STOPS,
    ),
    "rule": (
        ("create rule watch as on update to tales.stories where new.moral = 'none' do also nothing",),
        "watch on tales.stories",
        ("moral",),
        Impact.STOPS,
    ),
    "policy": (
        (
            '''create policy "kind ""ones""" on tales.stories for select to anon
            using (moral = 'moral' and stories.story_type = 'child')''',
        ),
        '"kind ""ones""" on tales.stories',
        ("moral", "story_type"),
        Impact.STOPS,
    ),
    "policy of another table": (
        (
            """create policy told on tales.children for select to anon using (
            exists (select from tales.stories as s where s.child_id = children.id and s.moral = 'kindness'))""",
        ),
        "told on tales.children",
        ("moral",),
        Impact.STOPS,
    ),
    "trigger for a column": (
        (
            _TRIGGER_FUNCTION,
            """create trigger "On Moral" before update of moral on tales.stories
            for each row execute function tales.note()""",
        ),
        '"On Moral" on tales.stories',
        ("moral",),
        Impact.STOPS,
    ),
    "trigger with a condition": (
        (
            _TRIGGER_FUNCTION,
            """create trigger on_moral after update on tales.stories for each row
            when (new.moral is distinct from old.moral and new.title <> '') execute function tales.note()""",
        ),
        "on_moral on tales.stories",
        ("moral",),
        Impact.STOPS,
    ),
    "generated column": (
        ('alter table tales.stories add column "Words" integer generated always as (length(moral)) stored',),
        'tales.stories."Words"',
        ("moral",),
        Impact.STOPS,
    ),
    "generated column of two tables": (
        ("alter table tales.stories add column both_words text generated always as (title || moral) stored",),
        "tales.stories.both_words",
        ("moral",),
        Impact.STOPS,
    ),
    "constraint": (
        ("alter table tales.stories add constraint short_moral check (length(moral) < 1000)",),
        "short_moral on tales.stories",
        ("moral",),
        Impact.LOST,
    ),
    "constraint of two tables": (
        ("alter table tales.stories add constraint no_echo check (moral <> title)",),
        "no_echo on tales.stories",
        ("moral",),
        Impact.LOST,
    ),
    "unique constraint": (
        ("alter table tales.stories add constraint one_moral unique (user_id, moral)",),
        "one_moral on tales.stories",
        ("moral",),
        Impact.LOST,
    ),
    "foreign key": (
        (
            "create table tales.known_models (name text primary key)",
            "insert into tales.known_models values ('openai/gpt-4o-mini')",
            "alter table tales.stories add constraint known foreign key (model_used) references tales.known_models",
        ),
        "known on tales.stories",
        ("model_used",),
        Impact.LOST,
    ),
    "foreign key of another table": (
        (
            "alter table tales.stories add constraint one_moral unique (moral)",
            "create table tales.lessons (moral text constraint taught references tales.stories (moral))",
        ),
        "taught on tales.lessons",
        ("moral",),
        Impact.STOPS,
    ),
    "publication with a list of columns": (
        ("create publication told for table tales.stories (id, moral)",),
        "told",
        ("moral",),
        Impact.STOPS,
    ),
    "publication with a filter": (
        ("create publication told for table tales.stories where (moral = 'kindness') with (publish = 'insert')",),
        "told",
        ("moral",),
        Impact.STOPS,
    ),
    "function that is parsed": (
        (
            """create function tales.count_moral(wanted text) returns bigint language sql stable
            begin atomic select count(*) from tales.stories where moral = wanted; end""",
        ),
        "tales.count_moral(text)",
        ("moral",),
        Impact.STOPS,
    ),
    "function that is text": (
        (
            """create function public.longest() returns text language sql stable
            as 'select moral from tales.stories order by length(moral) desc limit 1'""",
        ),
        "public.longest()",
        ("moral",),
        Impact.FAILS,
    ),
    "function of a row": (
        ("create function tales.lesson(tales.stories) returns text language sql stable as 'select $1.moral'",),
        "tales.lesson(tales.stories)",
        ("moral",),
        Impact.FAILS,
    ),
    "function of a trigger": (
        (
            """create function tales.shout() returns trigger language plpgsql as
            'begin new.moral := upper(new.moral); return new; end'""",
            "create trigger shout before insert on tales.stories for each row execute function tales.shout()",
        ),
        "tales.shout()",
        ("moral",),
        Impact.FAILS,
    ),
    "index": (
        ('create index "Odd ""Index""" on tales.stories (moral)',),
        'tales."Odd ""Index"""',
        ("moral",),
        Impact.LOST,
    ),
    "index with an expression": (
        ("create index stories_moral_idx on tales.stories (lower(moral)) where story_type = 'child'",),
        "tales.stories_moral_idx",
        ("moral", "story_type"),
        Impact.LOST,
    ),
    "index like one of ours": (
        ("create index stories_model_used_idx on tales.stories (model_used)",),
        "tales.stories_model_used_idx",
        ("model_used",),
        Impact.LOST,
    ),
    "index on JSONB": (
        ("create index stories_response_idx on tales.stories using gin (full_response jsonb_path_ops)",),
        "tales.stories_response_idx",
        ("full_response",),
        Impact.LOST,
    ),
    "index of two tables": (
        ("create index stories_both_idx on tales.stories (title) include (moral)",),
        "tales.stories_both_idx",
        ("moral",),
        Impact.LOST,
    ),
    "unique index": (
        ("create unique index stories_once_idx on tales.stories (user_id, moral)",),
        "tales.stories_once_idx",
        ("moral",),
        Impact.LOST,
    ),
    "statistics": (
        ("create statistics tales.together on model_used, story_type from tales.stories",),
        "tales.together",
        ("model_used", "story_type"),
        Impact.LOST,
    ),
}
_NOTHING_TAKES_ITS_PLACE = {
    *("constraint of two tables", "unique constraint", "index of two tables"),
    *("function that is text", "function of a row", "function of a trigger"),
}


@pytest.mark.parametrize("kind", _KINDS)
def test_each_kind_is_found_and_mended(legacy_database: Database, kind: str) -> None:
    statements, name, columns, fate = _KINDS[kind]
    add_story(legacy_database, add_user(legacy_database))
    for statement in statements:
        legacy_database.execute(statement)

    report = look(legacy_database)
    found = the_dependent(report, name)
    assert (found.columns, found.fate) == (columns, fate)
    assert (
        kind.startswith(found.kind)
        or kind.endswith(found.kind)
        or kind in {"unique constraint", "unique index"}
        or (kind.startswith("foreign key") and found.kind == "constraint")
    )
    assert found.advice
    stopping = [dependent for dependent in report.dependents if dependent.fate is Impact.STOPS]
    # A trigger whose function reads what is gone would refuse every story.
    refusing = [finding for finding in report.findings if finding.severity is Severity.PROBLEM]
    assert len(refusing) == (kind == "function of a trigger")
    assert len(report.problems) == len(stopping) + len(refusing)
    assert look(legacy_database, until_expand=True).problems == ()

    migrate_up(legacy_database.owner_url, options=MigrationOptions(until_expand=True))
    if fate is Impact.STOPS:
        with pytest.raises(MigrationFailed):
            migrate_up(legacy_database.owner_url)
    if kind in _NOTHING_TAKES_ITS_PLACE:
        assert found.statements == ()
    for mended in (*look(legacy_database).dependents, *refusing):
        for statement in mended.statements:
            legacy_database.execute(statement)
    assert look(legacy_database).problems == ()
    migrate_up(legacy_database.owner_url)
    assert current_revision(legacy_database.owner_url) == newest_revision()


def test_a_column_that_is_computed_when_read_holds_nothing(legacy_database: Database) -> None:
    with legacy_database.connect() as connection:
        if connection.info.server_version < 180000:
            pytest.skip("PostgreSQL 18 brought virtual columns")
    legacy_database.execute(
        "alter table tales.stories add column words integer generated always as (length(moral)) virtual"
    )
    migrate_up(legacy_database.owner_url, options=MigrationOptions(until_expand=True))
    for statement in the_dependent(look(legacy_database), "tales.stories.words").statements:
        legacy_database.execute(statement)
    migrate_up(legacy_database.owner_url)
    assert legacy_database.rows("select words from tales.generations") == []


def test_views_show_the_same_after_the_migration(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    for moral in ("kindness", "courage", None):
        add_story(legacy_database, user, moral=moral or "patience")
    legacy_database.execute(
        "create view public.told as select *, row_to_json(s) ->> 'moral' as again from tales.stories as s"
    )
    legacy_database.execute("create view public.morals (lesson) as select distinct moral from public.told")
    legacy_database.execute(
        "create materialized view public.kept as select moral, count(*) from public.told group by 1"
    )
    queries = [f"select * from public.{view} order by 1" for view in ("told", "morals", "kept")]
    before = [legacy_database.rows(query) for query in queries]

    report = look(legacy_database)
    assert [(d.name, d.fate) for d in report.dependents if d.fate is Impact.FOLLOWS] == [
        ("public.kept", Impact.FOLLOWS),
        ("public.morals", Impact.FOLLOWS),
    ]
    migrate_up(legacy_database.owner_url, options=MigrationOptions(until_expand=True))
    for statement in the_dependent(look(legacy_database), "public.told").statements:
        legacy_database.execute(statement)
    migrate_up(legacy_database.owner_url)
    legacy_database.execute("refresh materialized view public.kept")
    assert [legacy_database.rows(query) for query in queries] == before


def test_what_reads_a_materialized_view_is_dropped_and_made_again(legacy_database: Database) -> None:
    legacy_database.execute("create materialized view tales.kept as select moral from tales.stories")
    legacy_database.execute('create view tales."order" with (security_barrier = true) as select * from tales.kept')
    drop, create = the_dependent(look(legacy_database), 'tales."order"').statements
    assert drop == 'drop view tales."order";'
    assert create.startswith('create view tales."order" with (security_barrier=true) as')


def test_what_does_more_than_to_read_is_left_to_its_author(legacy_database: Database) -> None:
    legacy_database.execute(
        "create function tales.praise() returns void language sql"
        " begin atomic update tales.stories set moral = upper(moral); end"
    )
    found = the_dependent(look(legacy_database), "tales.praise()")
    assert (found.fate, found.statements) == (Impact.STOPS, ())
    legacy_database.execute("create view tales.few as select moral from only tales.stories")
    assert the_dependent(look(legacy_database), "tales.few").statements == ()


def test_a_policy_reads_the_same_after_the_migration(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    kind = add_story(legacy_database, user, moral="moral")
    add_story(legacy_database, user, moral="courage")
    legacy_database.execute("grant select on tales.stories to anon")
    legacy_database.execute("grant usage on schema tales to anon")
    legacy_database.execute("create policy shown on tales.stories for select to anon using (moral = 'moral')")
    report = look(legacy_database)
    migrate_up(legacy_database.owner_url, options=MigrationOptions(until_expand=True))
    for statement in the_dependent(report, "shown on tales.stories").statements:
        legacy_database.execute(statement)
    # Whoever passes a policy reads what it looks at.
    legacy_database.execute("create policy shown on tales.generations for select to anon using (true)")
    legacy_database.execute("grant select on tales.generations to anon")
    migrate_up(legacy_database.owner_url)
    with legacy_database.connect() as connection:
        connection.execute("set role anon")
        assert connection.execute("select id from tales.stories").fetchall() == [{"id": kind}]


def test_what_is_beside_ours_and_stays_is_named(legacy_database: Database) -> None:
    for statement in (
        'create index "Titles" on tales.stories (title)',
        _TRIGGER_FUNCTION,
        "create trigger noting before update on tales.heroes for each row execute function tales.note()",
        "create policy seen on tales.children for select to anon using (age > 3)",
        "create view tales.titles as select title from tales.stories",
        "create index goes on tales.stories (moral)",
    ):
        legacy_database.execute(statement)
    kept = {(thing.kind, thing.name) for thing in look(legacy_database).unaffected}
    assert kept == {
        ("index", 'tales."Titles"'),
        ("trigger", "noting on tales.heroes"),
        ("policy", "seen on tales.children"),
        ("view", "tales.titles"),
    }


def test_a_function_that_speaks_of_something_else_is_left_alone(legacy_database: Database) -> None:
    legacy_database.execute("create function public.moral() returns text language sql as $$ select 'moral'::text $$")
    legacy_database.execute(
        "create function public.titles() returns setof text language sql as $$ select title from tales.stories $$"
    )
    assert look(legacy_database).dependents == ()
