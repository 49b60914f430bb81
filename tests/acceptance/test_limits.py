"""Limits as an operator sets them, over two servers on one database."""

from __future__ import annotations

from collections import Counter
from itertools import chain, repeat

import pytest

from tales.simulator.server import Simulator
from tests.fixtures.databases import Database
from tests.fixtures.processes import Place, sign_in

SITE = "https://app.example.org"


@pytest.fixture
def place(database: Database, background_simulator: Simulator) -> Place:
    """A migrated database, and a provider that plays scripts."""
    return Place(database, background_simulator)


@pytest.mark.timeout(90)
def test_what_the_environment_says_holds_for_all_servers_together(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALES_REQUESTS_PER_MINUTE", "12")
    monkeypatch.setenv("TALES_DAILY_GENERATIONS", "3")
    monkeypatch.setenv("TALES_CONCURRENT_GENERATIONS", "2")
    monkeypatch.setenv("TALES_MAX_BODY_BYTES", "2048")
    monkeypatch.setenv("TALES_CORS_ORIGINS", SITE)
    with place.serving("sim/hang") as (_, here), place.serving("sim/hang") as (_, there):
        sign_in(here)
        there.headers["Authorization"] = here.headers["Authorization"]
        child = here.post("/api/v3/children", json={"name": "Mia", "age": 6}).json()["id"]
        wish = {"story_type": "child", "child_id": child, "moral": "kindness", "story_length": 1}

        asked = [server.post("/api/v3/generations", json=wish) for server in (here, there, here)]
        assert [answer.status_code for answer in asked] == [202, 202, 429]
        assert asked[2].json()["limit"] == "concurrent_generations"
        for answer in asked[:2]:
            assert here.post(answer.headers["Location"] + "/cancel").status_code == 202
        again = [server.post("/api/v3/generations", json=wish) for server in (there, here)]
        assert [answer.status_code for answer in again] == [202, 429]
        assert again[1].json()["limit"] == "generations_per_day"

        # Eight of the twelve are used; a few seconds later another one may have come.
        answers = [server.get("/api/v3/children") for server in chain.from_iterable(repeat((here, there), 5))]
        passed = Counter(answer.status_code for answer in answers)[200]
        assert 4 <= passed <= 6
        assert answers[-1].json()["limit"] == "requests_per_minute"
        assert int(answers[-1].headers["Retry-After"]) <= 5

        large = there.post("/api/v3/auth/signup", json={"email": "x" * 3000}, headers={"Origin": SITE})
        assert large.status_code == 413
        assert large.headers["Access-Control-Allow-Origin"] == SITE


@pytest.mark.timeout(90)
def test_without_a_setting_a_family_has_room_and_no_more(place: Place) -> None:
    with place.serving("sim/hang") as (_, client):
        sign_in(client)
        child = client.post("/api/v3/children", json={"name": "Mia", "age": 6}).json()["id"]
        wish = {"story_type": "child", "child_id": child, "moral": "kindness", "story_length": 1}
        asked = [client.post("/api/v3/generations", json=wish) for _ in range(21)]
        assert [answer.status_code for answer in asked] == [202] * 20 + [429]
        assert "20 stories written at a time" in asked[-1].json()["detail"]

        # As if the minute's requests had been sent.
        place.database.execute("update tales.request_rates set next_at = clock_timestamp() + interval '1 minute'")
        over = client.get("/api/v3/children")
        assert over.status_code == 429
        assert "600 requests a minute" in over.json()["detail"]
        assert over.headers["Retry-After"] == "1"
