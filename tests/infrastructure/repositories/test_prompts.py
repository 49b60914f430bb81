"""Prompts as rows: what was used never changes, whoever asks, and versions are numbered one after the other."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from tales.domain.prompt_templates import Slot, TemplateState
from tales.domain.story_spec import StoryType
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tests.fixtures.actors import SERVICE, Actor, acting, admin
from tests.fixtures.databases import Database
from tests.fixtures.rows import Connection, insert, prompt_template

SLOT = Slot(StoryType.HERO, "it")
TEXT = "Racconta una fiaba.\n{{ facts }}\nBreve.\n"
OWNER = Actor("owner", None)
REFUSED = (psycopg.errors.CheckViolation, psycopg.errors.InsufficientPrivilege)


def used(connection: Connection, state: str) -> str:
    """A version that was active."""
    version = str(insert(connection, "prompt_templates", prompt_template())["version"])
    for step in ("active", state):
        connection.execute("update tales.prompt_templates set state = %s where version = %s", [step, version])
    return version


@pytest.mark.parametrize("state", ["active", "retired"])
@pytest.mark.parametrize("actor", [OWNER, SERVICE, admin()], ids=lambda actor: actor.name)
def test_what_was_used_never_changes(database: Database, state: str, actor: Actor) -> None:
    with database.connect() as connection:
        version = used(connection, state)
        for change in ("set template = 'x'", "set state = 'draft'", "set model = 'm'", "set version = 'x'"):
            with pytest.raises(REFUSED), acting(connection, actor):
                connection.execute(f"update tales.prompt_templates {change} where version = %s", [version])
        for forbidden in ("delete from tales.prompt_templates", "truncate tales.prompt_templates"):
            with pytest.raises(REFUSED), acting(connection, actor):
                connection.execute(forbidden)
        with acting(connection, actor):
            again = connection.execute(
                "update tales.prompt_templates set note = 'n', weight = 7, state = 'active' where version = %s"
                " returning retired_at, activated_at is not null as was_active",
                [version],
            ).fetchone()
        assert again == {"retired_at": None, "was_active": True}


def test_a_draft_changes(database: Database) -> None:
    with database.connect() as connection:
        version = insert(connection, "prompt_templates", prompt_template())["version"]
        with acting(connection, admin()):
            changed = connection.execute(
                "update tales.prompt_templates set template = 'other' where version = %s", [version]
            )
        assert changed.rowcount == 1


async def test_versions_that_are_added_at_once_get_numbers_of_their_own(transactions: SqlTransactions) -> None:
    async def add() -> str:
        async with transactions.as_service() as work:
            added = await work.prompts.add(SLOT, TEXT, "")
            await work.commit()
        assert (added.state, added.slot, added.weight, added.is_seeded) == (TemplateState.DRAFT, SLOT, 100, False)
        return added.version

    versions = await asyncio.gather(*(add() for _ in range(5)))

    assert sorted(versions) == [f"hero-it-{number}" for number in range(1, 6)]


async def test_a_row_that_cannot_be_read_is_passed_over(
    database: Database, transactions: SqlTransactions, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING")  # a command that ran in this process before may have asked for errors alone
    with database.connect() as connection:
        odd = prompt_template(version="child-tlh-2", language="tlh", number=2, is_seeded=True)
        insert(connection, "prompt_templates", odd)
    async with transactions.as_service() as work:
        in_use, listed = (await work.prompts.in_use()).templates, await work.prompts.list()

    assert len(in_use) == len(listed) == 15
    assert odd["version"] in caplog.text
