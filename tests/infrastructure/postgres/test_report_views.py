"""What the views of reports show to whom, and that ratings follow the stories."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.fixtures.actors import SERVICE, Actor, acting, admin, fake_admin, user
from tests.fixtures.databases import Database
from tests.fixtures.rows import THEN, Connection, add_user, attempt, change, ended, insert, retry, story

VIEWS = {
    "attempt_facts": "select count(*) from tales.attempt_facts",
    "report_models": "select sum(attempts) from tales.report_models",
    "report_retries": "select sum(attempts * generations) from tales.report_retries",
    "report_timeouts": "select sum(attempts) from tales.report_timeouts",
    "report_costs": "select sum(attempts) from tales.report_costs",
    "ratings": "select count(*) from tales.ratings",
}


def family(connection: Connection, generations: int) -> UUID:
    """A family with so many rated stories, and as many failures that were tried again."""
    member = add_user(connection)
    for rating in range(1, generations + 1):
        written = insert(connection, "generations", ended(member))
        insert(connection, "stories", story(written, rating=rating))
        failed = insert(connection, "generations", ended(member, "timeout"))
        insert(
            connection,
            "generations",
            retry(failed, status="failed", created_at=THEN, completed_at=failed["completed_at"]),
        )
    return member


def counted(connection: Connection, view: str, actor: Actor) -> int:
    with acting(connection, actor):
        (row,) = connection.execute(VIEWS[view]).fetchall()
    return int(next(iter(row.values())) or 0)


def test_a_family_counts_its_own_and_an_admin_and_the_service_count_all(database: Database) -> None:
    with database.connect() as connection:
        small, large = family(connection, 1), family(connection, 3)
        for view in VIEWS:
            each = 1 if view == "ratings" else 3
            assert counted(connection, view, user(small)) == 1 * each, view
            assert counted(connection, view, user(large)) == 3 * each, view
            assert counted(connection, view, admin()) == counted(connection, view, SERVICE) == 4 * each, view
            assert counted(connection, view, fake_admin()) == 0, view


@pytest.mark.parametrize("role", ["anon", "tales_app"])
def test_nobody_else_counts_anything(database: Database, role: str) -> None:
    with database.connect() as connection:
        for view in VIEWS:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                counted(connection, view, Actor(role, role))


def test_the_views_add_up_what_they_say(database: Database) -> None:
    with database.connect() as connection:
        member = family(connection, 10)
        insert(connection, "generations", attempt(member, created_at=THEN))

    (models,) = database.rows("select * from tales.report_models")
    assert {name: models[name] for name in ("attempts", "success", "failed", "timeout", "pending")} == {
        "attempts": 31,
        "success": 10,
        "failed": 10,
        "timeout": 10,
        "pending": 1,
    }
    assert (models["cost_usd"], models["cost_unknown"], models["seconds"], models["timed"]) == (5, 20, 1200.0, 20)
    assert (models["ratings"], models["rating_sum"], models["good_stories"]) == (10, 55, 3)
    retries = database.rows("select attempts, generations, succeeded from tales.report_retries order by 1, 3")
    assert [tuple(row.values()) for row in retries] == [(1, 11, 10), (2, 10, 0)]
    assert {row["status"]: row["attempts"] for row in database.rows("select * from tales.report_timeouts")} == {
        "success": 10,
        "failed": 10,
        "timeout": 10,
    }


def ratings(database: Database) -> list[Any]:
    return [row["rating"] for row in database.rows("select rating from tales.ratings order by rating")]


def test_ratings_follow_the_stories(database: Database) -> None:
    with database.connect() as connection:
        member = add_user(connection)
        told = [insert(connection, "stories", story(insert(connection, "generations", ended(member)))) for _ in "ab"]
        assert ratings(database) == []
        with acting(connection, user(member)):
            for rated, rating in zip(told, (3, 9), strict=True):
                change(connection, "stories", rated, rating=rating)
        assert ratings(database) == [3, 9]
        with acting(connection, user(member)):
            change(connection, "stories", told[0], rating=10)
            change(connection, "stories", told[1], rating=None)
        assert ratings(database) == [10]
        with acting(connection, user(member)):
            change(connection, "stories", told[1], rating=5)
            connection.execute("delete from tales.stories where id = %s", [told[0]["id"]])
        assert ratings(database) == [5]
        connection.execute("delete from auth.users where id = %s", [member])
        assert ratings(database) == []
