"""Requests as bytes on a socket: those of odd clients are read whole, and those without end are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tales.interfaces.api.http_protocol import LARGEST_HEAD, HttpProtocol

Talk = Callable[..., Coroutine[None, None, list[bytes]]]
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
WEBSOCKET = (
    b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n"
)
NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says what was asked, with which body."""
    request = Request(scope, receive)
    body = await request.body()
    trailers = request.headers.get("x-trailer", "").encode()
    content = b"[%b %b %b %d%b]" % (request.method.encode(), scope["raw_path"], body[:20], len(body), trailers)
    await Response(content)(scope, receive, send)


@pytest.fixture
async def talk() -> AsyncIterator[Talk]:
    """Sends pieces to a server, one after the other has been read, and gives what it answers until it closes."""
    config = uvicorn.Config(echo, port=0, log_config=None, lifespan="off", http=HttpProtocol)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 -- it tells nobody
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    async def talk(*pieces: bytes) -> list[bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.timeout(10):
                answered = b""
                try:
                    for piece in pieces:
                        writer.write(piece)
                        await writer.drain()
                        await asyncio.sleep(0)
                    while more := await reader.read(65536):
                        answered += more
                except ConnectionError:  # the server has read enough
                    pass
        finally:
            writer.close()
        return [part.split(b"\r\n\r\n", 1)[-1].rpartition(b"]")[0] + b"]" for part in answered.split(b"HTTP/1.1 200")][
            1:
        ]

    yield talk
    server.should_exit = True
    await serving


def cut(request: bytes, size: int) -> list[bytes]:
    return [request[at : at + size] for at in range(0, len(request), size)]


@pytest.mark.parametrize("upgrade", [H2C, WEBSOCKET, H2C.replace(b"Upgrade", b"uPGRADE"), b""])
@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    "body",
    [
        b'Content-Length: 8\r\n\r\n{"a": 1}',
        b'Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n5\r\n": 1}\r\n0\r\n\r\n',
    ],
)
async def test_a_body_is_read_whatever_protocol_a_client_would_rather_speak(
    talk: Talk, upgrade: bytes, size: int, body: bytes
) -> None:
    """Also the request after it, on the same connection."""
    request = b"POST /a?b=c%20d HTTP/1.1\r\nHost: x\r\n" + upgrade + body + NEXT

    assert await talk(*cut(request, size)) == [b'[POST /a {"a": 1} 8]', b"[GET /next  0]"]


async def test_what_is_no_request_after_an_upgrade_that_is_not_granted_is_refused(talk: Talk) -> None:
    request = b"POST /a HTTP/1.1\r\nHost: x\r\n" + H2C + b"Transfer-Encoding: chunked\r\n\r\nno chunk\r\n"

    assert await talk(request) == []


async def test_a_tunnel_is_refused(talk: Talk) -> None:
    for upgrade in (b"", H2C):
        assert await talk(b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n" + upgrade + b"\r\n") == []


async def test_a_head_has_a_limit(talk: Talk) -> None:
    begin = b"GET /a HTTP/1.1\r\nHost: x\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0"
    for endless in (b"A: " + b"a" * 10_000_000, b"A: a\r\n" * 1_000_000, b"A" * 10_000_000):
        assert await talk(begin, *cut(endless, LARGEST_HEAD)) == []
        # The same after a body, and as the extension of a chunk.
        assert await talk(begin + chunked + b"\r\n", *cut(endless, LARGEST_HEAD)) == []
        assert await talk(begin + chunked + b";", *cut(endless.replace(b"\r\n", b""), LARGEST_HEAD)) == []
    assert await talk(b"GET /" + b"a" * 10_000_000) == []


async def test_trailers_are_no_headers(talk: Talk) -> None:
    request = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Trailer: late\r\n\r\n"

    assert await talk(*cut(request + NEXT, 40)) == [b"[POST /a x 1]", b"[GET /next  0]"]


async def test_a_head_below_it_and_a_body_beyond_it_are_read(talk: Talk) -> None:
    large = b"A: " + b"a" * (LARGEST_HEAD // 2) + b"\r\n"
    body = b"x" * (LARGEST_HEAD * 3)
    one = b"POST /a HTTP/1.1\r\nHost: x\r\n" + large + b"Content-Length: %d\r\n\r\n" % len(body) + body

    assert await talk(*cut(one + one + NEXT, 1000)) == [b"[POST /a " + b"x" * 20 + b" 196608]"] * 2 + [
        b"[GET /next  0]"
    ]
