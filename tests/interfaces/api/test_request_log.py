"""Each request is one line of the log, and no word of a family comes into it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog
from fastapi import APIRouter
from httpx import AsyncClient
from starlette.responses import StreamingResponse

from tales.application.services import Services
from tales.interfaces.api.app import create_app
from tests.interfaces.api.world import Family, client_of

Lines = list[Any]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is logged, as the log has it unless it was told to say less."""
    structlog.reset_defaults()
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        yield logs


async def test_a_request_is_a_line_with_its_id_and_where_when_and_how_it_ended(
    lines: Lines, outsider: AsyncClient
) -> None:
    await outsider.get("/api/v3/children/01890a5d-ac96-774b-bcce-b302099a8057", headers={"X-Request-Id": "one"})
    await outsider.get("/health/live", headers={"X-Request-Id": "two"})

    first, second = lines
    assert first.pop("ms") >= 0
    assert second["request_id"] == "two"
    assert first == {
        "event": "request",
        "log_level": "info",
        "request_id": "one",
        "method": "GET",
        "route": "/api/v3/children/{child_id}",
        "status": 401,
    }


async def test_nothing_that_a_family_says_comes_in(lines: Lines, family: Family) -> None:
    said = "Zephyrine"
    child = await family.add_child(name=said)
    story = await family.story(moral=said)
    await family.client.get(f"/stories?q={said}")
    await family.client.get(f"/{said}?{said}={said}")
    await family.client.get(f"/children/{said}")
    await family.client.request(said.upper(), "/children", headers={"X-Request-Id": f"{said} {said}"})
    await family.client.get(f"/children?{said}={said}")

    requests = [line for line in lines if line["event"] == "request"]
    assert len(requests) == 10
    assert {line["status"] for line in requests} >= {200, 201, 202, 404, 405, 422}
    for words in (said, said.upper(), child["id"], story["id"], str(family.user_id)):
        assert words not in repr(lines)


async def test_a_stream_is_a_line_once_it_has_ended(lines: Lines, closed_services: Services) -> None:
    going_on, router = asyncio.Event(), APIRouter()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        await going_on.wait()
        yield b"two"

    @router.get("/pieces")
    async def stream() -> StreamingResponse:
        return StreamingResponse(pieces())

    async with client_of(create_app(closed_services, pages=[router])) as client:
        asking = asyncio.create_task(client.get("/pieces"))
        await asyncio.sleep(0)
        assert lines == []
        going_on.set()
        await asking

    assert [(line["route"], line["status"]) for line in lines] == [("/pieces", 200)]
