"""`Idempotency-Key`: the same wish sent again is the same generation, however often and however fast."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient, Response

from tales.application.passwords import Passwords
from tales.application.services import Services
from tests.fixtures.databases import Database
from tests.fixtures.time import FakeClock
from tests.interfaces.api.limited import another_process, seen_by, within
from tests.interfaces.api.world import Family, problem, refused

HEADER = "Idempotency-Key"


def keyed(key: str | None = None) -> dict[str, str]:
    return {HEADER: key or str(uuid4())}


def counts(database: Database) -> tuple[int, int]:
    """How many attempts there are, and how many of them wait for a worker."""
    (row,) = database.rows("select count(*) as attempts, count(available_at) as waiting from tales.generations")
    return row["attempts"], row["waiting"]


async def test_the_same_wish_under_the_same_key_is_the_same_generation(family: Family, database: Database) -> None:
    wish, headers = await family.wish(), keyed()

    first = await family.client.post("/generations", json=wish, headers=headers)
    again = await family.client.post("/generations", json=wish, headers=headers)

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert counts(database) == (1, 1)


async def test_it_is_found_as_it_stands_meanwhile(family: Family) -> None:
    wish, headers = await family.wish(), keyed()
    first = await family.client.post("/generations", json=wish, headers=headers)
    await family.worker.run(first.json()["generation_id"])

    again = await family.client.post("/generations", json=wish, headers=headers | {"Prefer": "wait=30"})

    assert again.status_code == 200
    assert again.json()["status"] == "success"
    assert again.json()["story_id"] is not None
    assert again.headers["Location"] == first.headers["Location"]


async def test_how_a_wish_is_written_does_not_matter(family: Family, database: Database) -> None:
    wish, headers = await family.wish(), keyed() | {"Content-Type": "application/json"}
    others = [
        json.dumps(dict(reversed(wish.items())), indent=3),
        json.dumps(wish | {"language": "en", "hero_id": None, "model": None}),
        json.dumps(wish | {"child_id": wish["child_id"].upper()}),
    ]
    first = await family.client.post("/generations", json=wish, headers=headers)

    for body in others:
        again = await family.client.post("/generations", content=body, headers=headers)
        assert again.json()["generation_id"] == first.json()["generation_id"], body
    assert counts(database) == (1, 1)


@pytest.mark.parametrize(
    "changes",
    [{"moral": "courage"}, {"story_length": 4}, {"story_length": None}, {"language": "fr"}, {"model": "second/model"}],
    ids=str,
)
async def test_litellm_35563_another_wish_under_the_same_key_is_refused_and_not_dropped(
    family: Family, database: Database, changes: dict[str, Any]
) -> None:
    wish, headers = await family.wish(), keyed()
    await family.client.post("/generations", json=wish, headers=headers)

    answer = await family.client.post("/generations", json=wish | changes, headers=headers)

    assert problem(answer, 422, "idempotency_key_reused")["field"] == HEADER
    assert counts(database) == (1, 1)


async def test_without_a_key_each_wish_is_a_generation(family: Family, database: Database) -> None:
    wish = await family.wish()
    await family.ask(**wish)
    await family.ask(**wish)

    assert counts(database) == (2, 2)


async def test_a_key_with_and_without_quotation_marks_is_the_same(family: Family, database: Database) -> None:
    wish = await family.wish()

    for key in ('one "and" \\', '"one \\"and\\" \\\\"'):
        assert (await family.client.post("/generations", json=wish, headers=keyed(key))).status_code == 202
    assert counts(database) == (1, 1)


async def test_another_family_may_use_the_same_key(family: Family, stranger: Family, database: Database) -> None:
    headers = keyed()

    mine = await family.client.post("/generations", json=await family.wish(), headers=headers)
    theirs = await stranger.client.post("/generations", json=await stranger.wish(), headers=headers)

    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json()["generation_id"] != theirs.json()["generation_id"]
    assert counts(database) == (2, 2)


@pytest.mark.parametrize(
    "keys",
    [[b""], [b'""'], [b"x" * 256], [b"a\tb"], [b"a\x7fb"], ["clé".encode()], [b"\xff"], [b"one", b"two"], [b"one"] * 2],
    ids=str,
)
async def test_a_key_that_is_none_is_refused_by_the_headers_name(
    family: Family, database: Database, keys: list[bytes]
) -> None:
    wish = await family.wish()

    answer = await family.client.post("/generations", json=wish, headers=[(HEADER.encode(), key) for key in keys])

    refused(answer, HEADER)
    assert counts(database) == (0, 0)


async def test_a_key_may_be_long(family: Family) -> None:
    answer = await family.client.post("/generations", json=await family.wish(), headers=keyed("~" * 255))

    assert answer.status_code == 202


async def test_a_wish_that_is_refused_leaves_its_key_free(family: Family, database: Database) -> None:
    wish, headers = await family.wish(), keyed()
    refused(await family.client.post("/generations", json=wish | {"story_length": 0}, headers=headers), "story_length")
    problem(
        await family.client.post("/generations", json=wish | {"child_id": str(uuid4())}, headers=headers),
        404,
        "not_found",
    )
    assert database.rows("select from tales.idempotency_keys") == []

    assert (await family.client.post("/generations", json=wish, headers=headers)).status_code == 202


async def test_a_wish_that_is_sent_again_is_within_the_limits(family: Family, services: Services) -> None:
    wish, headers = await family.wish(), keyed()
    async with seen_by(family, within(services, per_day=1, concurrent=1)) as client:
        first = await client.post("/generations", json=wish, headers=headers)
        again = await client.post("/generations", json=wish, headers=headers)
        other = await client.post("/generations", json=wish, headers=keyed())

    assert again.json() == first.json()
    problem(other, 429, "too_many_requests")


async def test_a_wish_about_a_child_that_is_gone_is_still_known(family: Family) -> None:
    wish, headers = await family.wish(), keyed()
    first = await family.client.post("/generations", json=wish, headers=headers)
    await family.client.delete(f"/children/{wish['child_id']}")

    again = await family.client.post("/generations", json=wish, headers=headers)

    assert again.status_code == 202
    assert again.json()["generation_id"] == first.json()["generation_id"]


async def test_no_word_of_the_family_is_kept_with_a_key(family: Family, database: Database) -> None:
    await family.client.post("/generations", json=await family.wish(moral="zephyrs"), headers=keyed())

    (row,) = database.rows("select k::text as row, fingerprint from tales.idempotency_keys as k")
    assert "zephyr" not in row["row"]
    assert len(row["fingerprint"]) == 32


async def test_the_same_key_at_the_same_moment_in_two_processes_makes_one_generation(
    family: Family, services: Services, database: Database, clock: FakeClock, passwords: Passwords
) -> None:
    wish = await family.wish()
    async with (
        another_process(database, clock, passwords) as others,
        seen_by(family, services) as here,
        seen_by(family, others) as there,
    ):
        for _ in range(5):
            headers, before = keyed(), counts(database)[0]

            async def ask(client: AsyncClient, headers: dict[str, str] = headers) -> Response:
                return await client.post("/generations", json=wish, headers=headers)

            answers = await asyncio.gather(*(ask(client) for client in (here, there) * 5))

            assert {answer.status_code for answer in answers} == {202}
            assert len({answer.headers["Location"] for answer in answers}) == 1
            assert len({answer.json()["generation_id"] for answer in answers}) == 1
            assert counts(database) == (before + 1, before + 1)


async def test_two_wishes_under_one_key_at_the_same_moment_are_one_and_a_refusal(
    family: Family, database: Database
) -> None:
    wish, headers = await family.wish(), keyed()
    asking = [
        family.client.post("/generations", json=wish | {"story_length": minutes}, headers=headers)
        for minutes in range(1, 9)
    ]

    answers = await asyncio.gather(*asking)

    assert sorted(answer.status_code for answer in answers) == [202] + [422] * 7
    assert counts(database) == (1, 1)
