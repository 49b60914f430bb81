"""Whether the service lives, and its front door."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from httpx import AsyncClient

from tales.application.services import Services
from tales.domain.errors import Unavailable
from tales.interfaces.api.app import create_app
from tests.interfaces.api.world import client_of, problem


async def test_alive_and_ready(anyone: AsyncClient) -> None:
    assert (await anyone.get("/health/live")).json() == {"status": "live"}
    assert (await anyone.get("/health/ready")).json() == {"status": "ready"}


async def test_without_its_database_it_is_alive_and_not_ready(closed_services: Services) -> None:
    async def check_ready() -> None:
        raise Unavailable

    async with client_of(create_app(replace(closed_services, check_ready=check_ready))) as client:
        answer = await client.get("/health/ready")
        assert (await client.get("/health/live")).status_code == 200

    problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"]


async def test_the_front_door_needs_nothing_but_itself(outsider: AsyncClient) -> None:
    page = await outsider.get("/")

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    headers = {"X-Request-Id": page.headers["X-Request-Id"]}
    assert (await outsider.head("/", headers=headers)).headers == page.headers
    assert "<script" not in page.text
    assert "style=" not in page.text
    for address in re.findall(r'(?:href|src)="([^"]+)"', page.text):
        assert address.startswith("/")
        assert (await outsider.get(address)).status_code == 200
    assert (await outsider.get("/web/style.css")).headers["Content-Type"] == "text/css; charset=utf-8"


async def test_no_other_site_may_read_an_answer(outsider: AsyncClient) -> None:
    answer = await outsider.get("/health/live", headers={"Origin": "https://elsewhere.example"})

    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/health/live", 200), ("/problems/not_found", 200), ("/openapi.json", 200), ("/docs", 200), ("/nowhere", 404)]
    + [(f"/api/v{number}/stories", 401) for number in (1, 2, 3)],
)
async def test_a_head_request_is_answered_as_get_is(outsider: AsyncClient, path: str, status: int) -> None:
    headers = {"X-Request-Id": "one"}

    head, get = await outsider.head(path, headers=headers), await outsider.get(path, headers=headers)

    assert (head.status_code, head.headers) == (status, get.headers)
    assert head.content == b""
