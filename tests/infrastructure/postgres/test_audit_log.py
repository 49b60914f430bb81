"""Who has looked, and who has changed what may be spent, is kept: nobody changes or deletes it, the owner neither."""

from __future__ import annotations

import psycopg
import pytest

from tests.fixtures.actors import SERVICE, acting, admin, refused, user
from tests.fixtures.databases import Database
from tests.fixtures.rows import add_user, budget, insert, look, price, prompt_goal


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


def test_who_puts_a_prompt_into_use_and_sets_a_goal_is_kept_without_its_text(database: Database) -> None:
    with database.connect() as owner:
        with acting(owner, admin()):
            owner.execute("update tales.prompt_templates set state = 'retired' where version = 'child-en-1'")
            insert(owner, "prompt_goals", {**prompt_goal(), "language": "de"})
            owner.execute("update tales.prompt_goals set ended_at = now()")
        owner.execute("update tales.prompt_templates set weight = weight where version = 'child-de-1'")
    found = database.rows(
        "select changed_by is not null as by_admin, relation, before ->> 'state' as before, after ->> 'state' as after,"
        " coalesce(after ?| array['template', 'note'], false) as has_text from tales.change_log"
    )
    assert [tuple(one.values()) for one in found] == [
        (True, "prompt_templates", "active", "retired", False),
        (True, "prompt_goals", None, None, False),
        (True, "prompt_goals", None, None, False),
    ]


def test_a_page_of_the_change_log_is_read_by_an_index(database: Database) -> None:
    with database.connect() as owner:
        owner.execute("set enable_seqscan = off")
        for where, index in (("", "change_log_place_idx"), ("relation = 'prices' and", "change_log_relation_idx")):
            condition = f"{where} (changed_at, id) < (now(), gen_random_uuid())"
            query = f"select * from tales.change_log where {condition} order by changed_at desc, id desc limit 51"
            plan = str(owner.execute(f"explain (format json) {query}".encode()).fetchall())
            assert index in plan
            assert "Sort" not in plan, plan


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
