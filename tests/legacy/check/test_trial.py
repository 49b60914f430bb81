"""`check` tries what the service writes, takes it back, and names what is in its way with a statement that mends it."""

from __future__ import annotations

import pytest

from tales.legacy.migrate import MigrationOptions, migrate_up
from tales.legacy.report import Finding, Report, Severity
from tests.fixtures.databases import Database
from tests.legacy.check.looking import findings, look, the_finding
from tests.legacy.check.writes import CHANGED, HARMLESS, RAISE, REFUSED, trigger
from tests.legacy.concurrency import stop_at
from tests.legacy.library import add_family, add_story, add_user, stories

pytestmark = pytest.mark.sampled(3)

_OF_TRIAL = ("write_refused", "write_changed", "write_lost", "event_trigger_refuses", "writes_not_tried")


@pytest.fixture
def told(legacy_database: Database) -> Database:
    """A legacy database with a family, a story, and nothing in the way."""
    user = add_user(legacy_database)
    add_story(legacy_database, user, child_id=add_family(legacy_database, "children", user), title="Secret1")
    return legacy_database


def _run(database: Database, statements: tuple[str, ...]) -> None:
    for statement in statements:
        database.execute(statement)


def _of_trial(report: Report) -> list[Finding]:
    return [finding for name in _OF_TRIAL for finding in findings(report, name)]


def _mended(database: Database, report: Report, name: str, words: str, expected: Severity = Severity.PROBLEM) -> None:
    """The one finding of the trial says these words, and its statements mend it."""
    (finding,) = _of_trial(report)
    assert (finding.name, finding.severity) == (name, expected)
    assert words in finding.sentence
    assert "Secret" not in finding.sentence
    assert (finding.sentence in report.problems) == (expected is Severity.PROBLEM)
    _run(database, finding.statements)
    assert _of_trial(look(database)) == []


@pytest.mark.parametrize("kind", REFUSED)
def test_what_refuses_a_row_of_the_service_is_named_and_mended_by_its_statement(told: Database, kind: str) -> None:
    statements, words = REFUSED[kind]
    _run(told, statements)
    _mended(told, look(told), "write_refused", f"The {words} refuses")


def test_what_only_the_service_meets_stops_nothing_before_the_old_columns_go(told: Database) -> None:
    _run(told, REFUSED["a trigger that fails"][0])
    report = look(told, until_expand=True)
    assert (the_finding(report, "write_refused").severity, report.problems) == (Severity.WARNING, ())


@pytest.mark.parametrize("kind", CHANGED)
def test_what_changes_or_loses_a_row_without_an_error_is_named_and_mended(told: Database, kind: str) -> None:
    statements, name, words = CHANGED[kind]
    _run(told, statements)
    before = stories(told)
    report = look(told)
    assert "trigger t on tales.stories" in report.problems[0]
    assert stories(told) == before
    _mended(told, report, name, words)


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_the_old_application_relies_on_and_changes_nothing_of_the_service_is_let_be(
    told: Database, kind: str
) -> None:
    _run(told, HARMLESS[kind])
    assert _of_trial(look(told)) == []


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("column_type", "alter table tales.stories alter column title type varchar(20)"),
        ("unique_index", "alter table tales.stories add constraint one_title unique (user_id, title)"),
        ("unique_index", "create unique index one_name on tales.children (user_id, lower(name))"),
        ("check_refuses", "alter table tales.stories add check (char_length(content) <= 1000)"),
        ("check_refuses", "alter table tales.heroes add check (char_length(name) <= 20)"),
        ("column_type", "alter table tales.children alter column interests type varchar(20)[]"),
        (
            "foreign_key_rule",
            (
                "alter table tales.stories drop constraint stories_child_id_fkey, "
                "add foreign key (child_id) references tales.children (id)"
            ),
        ),
        ("rule", "create rule nothing as on insert to tales.heroes do instead nothing"),
    ],
)
def test_what_the_catalog_says_is_not_told_twice(told: Database, name: str, statement: str) -> None:
    told.execute(statement)
    report = look(told)
    assert report.problems == (the_finding(report, name).sentence,)
    assert _of_trial(report) == []


@pytest.mark.parametrize("event", ["ddl_command_start", "ddl_command_end", "sql_drop"])
def test_an_event_trigger_that_would_stop_the_migration_is_named(told: Database, event: str) -> None:
    told.execute(
        "create function public.guard() returns event_trigger language plpgsql as $$ begin"
        " if tg_tag ~ 'TABLE' then raise exception 'ask first'; end if; end $$"
    )
    told.execute(f"create event trigger watch on {event} execute function public.guard()")
    _mended(told, look(told), "event_trigger_refuses", "The event trigger watch refuses what the migrations define")


def test_an_event_trigger_that_only_looks_on_is_let_be(told: Database) -> None:
    told.execute("create function public.look() returns event_trigger language plpgsql as 'begin end'")
    told.execute("create event trigger onlooker on ddl_command_end execute function public.look()")
    assert _of_trial(look(told)) == []


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (trigger(RAISE), "trigger t on tales.stories refuses"),
        (
            trigger("begin new.user_id := auth.uid(); return new; end"),
            "trigger t on tales.stories gives a story with the shortest title and text other values",
        ),
        (
            ("alter table tales.children add constraint few exclude using btree (name with =)",),
            "exclusion constraint few on tales.children refuses",
        ),
        (
            ("alter table tales.stories add constraint five check (length(title) < 50)",),
            "check five on tales.stories refuses",
        ),
    ],
    ids=["a trigger", "a changed user", "an exclusion constraint", "a check"],
)
@pytest.mark.parametrize("place", ["in the middle", "after"])
def test_the_services_own_functions_are_tried_where_they_are(
    told: Database, place: str, statements: tuple[str, ...], words: str
) -> None:
    migrate_up(told.owner_url, options=MigrationOptions(until_expand=place == "in the middle"))
    _run(told, statements)
    report = look(told)
    if words.startswith("check") and place == "in the middle":
        # The catalog says so as long as there is something to move.
        assert report.problems == (the_finding(report, "check_refuses").sentence,)
        assert _of_trial(report) == []
    else:
        _mended(told, report, "write_refused", words)


@pytest.mark.parametrize("step", ["copy", "link", "constrain", "verify"])
def test_a_move_that_was_interrupted_is_no_reason_for_a_refusal(told: Database, step: str) -> None:
    stop_at(told, step)
    assert _of_trial(look(told)) == []
    _run(told, CHANGED["a trigger that takes the user of the session"][0])
    finding = the_finding(look(told), "write_changed")
    assert "trigger t on tales.stories" in finding.sentence
    _run(told, finding.statements)
    migrate_up(told.owner_url)
    assert _of_trial(look(told)) == []


def test_after_the_move_a_column_that_the_service_does_not_know_is_named(told: Database) -> None:
    migrate_up(told.owner_url)
    told.execute("alter table tales.stories add column audio text not null default 'x'")
    told.execute("alter table tales.stories alter column audio drop default")
    _mended(told, look(told), "write_refused", "The column audio of tales.stories refuses")


def test_after_the_move_a_column_that_became_too_narrow_is_named(told: Database) -> None:
    migrate_up(told.owner_url)
    told.execute("alter table tales.heroes alter column appearance type varchar(100)")
    _mended(told, look(told), "write_refused", "The column appearance of tales.heroes refuses")


def test_after_the_move_a_key_that_keeps_a_hero_from_being_deleted_is_named(told: Database) -> None:
    migrate_up(told.owner_url)
    told.execute(
        "alter table tales.stories drop constraint stories_hero_id_fkey,"
        " add constraint kept foreign key (hero_id) references tales.heroes (id) on delete restrict"
    )
    _mended(told, look(told), "write_refused", "The foreign key kept of tales.stories refuses the deletion of a hero")
    # It is a key still.
    assert told.rows("select from pg_constraint where conname = 'stories_hero_id_fkey' and confdeltype = 'n'")


def test_after_the_move_a_right_that_was_taken_away_is_named(told: Database) -> None:
    migrate_up(told.owner_url)
    told.execute("revoke insert on tales.stories from service_role")
    _mended(told, look(told), "write_refused", "The lack of a right refuses")


def test_what_an_old_column_refuses_goes_with_it(told: Database) -> None:
    told.execute("create unique index one_moral on tales.stories (moral, user_id)")
    report = look(told)
    (finding,) = _of_trial(report)
    assert (finding.severity, report.problems) == (Severity.WARNING, ())
    assert "until they are dropped" in finding.sentence
    migrate_up(told.owner_url)
    assert _of_trial(look(told)) == []


def test_a_column_whose_values_cannot_be_made_up_leaves_the_rest_tried(told: Database) -> None:
    told.execute("alter table tales.heroes add column shield text unique check (shield like 'shield %')")
    told.execute("insert into tales.heroes (name, shield) values ('Ida', 'shield 1')")
    told.execute("alter table tales.heroes alter column shield set not null")
    _run(told, trigger(RAISE))
    report = look(told)
    assert "shield" in the_finding(report, "writes_not_tried").sentence
    assert the_finding(report, "write_refused").severity is Severity.PROBLEM


def test_nothing_is_kept_of_it_in_any_place(told: Database) -> None:
    for place in (None, True, False):
        if place is not None:
            migrate_up(told.owner_url, options=MigrationOptions(until_expand=place))
        counts = "select * from " + ", ".join(
            f"(select count(*) as {table} from tales.{table}) as of_{table}"
            for table in ("stories", "children", "heroes", *(["generations"] if place is not None else []))
        )
        users = "select count(*) from auth.users"
        before = told.rows(counts), told.rows(users)
        look(told)
        assert (told.rows(counts), told.rows(users)) == before
