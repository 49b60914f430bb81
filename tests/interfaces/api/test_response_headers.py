"""What every answer has besides its content: an id, headers that confine it, and no more bytes than it needs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import httpx
import pytest
import structlog
from fastapi import APIRouter
from httpx import AsyncClient
from starlette.responses import StreamingResponse

from tales.application.services import Services
from tales.domain.actor import Actor
from tales.interfaces.api.app import HttpSettings, create_app
from tests.interfaces.api.test_problems import Failing
from tests.interfaces.api.world import client_of, problem, refused

SITE = "https://app.example.org"
ASKING = {"Origin": SITE, "Access-Control-Request-Method": "POST"}


@pytest.mark.parametrize("given", ["01J9ZQ-3f.a_b:7", "x", "0" * 64])
async def test_a_client_may_name_its_request(outsider: AsyncClient, given: str) -> None:
    answer = await outsider.get("/health/live", headers={"X-Request-Id": given})

    assert answer.headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "0" * 65, "two words", "a\tb", "<script>", "-x", "ünï", "a,b", '"x"'])
async def test_a_name_that_is_not_short_and_safe_is_replaced(outsider: AsyncClient, given: str) -> None:
    answer = await outsider.get("/health/live", headers=[(b"X-Request-Id", given.encode())])

    assert answer.headers["X-Request-Id"] != given
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])


async def test_no_two_requests_are_named_alike(outsider: AsyncClient) -> None:
    names = {(await outsider.get("/health/live")).headers["X-Request-Id"] for _ in range(5)}

    assert len(names) == 5


async def test_a_log_and_a_problem_name_the_request_that_failed(closed_services: Services) -> None:
    app = create_app(replace(closed_services, children=Failing(RuntimeError())))  # type: ignore[arg-type]
    token = closed_services.tokens.issue(Actor(UUID(int=1)))
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        async with client_of(app, "/api/v3", token) as client:
            one, other = await asyncio.gather(
                *(client.get("/children", headers={"X-Request-Id": name}) for name in ("one", "other"))
            )

    assert (problem(one, 500, "internal_error")["request_id"], one.headers["X-Request-Id"]) == ("one", "one")
    assert problem(other, 500, "internal_error")["request_id"] == "other"
    failed = [entry["request_id"] for entry in logs if entry["event"] == "request failed"]
    assert failed == ["one", "other"]


@pytest.mark.parametrize("path", ["/health/live", "/api/v3/children", "/nowhere", "/", "/docs", "/openapi.json"])
async def test_every_answer_is_confined(outsider: AsyncClient, path: str) -> None:
    headers = (await outsider.get(path)).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    # A page's forms have to say where they come from.
    assert headers["Referrer-Policy"] == ("same-origin" if path == "/" else "no-referrer")
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'unsafe" not in policy
    assert "Strict-Transport-Security" not in headers
    assert path == "/" or headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/docs", "/docs/oauth2-redirect"])
async def test_the_documentation_runs_its_own_scripts_alone(outsider: AsyncClient, path: str) -> None:
    page = await outsider.get(path)
    scripts = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts}
    policy = page.headers["Content-Security-Policy"]

    assert scripts
    (script_source,) = re.findall("script-src ([^;]+);", policy)
    assert set(script_source.split()) == {"'self'"} | hashes


async def test_over_https_a_browser_is_told_to_stay_there(closed_services: Services) -> None:
    transport = httpx.ASGITransport(create_app(closed_services))
    async with AsyncClient(transport=transport, base_url="https://tales.test") as client:
        answer = await client.get("/health/live")

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_a_long_answer_is_compressed_for_a_client_that_can_read_it(outsider: AsyncClient) -> None:
    plain = await outsider.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    compressed = await outsider.get("/openapi.json", headers={"Accept-Encoding": "br, gzip"})

    assert "Content-Encoding" not in plain.headers
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in compressed.headers["Vary"]
    assert int(compressed.headers["Content-Length"]) < len(plain.content) / 4
    assert compressed.json() == plain.json()


@pytest.mark.parametrize("accepted", ["gzip;q=0", "gzip; q=0.0, identity", "x-gzipped", "br", "", "*;q=0"])
async def test_a_client_that_cannot_read_it_gets_no_compressed_answer(outsider: AsyncClient, accepted: str) -> None:
    answer = await outsider.get("/openapi.json", headers={"Accept-Encoding": accepted})

    assert "Content-Encoding" not in answer.headers
    # Another client is given other bytes, as whoever keeps an answer for several must know.
    assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize("accepted", ["gzip", "GZIP", "br;q=1.0, gzip;q=0.8, *;q=0.1", "deflate,gzip"])
async def test_a_client_that_can_read_it_gets_one(outsider: AsyncClient, accepted: str) -> None:
    answer = await outsider.get("/openapi.json", headers={"Accept-Encoding": accepted})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers.get_list("Vary") == ["Accept-Encoding"]


async def test_a_short_answer_is_left_as_it_is(outsider: AsyncClient) -> None:
    answer = await outsider.get("/health/live", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(("media_type", "encoding"), [("text/event-stream", None), ("application/json", "gzip")])
async def test_an_event_goes_out_as_it_comes(closed_services: Services, media_type: str, encoding: str | None) -> None:
    """Also what is compressed is flushed piece by piece: the second piece is made once the first one has arrived."""
    arrived = asyncio.Event()
    router = APIRouter()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"data: one\n\n"
        await arrived.wait()
        yield b"data: two\n\n"

    @router.get("/pieces")
    async def stream() -> StreamingResponse:
        return StreamingResponse(pieces(), media_type=media_type)

    app = create_app(closed_services, pages=[router])
    sent: list[bytes] = []
    headers: dict[bytes, bytes] = {}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            headers.update(message["headers"])  # type: ignore[call-overload]
        elif body := message.get("body"):
            assert isinstance(body, bytes)
            sent.append(body)
            arrived.set()

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/pieces",
        "query_string": b"",
        "headers": [(b"accept-encoding", b"gzip")],
    }
    await asyncio.wait_for(app(scope, receive, send), timeout=5)  # type: ignore[arg-type]

    found = headers.get(b"content-encoding")
    assert (found.decode() if found else None) == encoding
    whole = zlib.decompress(b"".join(sent), 31) if encoding else b"".join(sent)
    assert whole == b"data: one\n\ndata: two\n\n"


@pytest.fixture
async def abroad(closed_services: Services) -> AsyncIterator[AsyncClient]:
    """A client of a service that lets pages of one other site in."""
    app = create_app(closed_services, http=HttpSettings(cors_origins=(SITE,)))
    async with client_of(app) as client:
        yield client


async def test_a_page_of_a_site_that_is_let_in_may_ask(abroad: AsyncClient) -> None:
    wanted = "authorization, content-type, if-match, idempotency-key, prefer, last-event-id, x-request-id"
    answer = await abroad.options("/api/v3/generations", headers=ASKING | {"Access-Control-Request-Headers": wanted})

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert {"POST", "PATCH", "PUT", "DELETE"} <= set(answer.headers["Access-Control-Allow-Methods"].split(", "))
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "changes",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": SITE + ".elsewhere.example"},
        {"Origin": "http://app.example.org"},
        {"Access-Control-Request-Method": "TRACE"},
        {"Access-Control-Request-Headers": "x-forwarded-for"},
    ],
)
async def test_any_other_may_not(abroad: AsyncClient, changes: dict[str, str]) -> None:
    answer = await abroad.options("/api/v3/generations", headers=ASKING | changes)

    problem(answer, 403, "forbidden")
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", ["/health/live", "/api/v3/children", "/nowhere"])
async def test_it_may_read_every_answer_and_the_headers_that_matter(abroad: AsyncClient, path: str) -> None:
    answer = await abroad.get(path, headers={"Origin": SITE})

    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"Location", "ETag", "Retry-After", "X-Request-Id", "Deprecation", "Sunset", "Link"} <= exposed
    assert "Origin" in answer.headers["Vary"]


async def test_it_may_read_that_a_body_is_too_large(abroad: AsyncClient) -> None:
    answer = await abroad.post("/api/v3/auth/signup", content=b" " * 70_000, headers={"Origin": SITE})

    problem(answer, 413, "content_too_large")
    assert answer.headers["Access-Control-Allow-Origin"] == SITE


async def test_how_large_a_body_may_be_is_the_operators_choice(closed_services: Services) -> None:
    async with client_of(create_app(closed_services, http=HttpSettings(largest_body=1024))) as client:
        headers = {"Content-Type": "application/json"}
        small = await client.post("/api/v3/auth/signup", content=b"{}".ljust(1024), headers=headers)
        large = await client.post("/api/v3/auth/signup", content=b"{}".ljust(1025), headers=headers)

    refused(small, "email", "password")
    problem(large, 413, "content_too_large")
