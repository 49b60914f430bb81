"""Connections are counted, and none keeps the server waiting for long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tales.interfaces.api.connections import ConnectionLimits, is_among
from tales.interfaces.api.http_protocol import http_protocol
from tests.fixtures.waiting import until

PATIENCE = 0.3
LARGE = 10_000_000
"""Bytes: more than a connection holds that nobody reads from."""

WHOLE = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
HALF_HEAD = WHOLE[:-2]
HALF_BODY = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"
Connect = Callable[..., Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Says the body's length; a large answer, or one that takes its time, where that is asked for."""
    body = await Request(scope, receive).body()
    if scope["path"] == "/large":
        await Response(b"x" * LARGE)(scope, receive, send)
    elif scope["path"] == "/stream":

        async def ticks() -> AsyncIterator[bytes]:
            for _ in range(10):
                yield b"tick "
                await asyncio.sleep(PATIENCE / 4)

        await StreamingResponse(ticks())(scope, receive, send)
    else:
        await Response(b"%d bytes" % len(body))(scope, receive, send)


@asynccontextmanager
async def serving(**limits: Any) -> AsyncIterator[Connect]:
    """A server within these limits, and how to connect to it; no proxy is known unless it is named."""
    protocol = http_protocol(ConnectionLimits(**{"patience": PATIENCE, "proxies": "", **limits}))
    config = uvicorn.Config(application, port=0, log_config=None, lifespan="off", http=protocol)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    writers = []

    async def connect(sent: bytes = b"", source: str = HERE) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(HERE, port, local_addr=(source, 0))
        writers.append(writer)
        writer.write(sent)
        return reader, writer

    yield connect
    for writer in writers:
        writer.transport.abort()
    server.should_exit = True
    await serving


async def rest_of(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server closes, soon."""
    said = b""
    async with asyncio.timeout(PATIENCE * 10):
        with suppress(ConnectionError):
            while more := await reader.read(65536):
                said += more
    return said


async def answer_of(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE * 10):
        return await reader.readuntil(b"\r\n\r\n")


def problem_of(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return json.loads(body) | {"retry": b"retry-after: " in head, "closes": b"connection: close" in head}


@pytest.mark.parametrize("half", [HALF_HEAD, HALF_BODY, WHOLE + HALF_HEAD, WHOLE + HALF_BODY], ids=repr)
async def test_half_a_request_ends_after_some_seconds_with_a_sentence(half: bytes) -> None:
    async with serving() as connect:
        reader, _ = await connect(half)
        if half.startswith(WHOLE):
            assert (await answer_of(reader)).startswith(b"HTTP/1.1 200")
            await reader.readexactly(len(b"0 bytes"))
        said = problem_of(await rest_of(reader))

    assert (said["status"], said["code"], said["closes"]) == (408, "request_timeout", True)
    assert said["detail"] == f"A request has to arrive whole within {PATIENCE} seconds."


@pytest.mark.parametrize("sent", [b"", b"\r\n", WHOLE + b"\r\n"], ids=repr)
async def test_a_connection_without_a_request_is_closed(sent: bytes) -> None:
    async with serving() as connect:
        reader, writer = await connect(sent)
        if sent.startswith(WHOLE):
            await answer_of(reader)
            writer.write(b"\r\n")
        assert b"408" not in await rest_of(reader)


async def test_drops_that_come_one_by_one_do_not_prolong_it() -> None:
    async with serving() as connect:
        reader, writer = await connect(HALF_HEAD)

        async def drip() -> None:
            while True:
                writer.write(b"A: a\r\n")
                await asyncio.sleep(PATIENCE / 20)

        dripping = asyncio.create_task(drip())
        said = await rest_of(reader)
        dripping.cancel()
    assert b"408" in said[:20] or said == b""


async def test_a_stream_that_lasts_longer_is_not_cut_by_a_line_break() -> None:
    async with serving() as connect:
        reader, writer = await connect(WHOLE.replace(b"/a", b"/stream"))
        await answer_of(reader)
        writer.write(b"\r\n")
        async with asyncio.timeout(10):
            assert (await reader.readuntil(b"0\r\n\r\n")).count(b"tick") == 10


async def test_an_answer_that_nobody_takes_is_given_up_and_a_slow_reader_gets_all_of_it() -> None:
    async with serving() as connect:
        slow, _ = await connect(WHOLE.replace(b"/a", b"/large"))
        idle, _ = await connect(WHOLE.replace(b"/a", b"/large"))
        idle._transport.pause_reading()  # type: ignore[attr-defined]
        read = 0
        async with asyncio.timeout(10):
            while read < LARGE:
                read += len(await slow.read(LARGE // 100))
                await asyncio.sleep(PATIENCE / 30)
        idle._transport.resume_reading()  # type: ignore[attr-defined]
        assert 0 < len(await rest_of(idle)) < LARGE


async def test_a_client_has_so_many_connections_and_another_has_its_own() -> None:
    async with serving(per_client=3, patience=5) as connect:
        for _ in range(3):
            reader, _ = await connect(WHOLE)
            assert b"200" in await answer_of(reader)
        refused, _ = await connect()
        said = problem_of(await rest_of(refused))
        other, _ = await connect(WHOLE, source=ELSEWHERE)
        assert b"200" in await answer_of(other)

    assert (said["status"], said["limit"], said["retry"]) == (429, "connections_per_client", True)
    assert said["detail"] == "You may have 3 connections at a time, and have. Close some."


async def test_a_closed_connection_counts_no_longer() -> None:
    async with serving(per_client=1, patience=5) as connect:
        for _ in range(5):
            reader, writer = await connect(WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            assert b"200" in await rest_of(reader)
            writer.close()


async def test_a_proxy_has_as_many_as_there_are() -> None:
    async with serving(per_client=1, proxies="10.0.0.0/8, 127.0.0.1") as connect:
        for _ in range(3):
            reader, _ = await connect(WHOLE)
            assert b"200" in await answer_of(reader)


async def test_when_all_are_taken_whoever_keeps_most_waiting_makes_room() -> None:
    async with serving(in_all=4, patience=30) as connect:
        mine, writer = await connect(WHOLE, source=ELSEWHERE)
        await answer_of(mine)
        halves = [await connect(HALF_HEAD) for _ in range(3)]
        reader, _ = await connect(WHOLE, source=ELSEWHERE)
        assert b"200" in await answer_of(reader)
        assert await rest_of(halves[0][0]) == b""
        assert not any(half.at_eof() for half, _ in halves[1:])
        await mine.readexactly(len(b"0 bytes"))
        writer.write(WHOLE)
        assert b"200" in await answer_of(mine)


async def test_when_all_are_at_work_the_next_is_told_to_come_back() -> None:
    async with serving(in_all=2) as connect:
        for _ in range(2):
            reader, _ = await connect(WHOLE.replace(b"/a", b"/stream"))
            await answer_of(reader)
        refused, _ = await connect(WHOLE)
        said = problem_of(await rest_of(refused))

    assert (said["status"], said["limit"], said["retry"]) == (503, "connections", True)
    assert "has 2 connections at a time" in said["detail"]


async def test_nobody_makes_room_for_a_client_that_has_more_than_they() -> None:
    async with serving(in_all=3, patience=30) as connect:
        mine, writer = await connect(WHOLE, source=ELSEWHERE)
        await answer_of(mine)
        await mine.readexactly(len(b"0 bytes"))
        for _ in range(2):
            reader, _ = await connect(WHOLE.replace(b"/a", b"/stream"))
            await answer_of(reader)
        refused, _ = await connect(WHOLE)
        assert problem_of(await rest_of(refused))["limit"] == "connections"
        writer.write(WHOLE)
        assert b"200" in await answer_of(mine)


def test_proxies_are_named_by_addresses_and_networks() -> None:
    assert is_among("10.1.2.3", "192.0.2.1, 10.0.0.0/8")
    assert is_among("::1", "*")
    assert is_among("2001:db8::1", "2001:db8::/32")
    assert not is_among("192.0.2.2", "192.0.2.1, 10.0.0.0/8,nonsense")
    assert not is_among("", "192.0.2.1")
