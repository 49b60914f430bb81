"""What both clients do when a request does not work, on real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from uuid import UUID

import pytest

from tales.client import (
    BadRequest,
    ConnectionFailed,
    InvalidInput,
    NotFound,
    Retry,
    ServerFailed,
    TimedOut,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
)
from tests.client.both import Kind, client_at, collect
from tests.client.conftest import Service
from tests.client.faults import Answer, Asked, Fault, answer, cutting, problem, scripted

ID = UUID("019d0000-0000-7000-8000-000000000001")
CHILD = answer(200, {"id": str(ID), "name": "Mia", "age": 6})
GENERATION = answer(202, {"generation_id": str(ID), "status": "pending"})
QUICK = Retry(base=0.01, ceiling=0.02)
LOST: Answer = [Fault.RESET]


@pytest.mark.parametrize(
    "failure", [LOST, problem(503, "unavailable"), problem(429, "too_many_requests"), answer(502), answer(504)]
)
async def test_what_may_be_read_twice_is_asked_for_again(kind: Kind, failure: Answer) -> None:
    async with scripted(failure, failure, CHILD) as server, client_at(kind, server.address, retry=QUICK) as tales:
        assert (await tales.children.get(ID)).name == "Mia"
    assert len(server.asked) == 3


async def test_a_wish_that_is_sent_again_brings_the_same_key_and_the_next_wish_another(kind: Kind) -> None:
    async with (
        scripted(LOST, problem(503, "unavailable"), GENERATION, GENERATION) as server,
        client_at(kind, server.address, retry=QUICK) as tales,
    ):
        await tales.generations.create(child_id=ID, moral="kindness")
        await tales.generations.create(child_id=ID, moral="kindness")

    *first, second = [asked.headers["idempotency-key"] for asked in server.asked]
    assert len(first) == 3
    assert len(set(first)) == 1
    assert second not in first
    assert len({asked.body for asked in server.asked}) == 1


async def test_what_might_be_done_twice_is_sent_once(kind: Kind) -> None:
    for failure, error in ((LOST, ConnectionFailed), (problem(503, "unavailable"), Unavailable)):
        async with scripted(failure) as server, client_at(kind, server.address, retry=QUICK) as tales:
            with pytest.raises(error):
                await tales.children.add("Mia", 6)
        assert len(server.asked) == 1


async def test_a_deletion_whose_answer_was_lost_has_been_done_when_there_is_nothing_any_more(kind: Kind) -> None:
    async with (
        scripted(LOST, problem(404, "not_found"), problem(404, "not_found")) as server,
        client_at(kind, server.address, retry=QUICK) as tales,
    ):
        await tales.children.delete(ID)
        with pytest.raises(NotFound):
            await tales.children.delete(ID)


async def test_what_was_surely_not_done_is_sent_again(kind: Kind) -> None:
    async with (
        scripted(problem(429, "too_many_requests", "Retry-After: 0"), CHILD) as server,
        client_at(kind, server.address, retry=QUICK) as tales,
    ):
        assert (await tales.children.add("Mia", 6)).id == ID
    assert len(server.asked) == 2


def as_number() -> str:
    return "1"


def as_date() -> str:
    """Of whole seconds, so that up to one of the two has passed already."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


@pytest.mark.parametrize("form", [as_number, as_date])
async def test_retry_after_is_waited_for(kind: Kind, form: Callable[[], str]) -> None:
    async with (
        scripted(problem(503, "unavailable", f"Retry-After: {form()}"), CHILD) as server,
        client_at(kind, server.address, retry=QUICK) as tales,
    ):
        start = time.monotonic()
        await tales.children.get(ID)
        assert 0.7 <= time.monotonic() - start < 10


async def test_a_wait_that_is_too_long_is_the_callers_business(kind: Kind) -> None:
    async with (
        scripted(problem(429, "too_many_requests", "Retry-After: 3600", "X-Request-Id: abc")) as server,
        client_at(kind, server.address) as tales,
    ):
        with pytest.raises(TooManyRequests) as caught:
            await tales.children.get(ID)

    assert (caught.value.retry_after, caught.value.request_id, caught.value.status) == (3600.0, "abc", 429)
    assert len(server.asked) == 1


async def test_it_gives_up_after_as_many_times_as_it_was_told(kind: Kind) -> None:
    script = [problem(503, "unavailable")] * 3
    async with scripted(*script) as server, client_at(kind, server.address, retry=Retry(2, 0.01)) as tales:
        with pytest.raises(Unavailable, match="It is unavailable"):
            await tales.children.get(ID)
    assert len(server.asked) == 3


async def test_what_would_only_be_refused_again_is_sent_once(kind: Kind) -> None:
    for status, error in ((400, BadRequest), (404, NotFound), (500, ServerFailed)):
        async with scripted(problem(status, "some_code")) as server, client_at(kind, server.address) as tales:
            with pytest.raises(error) as caught:
                await tales.children.get(ID)
        assert (caught.value.code, len(server.asked)) == ("some_code", 1)


async def test_a_server_that_cannot_be_reached_is_said_to_be_so(kind: Kind) -> None:
    async with scripted() as server:
        address = server.address
    async with client_at(kind, address, retry=QUICK) as tales:
        with pytest.raises(ConnectionFailed, match="cannot be reached"):
            await tales.children.add("Mia", 6)


async def test_a_server_that_says_nothing_is_left_in_time(kind: Kind) -> None:
    silent: Answer = [Fault.SILENCE]
    async with (
        scripted(silent, silent) as server,
        client_at(kind, server.address, timeout=0.2, retry=Retry(1, 0.01)) as tales,
    ):
        start = time.monotonic()
        with pytest.raises(TimedOut):
            await tales.children.get(ID)
        assert time.monotonic() - start < 3
    assert len(server.asked) == 2


async def test_a_wait_for_a_story_is_not_cut_short_by_the_timeout(kind: Kind) -> None:
    silent: Answer = [Fault.SILENCE]
    async with scripted(silent) as server, client_at(kind, server.address, timeout=0.2) as tales:
        waiting = asyncio.create_task(tales.generations.create(child_id=ID, moral="kindness", wait=1))
        await asyncio.sleep(0.8)
        assert not waiting.done()
        await server.stop()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert server.asked[0].headers["prefer"] == "wait=1"


@pytest.mark.parametrize(
    "body", [answer(200, {"hello": "world"}), answer(200, [1]), [b"HTTP/1.1 200 -\r\nContent-Length: 6\r\n\r\n<html>"]]
)
async def test_something_else_than_tales_is_recognised(kind: Kind, body: Answer) -> None:
    async with scripted(body) as server, client_at(kind, server.address) as tales:
        with pytest.raises(UnexpectedAnswer, match="server's address"):
            await tales.children.get(ID)


async def test_a_token_is_not_carried_to_another_server(kind: Kind) -> None:
    async with scripted(CHILD) as other:
        moved = answer(307, None, f"Location: {other.address}/api/v3/children/{ID}")
        async with scripted(moved) as server, client_at(kind, server.address, token="t0k3n") as tales:
            with pytest.raises(UnexpectedAnswer):
                await tales.children.get(ID)
    assert other.asked == []


async def test_a_newer_server_may_say_more(kind: Kind) -> None:
    newer = answer(200, {"id": str(ID), "name": "Mia", "age": 6, "shoe_size": {"left": 28}})
    async with scripted(newer) as server, client_at(kind, server.address) as tales:
        assert (await tales.children.get(ID)).age == 6


async def test_who_is_signed_in_is_read_also_where_a_server_does_not_count_what_they_have(kind: Kind) -> None:
    said = answer(200, {"id": str(ID), "email": "ada@example.org", "is_admin": False})
    async with scripted(said) as server, client_at(kind, server.address, token="t0k3n") as tales:
        me = await tales.me()

    assert (me.id, me.email, me.is_admin, me.holdings) == (ID, "ada@example.org", False, None)
    assert server.asked[0].line == "GET /api/v3/me HTTP/1.1"
    assert server.asked[0].headers["authorization"] == "Bearer t0k3n"


async def test_a_list_that_names_itself_as_its_next_page_ends(kind: Kind) -> None:
    page = answer(200, {"items": [], "next_cursor": "same"})
    async with scripted(page, page) as server, client_at(kind, server.address) as tales:
        with pytest.raises(UnexpectedAnswer, match="does not end"):
            await collect(tales.stories.list())


async def test_an_answer_that_is_lost_between_the_real_service_and_a_client_is_asked_for_again(
    kind: Kind, service: Service
) -> None:
    def first(asked: Asked, before: int) -> int | None:
        return 0 if before == 0 and asked.line.startswith(("GET", "PUT")) else None

    token = service.new_family()
    async with (
        cutting(service.address, first) as proxy,
        client_at(kind, proxy.address, token=token, retry=QUICK) as tales,
    ):
        hero = await tales.heroes.add("Captain Owl")
        generation = await tales.generations.create(hero_id=hero.id, moral="kindness", wait=30)
        rated = await tales.stories.rate(generation.story_id, 9)
        assert (await tales.stories.get(generation.story_id)) == rated

    assert [asked.line.split()[0] for asked in proxy.asked] == ["POST", "POST", "PUT", "PUT", "GET", "GET"]


async def test_a_wish_whose_answer_is_lost_makes_one_generation(kind: Kind, service: Service) -> None:
    def first_wish(asked: Asked, before: int) -> int | None:
        return 0 if before == 0 and "/generations" in asked.line else None

    async with (
        cutting(service.address, first_wish) as proxy,
        client_at(kind, proxy.address, token=service.new_family(), retry=QUICK) as tales,
    ):
        hero = await tales.heroes.add("Captain Owl")
        generation = await tales.generations.create(hero_id=hero.id, moral="kindness", wait=30)
        made = await collect(tales.generations.list())

    assert [asked.line.split()[:2] for asked in proxy.asked].count(["POST", "/api/v3/generations"]) == 2
    assert [found.generation_id for found in made] == [generation.generation_id]
    assert generation.status == "success"


async def test_one_key_stands_for_one_wish_across_programs(kind: Kind, service: Service) -> None:
    async with client_at(kind, service.address, token=service.new_family()) as tales:
        hero = await tales.heroes.add("Captain Owl")
        wishes = [
            await tales.generations.create(hero_id=hero.id, moral="kindness", idempotency_key="tonight")
            for _ in range(2)
        ]
        with pytest.raises(InvalidInput) as caught:
            await tales.generations.create(hero_id=hero.id, moral="courage", idempotency_key="tonight")

    assert wishes[0].generation_id == wishes[1].generation_id
    assert caught.value.code == "idempotency_key_reused"
