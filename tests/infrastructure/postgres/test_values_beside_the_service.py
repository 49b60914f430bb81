"""The tables take from a user, in plain SQL, what the API takes, and no more; the numbers are the domain's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tales.domain.checks import checked_text
from tales.domain.errors import InvalidInput
from tales.domain.family import MAX_AGE, MAX_APPEARANCE, MAX_INTEREST, MAX_INTERESTS, MAX_NAME
from tales.domain.story import BEST_RATING
from tales.domain.story_spec import MAX_MINUTES, MAX_MORAL, MAX_RELATIONSHIP
from tales.domain.titles import MAX_TITLE
from tests.domain.test_invisible import ENGLAND, HIDING
from tests.fixtures.actors import SERVICE, acting, refused, user
from tests.fixtures.databases import copy_of
from tests.fixtures.rows import THEN, Connection, add_user, attempt, change, child, ended, hero, insert, story
from tests.fixtures.server import Server

LINES = {
    ("children", "name"): MAX_NAME,
    ("children", "gender"): MAX_NAME,
    ("heroes", "name"): MAX_NAME,
    ("heroes", "appearance"): MAX_APPEARANCE,
    ("stories", "title"): MAX_TITLE,
    ("generations", "moral"): MAX_MORAL,
    ("generations", "relationship_description"): MAX_RELATIONSHIP,
    ("generations", "hero_appearance"): MAX_APPEARANCE,
}
"""What is one line, and how many characters it may have."""

MAX_CONTENT = 200_000
"""Characters of a text that comes from a user: no API takes one. A search reads as many (026)."""

NO_LINES = ("", " ", "\u200b", "\u00a0\u2003", "two\nlines", "a\ttab", "a bell\x07", "\x1b[2J", "\x7f", "\x85")
HIDDEN = (
    *("Mi\u00ada", "Mi\u034fa", "Mi\u061ca", "Mi\u115fa", "Mia\u200b", "Mia\u200e", "\u202eaiM\u202c"),
    *("\u2067Mia\u2069", "Mi\u2060a", "Mi\u3164a", "\ufeffMia", "Mi\uffa0a", "Mi\ufff9a", "Mi\U000e0fffa"),
    "Mia\U000e006f\U000e0062",
    *("Mi\u200da", "ع\u200c\u200cر", "葛\U000e0100\U000e0101", "\ufe0f", "\u200d", "\U0001f3f4\U000e006f\U000e007f"),
)
"""Texts with what nobody sees and no script needs."""
SEEN = ("Zoë 👩\u200d🚀", "علی\u200cرضا", "രാജന്\u200d", "❤\ufe0f\u200d🔥", "1\ufe0f\u20e3", "葛\U000e0100城", ENGLAND)
TIMES = ("infinity", "-infinity", "0044-03-15 BC", "20000-01-01", "9999-12-31 12:00+00", "0001-01-01 12:00+00")
REFUSED: list[tuple[str, str, Any]] = [
    *((table, name, "ä" * (most + 1)) for (table, name), most in LINES.items()),
    *((table, name, value) for table, name in LINES for value in NO_LINES),
    *(("children", "name", value) for value in HIDDEN),
    *((table, "created_at", time) for table in ("children", "heroes", "stories") for time in TIMES),
    *(("stories", "updated_at", time) for time in TIMES),
    *(("children", "age", age) for age in (-1, MAX_AGE + 1)),
    ("children", "interests", ["x"] * (MAX_INTERESTS + 1)),
    ("children", "interests", ["x" * (MAX_INTEREST + 1)]),
    ("children", "interests", ["dragons", None]),
    ("children", "interests", [["dragons"], ["the sea"]]),
    ("children", "interests", ["\x07"]),
    ("children", "interests", ["dra\u200bgons"]),
    ("stories", "content", "x" * (MAX_CONTENT + 1)),
    ("stories", "rating", BEST_RATING + 1),
    ("generations", "story_length", MAX_MINUTES + 1),
    ("generations", "model_used", "x" * 201),
    ("generations", "language", "x" * 21),
    ("generations", "prompt_version", "x" * 81),
    ("generations", "prompt", "x" * 200_001),
]
TAKEN: list[tuple[str, str, Any]] = [
    *((table, name, "ä" * most) for (table, name), most in LINES.items()),
    *((table, name, SEEN[0]) for table, name in LINES),
    *(("children", "name", value) for value in SEEN),
    *((table, "created_at", time) for table in ("children", "heroes", "stories") for time in ("1970-01-01", THEN)),
    *(("children", "age", age) for age in (0, MAX_AGE)),
    *(("children", "interests", value) for value in ([], ["x" * MAX_INTEREST] * MAX_INTERESTS)),
    ("children", "gender", None),
    ("heroes", "appearance", None),
    ("stories", "content", "x" * MAX_CONTENT),
    ("stories", "updated_at", None),
    ("generations", "story_length", MAX_MINUTES),
]


def _short(value: Any) -> str:
    return ascii(value)[:24]


@pytest.fixture(scope="module")
def connection(server: Server, newest_template: str) -> Iterator[Connection]:
    """The owner's. No test minds the rows of the others."""
    with copy_of(server, newest_template) as database, database.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def parent(connection: Connection) -> UUID:
    return add_user(connection)


def _row(connection: Connection, table: str, parent: UUID) -> dict[str, Any]:
    """A row that a user may insert."""
    if table == "generations":
        return attempt(parent)
    if table == "stories":
        return story(insert(connection, "generations", ended(parent)))
    return child(parent) if table == "children" else hero(parent)


@pytest.mark.parametrize(("table", "name", "value"), REFUSED, ids=_short)
def test_a_user_writes_nothing_that_the_api_refuses(
    connection: Connection, parent: UUID, table: str, name: str, value: Any
) -> None:
    row = _row(connection, table, parent)
    constraint = f"{table}_{name}_as_by_the_service"
    with refused(constraint), acting(connection, user(parent)):
        insert(connection, table, row | {name: value})
    if table != "generations":
        with acting(connection, user(parent)):
            insert(connection, table, row)
        with refused(constraint), acting(connection, user(parent)):
            change(connection, table, row, **{name: value})


@pytest.mark.parametrize(("table", "name", "value"), TAKEN, ids=_short)
def test_a_user_writes_what_the_api_takes(
    connection: Connection, parent: UUID, table: str, name: str, value: Any
) -> None:
    row = _row(connection, table, parent)
    with acting(connection, user(parent)):
        insert(connection, table, row | {name: value})


@pytest.mark.parametrize(
    ("table", "odd", "changes"),
    [
        ("children", {"name": "x" * 5000, "created_at": "infinity", "interests": [["a"], ["b"]]}, {"age": 7}),
        ("heroes", {"name": "", "appearance": "x" * 5000}, {"appearance": None}),
        ("stories", {"title": "two\nlines", "content": "x" * 200_001, "updated_at": "-infinity"}, {"rating": 3}),
    ],
)
def test_a_row_of_before_is_changed_and_deleted_as_any_other(
    connection: Connection, parent: UUID, table: str, odd: dict[str, Any], changes: dict[str, Any]
) -> None:
    row = _row(connection, table, parent) | odd
    with connection.transaction():
        connection.execute("set local session_replication_role = replica")
        insert(connection, table, row)
    with acting(connection, user(parent)):
        assert change(connection, table, row, **changes, **odd if table != "heroes" else {}) == 1
        assert connection.execute(f"delete from tales.{table} where id = %s", [row["id"]]).rowcount == 1  # type: ignore[arg-type]


def test_a_child_goes_though_its_storys_title_is_one_of_before(connection: Connection, parent: UUID) -> None:
    mia = insert(connection, "children", child(parent))
    told = _row(connection, "stories", parent) | {"child_id": mia["id"], "title": "x" * 5000}
    with connection.transaction():
        connection.execute("set local session_replication_role = replica")
        insert(connection, "stories", told)
    with acting(connection, user(parent)):
        connection.execute("delete from tales.children where id = %s", [mia["id"]])
        (left,) = connection.execute("select child_id from tales.stories where id = %s", [told["id"]]).fetchall()
    assert left == {"child_id": None}


def test_what_a_model_has_written_is_kept_as_it_is(connection: Connection, parent: UUID) -> None:
    row = _row(connection, "stories", parent) | {"title": "a bell\x07", "content": "x" * (MAX_CONTENT + 1)}
    with acting(connection, SERVICE):
        insert(connection, "stories", row)


def test_a_role_that_inherits_a_users_is_bound_as_well(connection: Connection, parent: UUID) -> None:
    with refused("heroes_name_as_by_the_service"), connection.transaction():
        connection.execute("create role tales_test_member in role authenticated")
        connection.execute("select set_config('request.jwt.claims', %s, true)", [f'{{"sub": "{parent}"}}'])
        connection.execute("set local role tales_test_member")
        insert(connection, "heroes", hero(parent, name="x" * 81))


def _is_line(connection: Connection, value: str) -> bool:
    return bool(connection.execute("select tales.is_line(%s, 80) as taken", [value]).fetchall()[0]["taken"])


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=90) | HIDING)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_domain_makes_of_a_text_is_taken(connection: Connection, value: str) -> None:
    try:
        checked = checked_text("name", value, MAX_NAME)
    except InvalidInput:
        return
    assert _is_line(connection, checked)


def test_each_character_is_taken_alone_as_the_domain_takes_it(connection: Connection) -> None:
    numbers = "generate_series(1, 65535) as n where n not between 55296 and 57343"
    in_sql = {row["n"] for row in connection.execute(f"select n from {numbers} and tales.is_line(chr(n), 80)")}

    def passes(n: int) -> bool:
        try:
            checked_text("name", chr(n), MAX_NAME)
        except InvalidInput:
            return False
        return True

    in_domain = {n for n in range(1, 65536) if not 0xD800 <= n <= 0xDFFF and passes(n)}
    assert in_sql == in_domain


def test_a_role_of_the_operators_own_writes_as_it_may(connection: Connection, parent: UUID) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute("create role tales_test_importer bypassrls")
        connection.execute("grant usage on schema tales to tales_test_importer")
        connection.execute("grant insert on tales.children to tales_test_importer")
        connection.execute("set local role tales_test_importer")
        insert(connection, "children", child(parent))
