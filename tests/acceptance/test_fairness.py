"""Users take turns, by real processes: one who asks for much keeps nobody else waiting for long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import httpx
import pytest

from tests.fixtures.depth import DEEP
from tests.fixtures.processes import Place, sign_in, until

LIFTED = {"TALES_DAILY_GENERATIONS": "0", "TALES_CONCURRENT_GENERATIONS": "0", "TALES_REQUESTS_PER_MINUTE": "0"}
FLOOD = 60 if DEEP else 24


def ask(client: httpx.Client) -> UUID:
    child = client.post("/api/v3/children", json={"name": "Mia", "age": 6}).json()["id"]
    wish = {"story_type": "child", "child_id": child, "moral": "kindness", "story_length": 1}
    answer = client.post("/api/v3/generations", json=wish)
    assert answer.status_code == 202
    return UUID(answer.json()["generation_id"])


def told(place: Place) -> set[UUID]:
    return {row["generation_id"] for row in place.database.rows("select generation_id from tales.stories")}


@pytest.mark.timeout(120)
def test_a_story_is_told_while_another_users_many_wait(place: Place) -> None:
    """Each server has a worker, and either may get it."""
    with (
        place.serving("sim/slow-10", TALES_CONCURRENCY="2", **LIFTED) as (_, flooded),
        place.serving("sim/slow-10", TALES_CONCURRENCY="2", **LIFTED) as (_, client),
    ):
        sign_in(flooded)
        sign_in(client, "bob@example.org")
        with ThreadPoolExecutor(8) as threads:
            theirs = set(threads.map(lambda _: ask(flooded), range(FLOOD)))
        mine = ask(client)
        until(lambda: mine in told(place), seconds=60)

        assert len(told(place) & theirs) < FLOOD / 2
