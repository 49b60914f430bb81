"""Servers that misbehave on real sockets: one that plays a script, and a proxy that loses answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias
from urllib.parse import urlsplit


class Fault(Enum):
    """What a connection may meet instead of an answer."""

    RESET = auto()
    SILENCE = auto()


Step: TypeAlias = bytes | float | Fault
"""Bytes, a pause in seconds, or a fault."""
Answer: TypeAlias = Sequence[Step]


def answer(status: int, body: object = None, *headers: str) -> Answer:
    """A whole answer with JSON."""
    kind = "application/json" if status < 400 else "application/problem+json"
    text = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} -", f"Content-Type: {kind}", f"Content-Length: {len(text)}", *headers, "", ""]
    return ["\r\n".join(lines).encode() + text]


def problem(status: int, code: str, *headers: str) -> Answer:
    """A problem document."""
    return answer(status, {"status": status, "code": code, "title": code, "detail": f"It is {code}."}, *headers)


def stream(*events: tuple[str, object, str], cut: bool = False) -> Answer:
    """Server-sent events (kind, data, id) in one chunk each; `cut` breaks off in the middle of a last one."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    written = [f"event: {kind}\ndata: {json.dumps(data)}\nid: {id_}\n\n".encode() for kind, data, id_ in events]
    chunks = [f"{len(text):x}\r\n".encode() + text + b"\r\n" for text in written]
    return [head, *chunks, *([b"40\r\nevent: delta\ndata: {", Fault.RESET] if cut else [b"0\r\n\r\n"])]


@dataclass
class Asked:
    """A request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Scripted:
    """Answers the n-th request with the n-th answer of its script, or as `decide` says, and keeps the requests."""

    script: list[Answer]
    decide: Callable[[Asked], Answer] | None = None
    address: str = ""
    asked: list[Asked] = field(default_factory=list)
    _at_work: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._at_work.add(asyncio.create_task(self._serve(reader, writer)))

    async def stop(self) -> None:
        for task in self._at_work:
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await _read_request(reader)
                self.asked.append(asked)
                for step in self.decide(asked) if self.decide else self.script[len(self.asked) - 1]:
                    if step is Fault.RESET:
                        reset(writer)
                        return
                    if step is Fault.SILENCE:
                        await reader.read()
                        return
                    if isinstance(step, float):
                        await asyncio.sleep(step)
                        continue
                    assert isinstance(step, bytes)
                    writer.write(step)
                    await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def scripted(*script: Answer, decide: Callable[[Asked], Answer] | None = None) -> AsyncIterator[Scripted]:
    """A server that plays this script."""
    server = Scripted(list(script), decide)
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    server.address = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        await server.stop()


Cut: TypeAlias = Callable[[Asked, int], int | None]
"""After how many bytes of an answer the connection is reset, and None for never: by the request, and how often its like
(method and path) came before."""


@contextlib.asynccontextmanager
async def cutting(service: str, cut: Cut) -> AsyncIterator[Scripted]:
    """A proxy before `service` that passes each request on, and gives some of the answers in part or not at all."""
    upstream = urlsplit(service)
    server = Scripted([])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await _read_request(reader)
            before = sum(other.line == asked.line for other in server.asked)
            server.asked.append(asked)
            left = cut(asked, before)
            async for piece in _ask_upstream(asked, upstream.hostname or "", upstream.port or 80):
                writer.write(piece if left is None else piece[:left])
                await writer.drain()
                left = None if left is None else left - len(piece)
                if left is not None and left <= 0:
                    reset(writer)
                    return
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has gone
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.address = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()


async def _ask_upstream(asked: Asked, host: str, port: int) -> AsyncIterator[bytes]:
    """The answer as it comes, on a connection of its own."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        headers = asked.headers | {"connection": "close"}
        head = "\r\n".join([asked.line, *(f"{name}: {value}" for name, value in headers.items()), "", ""])
        writer.write(head.encode("latin-1") + asked.body)
        while piece := await reader.read(65536):
            yield piece
    finally:
        writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (header.partition(":") for header in rest)}
    return Asked(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection, as a crashed machine or a firewall does."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
