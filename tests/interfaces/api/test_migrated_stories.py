"""Versions 1 and 2 show a story that was migrated as it was before, whatever it holds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from benchmarks.legacy import LegacyPlan, Nastiness, Profile, fill_legacy

from tales.application.passwords import Passwords
from tales.application.services import Services
from tales.domain.actor import Actor
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.events.progress_hub import ProgressHub
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.unit_of_work import SqlTransactions
from tales.infrastructure.queue.attempt_queue import SqlAttemptQueue
from tales.infrastructure.queue.request_rates import SqlRequestRates
from tales.interfaces.api.app import create_app
from tales.interfaces.api.fields import DEEPEST
from tales.legacy.migrate import MigrationOptions, migrate_up
from tests.fixtures.databases import Database
from tests.interfaces.api.conftest import wired
from tests.interfaces.api.world import Silence, client_of

PLAN = LegacyPlan(rows=250, seed=6, users=3, profile=Profile.SHORT, nastiness=Nastiness.each(0.05), huge_bytes=100_000)
KEPT = (
    *("title", "content", "rating", "full_response", "generation_info", "story_type"),
    *("hero_appearance", "relationship_description"),
)
CHOICES = MigrationOptions({"tales.orphans": "quarantine", "tales.invalid": "quarantine"})


@pytest.fixture
def before(legacy_database: Database) -> list[dict[str, Any]]:
    """A nasty library as it was before generations. It has moved meanwhile."""
    fill_legacy(legacy_database.owner_url, PLAN)
    stories = legacy_database.rows("select * from tales.stories")
    migrate_up(legacy_database.owner_url, options=CHOICES)
    return stories


@pytest.fixture
async def services(legacy_database: Database, passwords: Passwords) -> AsyncIterator[Services]:
    """Every use case over that library."""
    engine = make_engine(legacy_database.app_url)
    transactions = SqlTransactions(engine, SystemClock())
    queue = SqlAttemptQueue(transactions, SystemClock())
    yield wired(transactions, passwords, queue, ProgressHub(transactions, Silence()), SqlRequestRates(transactions))
    await engine.dispose()


async def _shown(services: Services, user_id: UUID) -> list[dict[str, Any]]:
    """All that version 1 shows to a family."""
    shown: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 40}
    async with client_of(create_app(services), "/api/v1", services.tokens.issue(Actor(user_id))) as client:
        while True:
            answer = await client.get("/stories", params=query)
            assert answer.status_code == 200, answer.text[:500]
            shown += answer.json()["items"]
            if not (cursor := answer.json()["next_cursor"]):
                return shown
            query["cursor"] = cursor


# The role that the service signs in as gets its password with the newest template.
@pytest.mark.usefixtures("newest_template")
async def test_every_story_is_shown_with_what_it_had(
    before: list[dict[str, Any]], services: Services, legacy_database: Database
) -> None:
    users = legacy_database.rows("select id from auth.users")
    shown = [story for user in users for story in await _shown(services, user["id"])]
    stories = {story["id"]: story for story in shown}
    moved = [row for row in before if str(row["id"]) in stories]
    assert len(stories) == len(shown) == len(moved)
    assert len(moved) > 150

    for row in moved:
        story = stories[str(row["id"])]
        for name in KEPT:
            assert _same(row[name], story[name]), (row["id"], name)
        for name in ("model_used", "moral"):
            assert story[name] == ("unknown" if row[name] is None else row[name])
        assert story["story_length"] == row["story_length"]
        assert (story["user_id"], story["generation_details"]["status"]) == (str(row["user_id"]), "success")
        if row["created_at"]:
            assert datetime.fromisoformat(story["created_at"]) == row["created_at"]


def _same(before: Any, shown: Any, depth: int = 0) -> bool:
    """Whether a client reads what was there; what lies too deep is text that holds it, as a number that is too long."""
    if isinstance(before, dict | list) and isinstance(shown, str):
        return depth >= DEEPEST and bool(json.loads(shown) == before)
    if isinstance(before, dict):
        return before.keys() == shown.keys() and all(_same(before[key], shown[key], depth + 1) for key in before)
    if isinstance(before, list):
        return len(before) == len(shown) and all(map(_same, before, shown, [depth + 1] * len(before)))
    return before == shown or str(before) == shown
