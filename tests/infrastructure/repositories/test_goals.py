"""Goals and their snapshots as rows: what was drawn by stays, and what is known of an arm is counted from its draws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tales.domain.comparison import DrawnRow
from tales.domain.goals import Arm, ArmRecord, Goal, GoalMeasure, GoalSettings
from tales.domain.report_filters import ReportFilter
from tales.domain.story_spec import StoryType
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.repositories.rollups import refresh
from tests.fixtures.actors import SERVICE, Actor, acting, admin
from tests.fixtures.databases import Database
from tests.fixtures.rows import (
    Connection,
    Row,
    add_user,
    ended,
    goal_snapshot,
    insert,
    prompt_choice,
    prompt_goal,
    prompt_template,
    story,
)

OWNER = Actor("owner", None)
REFUSED = (
    psycopg.errors.CheckViolation,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.ForeignKeyViolation,
    psycopg.errors.RestrictViolation,
)
MODELS = ("first/model", "second/model")
GOOD = """
    select tales.known_of_arms(jsonb_populate_record(g, '{"measure": "good"}')) as arms
    from tales.prompt_goals as g where language = 'en'
"""
SETTINGS = GoalSettings(story_type=StoryType.CHILD, language="en", measure=GoalMeasure.SUCCESS, models=MODELS)


def drawn(
    connection: Connection, snapshot: UUID, version: str, model: str, status: str = "success", **more: object
) -> Row:
    """The first attempt of a generation that a snapshot drew."""
    row = ended(add_user(connection), status, prompt_version=version, model_used=model, **more)
    choice = prompt_choice(insert(connection, "generations", row))
    insert(connection, "prompt_choices", choice | {"reason": "goal", "snapshot_id": snapshot})
    return row


async def known(transactions: SqlTransactions, settings: GoalSettings | None = None) -> Goal:
    """The goal after the background has taken a snapshot of it; `settings`: it is set before."""
    if settings is not None:
        async with transactions.as_service() as work:
            await work.goals.set(settings)
            await work.commit()
    while await refresh(transactions, waits=True):
        pass
    async with transactions.as_service() as work:
        (goal,) = await work.goals.list()
    return goal


@pytest.mark.parametrize("actor", [OWNER, SERVICE, admin()], ids=lambda actor: actor.name)
def test_what_was_drawn_by_never_changes(database: Database, actor: Actor) -> None:
    with database.connect() as connection:
        goal = insert(connection, "prompt_goals", prompt_goal(id=uuid4()))
        snapshot = insert(connection, "goal_snapshots", goal_snapshot(goal))
        drawn(connection, snapshot["id"], "child-en-1", "first/model")
        for forbidden in (
            "update tales.prompt_goals set measure = 'cost'",
            "update tales.prompt_goals set models = '{other}'",
            "update tales.goal_snapshots set arms = '[]'",
            "update tales.prompt_choices set weights = '{}'",
            "update tales.prompt_choices set snapshot_id = null, reason = 'experiment'",
            "delete from tales.goal_snapshots",
            "delete from tales.prompt_goals",
        ):
            with pytest.raises(REFUSED), acting(connection, actor):
                connection.execute(forbidden)
        with acting(connection, actor):
            connection.execute("update tales.prompt_goals set ended_at = now()")
            with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
                connection.execute("update tales.prompt_goals set ended_at = null")


def test_a_choice_has_a_snapshot_or_a_reason_for_having_none(database: Database) -> None:
    with database.connect() as connection:
        snapshot = insert(
            connection, "goal_snapshots", goal_snapshot(insert(connection, "prompt_goals", prompt_goal(id=uuid4())))
        )
        for wrong in (
            {"reason": "goal"},
            {"reason": "experiment", "snapshot_id": snapshot["id"]},
            {"reason": "goal", "snapshot_id": snapshot["id"], "passed_over": "old_snapshot"},
            {"reason": "experiment", "passed_over": "no idea"},
        ):
            row = insert(connection, "generations", ended(add_user(connection)))
            with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
                insert(connection, "prompt_choices", prompt_choice(row) | wrong)


async def test_what_is_known_of_an_arm_is_counted_from_its_draws(
    database: Database, transactions: SqlTransactions
) -> None:
    first = (await known(transactions, SETTINGS)).snapshot
    assert first is not None
    assert first.records == tuple(ArmRecord(Arm("child-en-1", model), 0, 0) for model in MODELS)

    long_ago, before = datetime.now(UTC) - timedelta(days=40), datetime.now(UTC) - timedelta(days=2)
    with database.connect() as connection:
        other = insert(
            connection, "goal_snapshots", goal_snapshot(insert(connection, "prompt_goals", prompt_goal(id=uuid4())))
        )
        for created_at in (before, datetime.now(UTC)):
            costly = {"created_at": created_at, "started_at": created_at, "completed_at": created_at}
            for rating in (9, 3, None):
                row = drawn(connection, first.id, "child-en-1", MODELS[0], **costly)
                insert(connection, "stories", story(row, rating=rating))
            drawn(connection, first.id, "child-en-1", MODELS[0], "failed", error_type="refusal", **costly)
            drawn(connection, first.id, "child-en-1", MODELS[1], **costly | {"full_response": None})
        drawn(connection, first.id, "child-en-1", MODELS[1], created_at=long_ago, completed_at=long_ago)
        drawn(connection, other["id"], "child-en-1", MODELS[1], created_at=before, completed_at=before)

    async def compared() -> tuple[DrawnRow, ...]:
        period = ReportFilter(since=long_ago - timedelta(days=1), until=datetime.now(UTC) + timedelta(days=1))
        async with transactions.as_service() as work:
            return await work.reports.drawn(period)

    assert await compared() == (), "its shares follow its results, attempt by attempt"
    goal = await known(transactions)
    assert goal.snapshot == first, "it is not five minutes old"
    with database.connect() as connection:
        connection.execute("alter table tales.goal_snapshots disable trigger user")
        connection.execute("update tales.goal_snapshots set taken_at = now() - interval '6 minutes'")
    second = (await known(transactions)).snapshot
    assert second is not None
    assert [(one.hits, one.trials) for one in second.records] == [(6, 8), (2, 2)]
    assert second.records[0].mean_cost_usd == 0.5
    assert second.records[1].mean_cost_usd is None
    assert await compared() == (), "and from rollups"
    good = database.rows(GOOD)
    assert [(one["hits"], one["trials"]) for one in good[0]["arms"]] == [(2, 4), (0, 0)]


async def test_another_arm_has_a_snapshot_at_once(database: Database, transactions: SqlTransactions) -> None:
    before = await known(transactions, SETTINGS)
    with database.connect() as connection:
        yesterday = {"taken_at": datetime.now(UTC) - timedelta(hours=30)}
        unused, used = (
            insert(connection, "goal_snapshots", goal_snapshot({"id": before.id}, **yesterday))["id"] for _ in range(2)
        )
        drawn(connection, used, "child-en-1", MODELS[0])
        own = prompt_template(model=MODELS[1], state="active", activated_at=datetime.now(UTC))
        insert(connection, "prompt_templates", own)

    goal = await known(transactions)

    assert goal.snapshot is not None
    assert [record.arm for record in goal.snapshot.records] == [
        Arm("child-en-1", MODELS[0]),
        Arm(own["version"], MODELS[1]),
    ], "a model's own version comes before that of every model"
    kept = {row["id"] for row in database.rows("select id from tales.goal_snapshots")}
    assert before.snapshot is not None
    assert kept == {used, before.snapshot.id, goal.snapshot.id}, "one of yesterday that nothing was drawn by has gone"
    assert unused not in kept


async def test_a_goal_that_cannot_be_read_is_none(database: Database, transactions: SqlTransactions) -> None:
    with database.connect() as connection:
        odd = insert(connection, "prompt_goals", prompt_goal(id=uuid4()))
        insert(connection, "goal_snapshots", goal_snapshot(odd))
        goal = insert(connection, "prompt_goals", prompt_goal(id=uuid4(), language="de"))
        insert(connection, "goal_snapshots", goal_snapshot(goal, arms=Jsonb([{"version": 1}, "odd"])))
    async with transactions.as_service() as work:
        (found,) = (await work.prompts.in_use()).goals

    assert found.settings.language == "de"
    assert found.snapshot is not None
    assert found.snapshot.records == ()
