"""Who has looked is kept: nobody changes or deletes it, the owner neither."""

from __future__ import annotations

import psycopg
import pytest

from tests.fixtures.actors import SERVICE, acting, refused
from tests.fixtures.databases import Database
from tests.fixtures.rows import add_user, insert, look


@pytest.mark.parametrize(
    "statement",
    ["update tales.looks set viewer_id = gen_random_uuid()", "delete from tales.looks", "truncate tales.looks"],
)
def test_a_look_never_changes_and_never_goes(database: Database, statement: str) -> None:
    with database.connect() as owner:
        insert(owner, "looks", look(add_user(owner)))
        with refused("looks_are_kept"):
            owner.execute(statement.encode())
        with refused(error=psycopg.errors.InsufficientPrivilege), acting(owner, SERVICE):
            owner.execute(statement.encode())
    assert len(database.rows("select from tales.looks")) == 1


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [({"via": "letter"}, "looks_via_is_known"), ({"viewer_id": None}, "looks_by_somebody")],
)
def test_a_look_says_who_and_from_where(database: Database, changes: dict[str, object], constraint: str) -> None:
    with database.connect() as owner, refused(constraint), acting(owner, SERVICE):
        insert(owner, "looks", look(add_user(owner), **changes))


def test_the_operators_look_has_no_name(database: Database) -> None:
    with database.connect() as owner:
        user = add_user(owner)
        with acting(owner, SERVICE):
            insert(owner, "looks", look(user, via="command_line", viewer_id=None))
