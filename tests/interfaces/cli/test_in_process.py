"""The API within a command's own process: answers come as they are written, and nobody else reaches it."""

from __future__ import annotations

import asyncio
import socket

import httpx2
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tales.domain.errors import Unavailable
from tales.infrastructure.repositories.accounts import SqlAccountRepository
from tales.interfaces.cli.in_process import AppTransport
from tests.interfaces.cli.conftest import Tales
from tests.interfaces.cli.test_write import MIA

ADDRESS = "http://this-process"


def client_of(app: ASGIApp) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=AppTransport(app), base_url=ADDRESS, trust_env=False)


async def begin(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})


async def test_an_application_gets_what_was_sent_and_is_read_whole() -> None:
    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        sent = await receive()
        await begin(send)
        asked = f"{scope['method']} {scope['path']} {scope['query_string'].decode()} ".encode()
        await send({"type": "http.response.body", "body": asked + sent["body"]})

    async with client_of(echo) as client:
        answer = await client.post("/a b", params={"q": "é"}, content=b"body")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain")
    assert answer.text == "POST /a b q=%C3%A9 body"


async def test_a_piece_arrives_before_the_next_one_is_written() -> None:
    read = asyncio.Event()

    async def slow(_: Scope, __: Receive, send: Send) -> None:
        await begin(send)
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await read.wait()
        await send({"type": "http.response.body", "body": b"two"})

    pieces = []
    async with client_of(slow) as client, client.stream("GET", "/") as answer:
        async for piece in answer.aiter_bytes():
            pieces.append(piece)
            read.set()

    assert pieces == [b"one", b"two"]


async def test_a_client_that_leaves_ends_the_answer() -> None:
    ended = asyncio.Event()

    async def endless(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await begin(send)
        try:
            await receive()
        finally:
            ended.set()

    async with client_of(endless) as client, client.stream("GET", "/"):
        assert not ended.is_set()

    assert ended.is_set()


async def test_a_client_that_is_cancelled_while_it_waits_ends_the_request() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def silent(_: Scope, __: Receive, ___: Send) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with client_of(silent) as client:
        asking = asyncio.create_task(client.get("/"))
        await begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    assert ended.is_set()


@pytest.mark.parametrize("has_begun", [False, True])
async def test_an_application_that_breaks_off_is_a_broken_connection(has_begun: bool) -> None:
    async def broken(_: Scope, __: Receive, send: Send) -> None:
        if has_begun:
            await begin(send)
        raise RuntimeError("words of a family")

    async with client_of(broken) as client:
        with pytest.raises(httpx2.RemoteProtocolError, match="broken off"):
            await client.get("/")


def test_a_story_is_written_without_a_socket_that_listens(tales: Tales, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nobody shall reach this process")

    monkeypatch.setattr(socket.socket, "listen", refuse)

    assert tales(*MIA).status == 0


def test_limits_and_an_outside_provider_of_users_are_for_servers(tales: Tales) -> None:
    tales.set(
        TALES_REQUESTS_PER_MINUTE="1",
        TALES_DAILY_GENERATIONS="1",
        TALES_CONCURRENT_GENERATIONS="1",
        TALES_JWKS_URL="http://127.0.0.1:1/keys",
    )

    assert [tales(*MIA).status for _ in range(2)] == [0, 0]


def test_an_operator_is_told_what_a_server_would_log(tales: Tales, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("The database is away. Check TALES_DATABASE_URL.")

    monkeypatch.setattr(SqlAccountRepository, "holdings", away)

    assert "Check TALES_DATABASE_URL" in tales(*MIA).err


def test_a_proxy_is_not_asked_for_this_very_process(tales: Tales) -> None:
    tales.set(HTTP_PROXY="http://127.0.0.1:1", http_proxy="http://127.0.0.1:1")

    assert tales(*MIA).status == 0
