"""Servers that say exactly the bytes they are told to, and a client that remembers what it was handed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from tales.application.ports import Clock, ModelAnswer, ModelCall
from tales.domain.failures import FailureKind
from tales.infrastructure.postgres.escaping import escape_json
from tales.infrastructure.providers.endpoint import Endpoint, Limits
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider

STREAM = "Content-Type: text/event-stream"
JSON = "Content-Type: application/json"
IMPATIENT = Limits(connect_timeout=2.0, token_timeout=0.5, deadline=10.0)


class Now(Enum):
    """What a server can do besides saying bytes."""

    RESET = auto()
    READ_ON = auto()  # the next request on the same connection
    WAIT_FOR_EVER = auto()


Step = bytes | float | Now


def head(*headers: str, status: str = "200 OK") -> bytes:
    """The head of an answer whose body ends with the connection, unless a header says otherwise."""
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode()


def event(content: str | None = None, finish: str | None = None, **fields: Any) -> bytes:
    """One chunk of a stream."""
    delta = {} if content is None else {"role": "assistant", "content": content}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "gen-1", "object": "chat.completion.chunk", "model": "m/one", "choices": [choice]} | fields
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
HALF = event("Once upon ")
WHOLE = HALF + event("a time.") + event("", "stop") + DONE


@dataclass
class Server:
    """Plays its script on each connection, and keeps the requests."""

    script: Sequence[Step]
    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    _at_work: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def body(self) -> Any:
        """The body of the last request."""
        return json.loads(self.requests[-1].partition(b"\r\n\r\n")[2])

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection in a task of its own, which `stop` can wait for."""
        self._at_work.add(asyncio.create_task(self._serve(reader, writer)))

    async def stop(self) -> None:
        """End every connection."""
        for task in self._at_work:
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._read(reader)
        for step in self.script:
            match step:
                case Now.READ_ON:
                    await self._read(reader)
                case Now.RESET:
                    no_linger = struct.pack("ii", 1, 0)
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
                    writer.transport.abort()
                    return
                case Now.WAIT_FOR_EVER:
                    await reader.read()  # until the client hangs up
                    return
                case float():
                    await asyncio.sleep(step)
                case bytes():
                    writer.write(step)
                    await writer.drain()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        self.requests.append(request + await reader.readexactly(int(length.partition(b":")[2])))


@contextlib.asynccontextmanager
async def saying(*script: Step) -> AsyncIterator[Server]:
    """A server on loopback that answers a request with `script` (bytes, pauses in seconds) and hangs up."""
    server = Server(script or (b"",))
    listener = await asyncio.start_server(server.accept, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        listener.close()
        await server.stop()


@dataclass
class Observed:
    """The answer, and all that was told of it on the way."""

    answer: ModelAnswer
    ids: list[str]
    pieces: list[str]

    @property
    def kind(self) -> FailureKind | None:
        return None if self.answer.failure is None else self.answer.failure.kind

    @property
    def body(self) -> Any:
        return self.answer.full_response


def stored(value: Any) -> str:
    """`value` as the database's driver writes it; raises where it cannot."""
    text = json.dumps(escape_json(value), ensure_ascii=False, allow_nan=False)
    assert "\x00" not in text
    text.encode()
    return text


async def ask(
    url: str,
    clock: Clock,
    model: str = "m/one",
    *,
    limits: Limits = IMPATIENT,
    prompt: str = "Tell a story.",
    endpoint: Endpoint | None = None,
    on_id: Callable[[str], None] | None = None,
) -> Observed:
    """One call by a client of its own. Its response can always be stored, and its text is what was handed on."""
    ids: list[str] = []
    pieces: list[str] = []

    def remember(provider_id: str) -> None:
        ids.append(provider_id)
        if on_id is not None:
            on_id(provider_id)

    async with OpenAiCompatibleProvider(endpoint or Endpoint(url), limits, clock) as provider:
        answer = await provider.complete(ModelCall(model, prompt, 3), remember, pieces.append)
    stored(answer.full_response)
    assert "".join(pieces) == answer.text
    return Observed(answer, ids, pieces)


async def hear(clock: Clock, *script: Step, limits: Limits = IMPATIENT) -> Observed:
    """What a client makes of a server that says `script`."""
    async with saying(*script) as server:
        return await ask(server.url, clock, limits=limits)
