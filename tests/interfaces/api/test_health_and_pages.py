"""Whether the service lives, and its front door."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
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
    assert "<script>" not in page.text
    assert "style=" not in page.text
    for address in re.findall(r'(?:href|src|action)="([^"#]+)"', page.text):
        assert address.startswith("/")
        assert (await outsider.get(address)).status_code in ({405} if address == "/look" else {200})


async def test_no_other_site_may_read_an_answer(outsider: AsyncClient) -> None:
    answer = await outsider.get("/health/live", headers={"Origin": "https://elsewhere.example"})

    assert not [name for name in answer.headers if name.startswith("access-control-")]


def addresses(app: FastAPI) -> list[str]:
    """Every address that takes GET, with an id where there is one."""
    paths = {
        context.path
        for context in iter_route_contexts(app.routes)
        if context.path and "GET" in (context.methods or ()) and "generate" not in context.path
    }
    return sorted(re.sub(r"\{\w+\}", "01890a5d-ac96-774b-bcce-b302099a8057", path) for path in paths)


async def test_a_head_request_is_answered_as_get_is_at_every_address(
    closed_app: FastAPI, outsider: AsyncClient
) -> None:
    found = addresses(closed_app)
    assert {"/", "/docs", "/docs/v1", "/openapi.json", "/health/live", "/api/v1/stories"} <= set(found)
    for address in [*found, "/nowhere"]:
        headers = {"X-Request-Id": "one"}
        head, get = await outsider.head(address, headers=headers), await outsider.get(address, headers=headers)
        head.headers.pop("Set-Cookie", None)  # a browser is given one once
        assert (head.status_code, head.headers, head.content) == (get.status_code, get.headers, b""), address
        assert get.status_code in ({500} if address == "/health/ready" else {200, 401, 404}), address
    # How long its compressed bytes would be, the server does not find out for a client that wants none.
    assert (await outsider.head("/docs/assets/swagger-ui.css")).status_code == 200


@pytest.mark.parametrize("accepted", ["text/html", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"])
async def test_a_browser_is_shown_a_page_where_nothing_is(outsider: AsyncClient, accepted: str) -> None:
    for address in ("/Mia-and-the-dragon", "/health/nothing", "/problems/nothing"):
        answer = await outsider.get(address, headers={"Accept": accepted})

        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8"), address
        assert "Accept" in answer.headers["Vary"]
        assert answer.headers["Cache-Control"] == "no-store"
        for linked in re.findall(r'(?:href|src)="([^"#]+)"', answer.text):
            assert (await outsider.get(linked)).status_code == 200


@pytest.mark.parametrize("accepted", ["*/*", "application/json", "application/problem+json", ""])
async def test_a_program_is_answered_with_a_problem_there(outsider: AsyncClient, accepted: str) -> None:
    problem(await outsider.get("/nowhere", headers={"Accept": accepted}), 404, "not_found")


async def test_what_a_browser_sends_to_the_api_is_answered_with_a_problem(outsider: AsyncClient) -> None:
    problem(await outsider.post("/api/v3/nowhere", headers={"Accept": "text/html"}), 404, "not_found")
    problem(await outsider.get("/api/v3/children", headers={"Accept": "text/html"}), 401, "not_signed_in")
