"""What depends on a column that 017 drops is found by kind, and its definition is printed."""

from __future__ import annotations

import re

import pytest

from tales.infrastructure.migrations.migrate import current_revision
from tales.infrastructure.migrations.run_step import MigrationFailed
from tales.infrastructure.migrations.steps import newest_revision
from tales.legacy.migrate import MigrationOptions, migrate_up
from tales.legacy.report import Impact, Severity
from tests.fixtures.databases import Database
from tests.legacy.check.looking import look, the_dependent
from tests.legacy.library import add_story, add_user

pytestmark = pytest.mark.sampled(3)

_TRIGGER_FUNCTION = """
    create function tales.note() returns trigger language plpgsql set search_path = '' as $$
    begin return new; end $$
"""

# By kind: how it comes about (the last statement makes it), its name, its columns, its impact.
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
    "rule of a view": (
        (
            "create view tales.titles as select id, title from tales.stories",
            """create rule "Keep" as on update to tales.titles
            do instead update tales.stories set moral = new.title where id = old.id""",
        ),
        '"Keep" on tales.titles',
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
_REMOVED_BY_A_STATEMENT = {"rule", "trigger", "generated column", "constraint", "publication"}


@pytest.mark.parametrize("kind", _KINDS)
def test_each_kind_is_found_with_its_definition(legacy_database: Database, kind: str) -> None:
    statements, name, columns, impact = _KINDS[kind]
    add_story(legacy_database, add_user(legacy_database))
    for statement in statements:
        legacy_database.execute(statement)

    report = look(legacy_database)
    found = the_dependent(report, name)
    assert (found.columns, found.impact) == (columns, impact)
    assert (
        kind.startswith(found.kind)
        or kind.endswith(found.kind)
        or kind in {"unique constraint", "unique index"}
        or (kind.startswith("foreign key") and found.kind == "constraint")
    )
    assert found.advice.endswith(".")
    assert set(columns) <= set(re.findall(r"\w+", found.definition))
    stopping = [dependent for dependent in report.dependents if dependent.impact is Impact.STOPS]
    # A trigger whose function reads what is gone would refuse every story.
    refusing = [finding for finding in report.findings if finding.severity is Severity.PROBLEM]
    assert len(refusing) == (kind == "function of a trigger")
    assert len(report.problems) == len(stopping) + len(refusing)
    assert look(legacy_database, until_expand=True).problems == ()


@pytest.mark.parametrize("kind", [kind for kind, (*_, impact) in _KINDS.items() if impact is Impact.STOPS])
def test_what_stops_the_migration_is_dropped_by_its_name_or_its_statement(legacy_database: Database, kind: str) -> None:
    for statement in _KINDS[kind][0]:
        legacy_database.execute(statement)
    migrate_up(legacy_database.owner_url, options=MigrationOptions(until_expand=True))
    with pytest.raises(MigrationFailed):
        migrate_up(legacy_database.owner_url)

    for found in look(legacy_database).dependents:
        if found.impact is Impact.STOPS:
            assert bool(found.statements) == (found.kind in _REMOVED_BY_A_STATEMENT)
            for statement in found.statements or (f"drop {found.kind} {found.name};",):
                legacy_database.execute(statement)
    assert look(legacy_database).problems == ()
    migrate_up(legacy_database.owner_url)
    assert current_revision(legacy_database.owner_url) == newest_revision()


@pytest.mark.parametrize("kind", [kind for kind, (*_, impact) in _KINDS.items() if impact is not Impact.STOPS])
def test_what_does_not_stop_the_migration_can_be_left_as_it_is(legacy_database: Database, kind: str) -> None:
    add_story(legacy_database, add_user(legacy_database))
    for statement in _KINDS[kind][0]:
        legacy_database.execute(statement)
    assert the_dependent(look(legacy_database), _KINDS[kind][1]).statements == ()
    migrate_up(legacy_database.owner_url)
    assert current_revision(legacy_database.owner_url) == newest_revision()


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
