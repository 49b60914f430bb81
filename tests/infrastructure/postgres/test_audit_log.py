"""Who has looked, and who has changed what may be spent, is kept: nobody changes or deletes it, the owner neither."""

from __future__ import annotations

import psycopg
import pytest

from tests.fixtures.actors import SERVICE, acting, admin, refused, user
from tests.fixtures.databases import Database
from tests.fixtures.rows import add_user, budget, insert, look, price


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
    assert database.rows("select via, viewer_id from tales.audit_log") == [{"via": "command_line", "viewer_id": None}]


def test_a_change_of_a_budget_or_a_price_is_kept_with_whose_it_was(database: Database) -> None:
    row = {name: fact for name, fact in budget().items() if name != "id"}
    with database.connect() as owner:
        with acting(owner, admin()):
            insert(owner, "budgets", row)
            owner.execute("update tales.budgets set limit_usd = limit_usd")
            owner.execute("update tales.budgets set limit_usd = 6")
        insert(owner, "prices", price())
        for statement in (
            "select tales.remove_budget('all', null, null, 'day')",
            "select tales.take_back_price('m', now())",
        ):
            with refused(error=psycopg.errors.InsufficientPrivilege), acting(owner, user(add_user(owner))):
                owner.execute(statement.encode())
        owner.execute("delete from tales.budgets")
        for statement in ("update tales.change_log set changed_by = null", "truncate tales.change_log"):
            with refused("change_log_is_kept"):
                owner.execute(statement.encode())
    found = database.rows(
        "select changed_by is not null as by_admin, relation, (before ->> 'limit_usd')::numeric as before,"
        " (after ->> 'limit_usd')::numeric as after from tales.change_log"
    )
    assert [tuple(one.values()) for one in found] == [
        (True, "budgets", None, 5),
        (True, "budgets", 5, 6),
        (False, "prices", None, None),
        (False, "budgets", 6, None),
    ]
