"""How much one family may ask for: by the day, at a time, and by the minute, over all processes together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from httpx import AsyncClient, Response

from tales.application.passwords import Passwords
from tales.application.services import Services
from tests.fixtures.databases import Database
from tests.fixtures.rows import attempt, insert
from tests.fixtures.time import FakeClock
from tests.interfaces.api.limited import another_process, seen_by, within
from tests.interfaces.api.world import Family, problem

DAY = 24 * 3600


def over(answer: Response, limit: str) -> int:
    """The seconds that an answer says to wait, because this limit was reached."""
    body = problem(answer, 429, "too_many_requests")
    assert body["limit"] == limit
    return int(answer.headers["Retry-After"])


def age(database: Database, hours: int) -> None:
    """Everything that was asked for was asked for earlier."""
    with database.connect() as connection, connection.transaction():
        connection.execute("set local session_replication_role = replica")
        connection.execute("update tales.generations set created_at = created_at - make_interval(hours => %s)", [hours])


def asked(database: Database) -> int:
    return len(database.rows("select from tales.generations where attempt_number = 1"))


async def test_a_day_has_so_many_stories(family: Family, services: Services, database: Database) -> None:
    wish = await family.wish()
    async with seen_by(family, within(services, per_day=2)) as client:
        for _ in range(2):
            assert (await client.post("/generations", json=wish)).status_code == 202
        answer = await client.post("/generations", json=wish)

        assert DAY - 60 < over(answer, "generations_per_day") <= DAY
        assert "2 stories within 24 hours" in answer.json()["detail"]
        assert asked(database) == 2

        age(database, hours=23)
        assert 3540 < over(await client.post("/generations", json=wish), "generations_per_day") <= 3600
        age(database, hours=2)
        assert (await client.post("/generations", json=wish)).status_code == 202


async def test_what_was_cancelled_or_has_failed_counts_for_the_day(family: Family, services: Services) -> None:
    wish = await family.wish()
    async with seen_by(family, within(services, per_day=2)) as client:
        cancelled = (await client.post("/generations", json=wish)).json()["generation_id"]
        await client.post(f"/generations/{cancelled}/cancel")
        failed = (await client.post("/generations", json=wish)).json()["generation_id"]
        family.worker.will_fail(3)
        await family.worker.run(failed)

        over(await client.post("/generations", json=wish), "generations_per_day")


async def test_three_attempts_at_one_story_count_once(family: Family, services: Services) -> None:
    wish = await family.wish()
    async with seen_by(family, within(services, per_day=2)) as client:
        first = (await client.post("/generations", json=wish)).json()["generation_id"]
        family.worker.will_fail(2)
        await family.worker.run(first)

        assert (await client.post("/generations", json=wish)).status_code == 202


async def test_so_many_stories_are_written_at_a_time(family: Family, services: Services) -> None:
    wish = await family.wish()
    async with seen_by(family, within(services, concurrent=2)) as client:
        first, second = [(await client.post("/generations", json=wish)).json()["generation_id"] for _ in range(2)]
        assert over(await client.post("/generations", json=wish), "concurrent_generations") == 5

        await family.worker.run(first)
        assert (await client.post("/generations", json=wish)).status_code == 202
        over(await client.post("/generations", json=wish), "concurrent_generations")
        await client.post(f"/generations/{second}/cancel")
        assert (await client.post("/generations", json=wish)).status_code == 202


async def test_a_row_that_came_in_beside_the_service_counts_as_well(
    family: Family, services: Services, database: Database
) -> None:
    wish = await family.wish()
    with database.connect() as connection:
        insert(connection, "generations", attempt(family.user_id))
    async with seen_by(family, within(services, concurrent=1)) as client:
        over(await client.post("/generations", json=wish), "concurrent_generations")


async def test_a_full_queue_says_when_to_ask_again(family: Family, stranger: Family, services: Services) -> None:
    bounded = within(services, waiting=2)
    async with seen_by(stranger, bounded) as client:
        wish = await stranger.wish()
        for _ in range(2):
            assert (await client.post("/generations", json=wish)).status_code == 202
    async with seen_by(family, bounded) as client:
        answer = await client.post("/generations", json=await family.wish())

    problem(answer, 503, "queue_full")
    assert int(answer.headers["Retry-After"]) > 0


async def test_another_family_has_limits_of_its_own(family: Family, stranger: Family, services: Services) -> None:
    bounded = within(services, per_day=1, concurrent=1, per_minute=3)
    for somebody in (family, stranger):
        wish = await somebody.wish()
        async with seen_by(somebody, bounded) as client:
            assert (await client.post("/generations", json=wish)).status_code == 202
            over(await client.post("/generations", json=wish), "generations_per_day")
            assert (await client.get("/generations")).status_code == 200
            over(await client.get("/generations"), "requests_per_minute")


@pytest.fixture
async def processes(
    services: Services, database: Database, clock: FakeClock, passwords: Passwords
) -> AsyncIterator[tuple[Services, Services]]:
    """The use cases in two processes."""
    async with another_process(database, clock, passwords) as others:
        yield services, others


@pytest.mark.parametrize("limits", [{"per_day": 3}, {"concurrent": 3}, {"per_day": 3, "concurrent": 5}], ids=str)
async def test_litellm_34732_requests_at_the_same_moment_do_not_all_pass_the_check(
    family: Family, processes: tuple[Services, Services], database: Database, limits: dict[str, int]
) -> None:
    wish = await family.wish()
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(seen_by(family, within(each, **limits))) for each in processes]

        async def ask(client: AsyncClient) -> int:
            return (await client.post("/generations", json=wish)).status_code

        statuses = await asyncio.gather(*(ask(client) for client in clients * 8))

    assert sorted(statuses) == [202] * 3 + [429] * 13
    assert asked(database) == 3


async def test_a_minute_has_so_many_requests_over_all_processes(
    family: Family, processes: tuple[Services, Services]
) -> None:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(seen_by(family, within(each, per_minute=6))) for each in processes]

        async def get(client: AsyncClient) -> Response:
            return await client.get("/children")

        answers = await asyncio.gather(*(get(client) for client in clients * 10))

    passed = [answer for answer in answers if answer.status_code == 200]
    assert len(passed) == 6
    for answer in answers:
        if answer not in passed:
            assert 1 <= over(answer, "requests_per_minute") <= 10
            assert "6 requests a minute" in answer.json()["detail"]


async def test_whoever_waits_as_long_as_told_may_go_on(family: Family, services: Services, database: Database) -> None:
    async with seen_by(family, within(services, per_minute=6)) as client:
        for _ in range(6):
            assert (await client.get("/children")).status_code == 200
        wait = over(await client.get("/children"), "requests_per_minute")

        database.execute("update tales.request_rates set next_at = next_at - make_interval(secs => %s)", wait)
        assert (await client.get("/children")).status_code == 200
        over(await client.get("/children"), "requests_per_minute")


async def test_a_request_that_is_refused_writes_nothing(family: Family, services: Services, database: Database) -> None:
    async with seen_by(family, within(services, per_minute=1)) as client:
        await client.get("/children")
        before = database.rows("select ctid::text, xmin::text, next_at from tales.request_rates")
        for _ in range(5):
            over(await client.get("/children"), "requests_per_minute")

    assert database.rows("select ctid::text, xmin::text, next_at from tales.request_rates") == before


async def test_nobody_is_counted_who_is_not_signed_in(
    family: Family, services: Services, database: Database, anyone: AsyncClient
) -> None:
    async with seen_by(family, within(services, per_minute=1)) as client:
        headers = {"Authorization": "Bearer nonsense"}
        for _ in range(3):
            problem(await client.get("/children", headers=headers), 401, "not_signed_in")

    assert database.rows("select from tales.request_rates") == []
    assert (await anyone.get("/health/live")).status_code == 200


async def test_without_limits_nothing_is_counted(family: Family, database: Database) -> None:
    await family.ask()

    assert database.rows("select from tales.request_rates") == []
