"""The definitions that the preflight prints of what depends on dropped columns, as PostgreSQL writes them."""

from __future__ import annotations

import pytest

from tales.legacy.migrate import MigrationOptions, migrate_up
from tales.legacy.report import MOVED_COLUMNS_JOIN, Impact
from tests.fixtures.databases import Database
from tests.legacy.check.looking import look, the_dependent, unqualified
from tests.legacy.library import add_story, add_user

pytestmark = pytest.mark.sampled(3)

_QUOTED = {
    "view": (
        'create view tales."Story ""View""" with (security_invoker = true) as select id, moral from tales.stories',
        'tales."Story ""View"""',
        """CREATE VIEW tales."Story ""View\""" WITH (security_invoker=true) AS
 SELECT id,
    moral
   FROM tales.stories;""",
    ),
    "policy": (
        """create policy "kind ""ones\""" on tales.stories for update using (moral = 'kind') with check (true)""",
        '"kind ""ones""" on tales.stories',
        """USING ((moral = 'kind'::text))\nWITH CHECK (true)""",
    ),
    "trigger": (
        """create trigger "On Moral" before update of moral on tales.stories
        for each row execute function suppress_redundant_updates_trigger()""",
        '"On Moral" on tales.stories',
        (
            'CREATE TRIGGER "On Moral" BEFORE UPDATE OF moral ON tales.stories '
            "FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
        ),
    ),
    "rule": (
        """create rule "My Rule" as on update to tales.stories where new.moral = 'none' do also nothing""",
        '"My Rule" on tales.stories',
        """CREATE RULE "My Rule" AS
    ON UPDATE TO tales.stories
   WHERE (new.moral = 'none'::text) DO NOTHING;""",
    ),
    "generated column": (
        'alter table tales.stories add column "Words" integer generated always as (length(moral)) stored',
        'tales.stories."Words"',
        '"Words" integer GENERATED ALWAYS AS (length(moral)) STORED',
    ),
    "publication": (
        """create publication "Told" for table tales.stories (id, moral) where (moral = 'kind')
        with (publish = insert)""",
        '"Told"',
        "TABLE tales.stories (id, moral) WHERE ((moral = 'kind'::text))",
    ),
    "function": (
        """create function tales."Count"() returns bigint language sql
        begin atomic select count(moral) from tales.stories; end""",
        'tales."Count"()',
        """CREATE OR REPLACE FUNCTION tales."Count"()
 RETURNS bigint
 LANGUAGE sql
BEGIN ATOMIC
 SELECT count(stories.moral) AS count
    FROM tales.stories;
END""",
    ),
    "function that is text": (
        """create function tales."Longest"() returns text language sql as 'select max(moral) from tales.stories'""",
        'tales."Longest"()',
        """CREATE OR REPLACE FUNCTION tales."Longest"()
 RETURNS text
 LANGUAGE sql
AS $function$select max(moral) from tales.stories$function$""",
    ),
    "constraint": (
        'alter table tales.stories add constraint "Short" check (length(moral) < 1000) not valid',
        '"Short" on tales.stories',
        "CHECK ((length(moral) < 1000)) NOT VALID",
    ),
    "index": (
        """create index "Odd ""Index\""" on tales.stories (lower(moral)) where story_type = 'child'""",
        'tales."Odd ""Index"""',
        'CREATE INDEX "Odd ""Index""" ON tales.stories USING btree (lower(moral)) WHERE (story_type = \'child\'::text)',
    ),
    "statistics": (
        'create statistics tales."Both" on model_used, story_type from tales.stories',
        'tales."Both"',
        'CREATE STATISTICS tales."Both" ON model_used, story_type FROM tales.stories',
    ),
}


@pytest.mark.parametrize("kind", _QUOTED)
def test_a_definition_has_its_names_quoted(legacy_database: Database, kind: str) -> None:
    statement, name, definition = _QUOTED[kind]
    legacy_database.execute(statement)
    assert unqualified(the_dependent(look(legacy_database), name).definition) == unqualified(definition)


def test_a_materialized_view_is_printed_with_its_indexes(legacy_database: Database) -> None:
    legacy_database.execute("create materialized view tales.models as select model_used from tales.stories")
    legacy_database.execute('create unique index "By Model" on tales.models (model_used)')
    lines = the_dependent(look(legacy_database), "tales.models").definition.splitlines()
    assert lines[0] == "CREATE MATERIALIZED VIEW tales.models AS"
    assert lines[-1] == 'CREATE UNIQUE INDEX "By Model" ON tales.models USING btree (model_used);'


def test_a_column_that_is_computed_when_read_can_be_dropped(legacy_database: Database) -> None:
    with legacy_database.connect() as connection:
        if connection.info.server_version < 180000:
            pytest.skip("PostgreSQL 18 brought virtual columns")
    legacy_database.execute(
        "alter table tales.stories add column words integer generated always as (length(moral)) virtual"
    )
    found = the_dependent(look(legacy_database), "tales.stories.words")
    assert found.definition == "words integer GENERATED ALWAYS AS (length(moral)) VIRTUAL"
    assert found.statements == ("alter table tales.stories drop column words;",)


def test_views_over_views_say_what_they_read(legacy_database: Database) -> None:
    for statement in (
        "create materialized view tales.kept as select moral from tales.stories",
        'create view tales."order" with (security_barrier = true) as select * from tales.kept',
        'create materialized view public.counts as select count(*) from tales."order"',
    ):
        legacy_database.execute(statement)
    report = look(legacy_database)
    following = {d.name: (d.kind, d.columns) for d in report.dependents if d.impact is Impact.FOLLOWS}
    assert following == {'tales."order"': ("view", ()), "public.counts": ("materialized view", ())}
    found = the_dependent(report, 'tales."order"')
    assert found.advice.startswith("It reads tales.kept:")
    assert unqualified(found.definition).startswith(
        'CREATE VIEW tales."order" WITH (security_barrier=true) AS\n SELECT moral'
    )
    assert the_dependent(report, "public.counts").advice.startswith('It reads tales."order":')


def test_a_view_that_joins_generations_shows_the_same_before_and_after_the_migration(legacy_database: Database) -> None:
    user = add_user(legacy_database)
    for moral in ("kindness", "courage", None):
        add_story(legacy_database, user, moral=moral or "patience")
    legacy_database.execute("create view public.told as select id, title, moral from tales.stories")
    legacy_database.execute("create view public.morals (lesson) as select distinct moral from public.told")
    queries = [f"select * from public.{view} order by 1" for view in ("told", "morals")]
    before = [legacy_database.rows(query) for query in queries]

    migrate_up(legacy_database.owner_url, options=MigrationOptions(until_expand=True))
    legacy_database.execute(
        "create or replace view public.told as "
        f"select s.id, s.title, g.moral from tales.stories as s join {MOVED_COLUMNS_JOIN}"
    )
    assert look(legacy_database).dependents == ()
    migrate_up(legacy_database.owner_url)
    assert [legacy_database.rows(query) for query in queries] == before
