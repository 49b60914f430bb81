"""Who has looked is kept: nobody changes or deletes it, the owner neither."""

from __future__ import annotations

import psycopg
import pytest

from tests.fixtures.actors import SERVICE, acting, refused
from tests.fixtures.databases import Database
from tests.fixtures.rows import add_user, insert, look


@pytest.mark.parametrize(
    "statement",
    [
        "update tales.audit_log set viewer_id = gen_random_uuid()",
        "delete from tales.audit_log",
        "truncate tales.audit_log",
    ],
)
def test_a_look_never_changes_and_never_goes(database: Database, statement: str) -> None:
    with database.connect() as owner:
        insert(owner, "audit_log", look(add_user(owner)))
        with refused("audit_log_is_kept"):
            owner.execute(statement.encode())
        with refused(error=psycopg.errors.InsufficientPrivilege), acting(owner, SERVICE):
            owner.execute(statement.encode())
    assert len(database.rows("select from tales.audit_log")) == 1


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [({"via": "letter"}, "audit_log_via_is_known"), ({"viewer_id": None}, "audit_log_by_somebody")],
)
def test_a_look_says_who_and_from_where(database: Database, changes: dict[str, object], constraint: str) -> None:
    with database.connect() as owner, refused(constraint), acting(owner, SERVICE):
        insert(owner, "audit_log", look(add_user(owner), **changes))


def test_the_operators_look_has_no_name(database: Database) -> None:
    with database.connect() as owner:
        user = add_user(owner)
        with acting(owner, SERVICE):
            insert(owner, "audit_log", look(user, via="command_line", viewer_id=None))
