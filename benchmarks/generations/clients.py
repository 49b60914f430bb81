"""Clients that send one request after the other: `python -m benchmarks.generations.clients`, the figures as JSON.

Each keeps its connection. A request that is under way when the time is over is waited for, and not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import uvloop


@dataclass(slots=True)
class Counts:
    """What all clients have seen. Seconds."""

    request: bytes
    ends_at: float = 0.0
    left: int | None = None
    """Requests still to be sent; None: as many as there is time for."""
    took: list[float] = field(default_factory=list)
    wrong: int = 0
    statuses: dict[str, int] = field(default_factory=dict)


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, counts: Counts, done: asyncio.Future[None]) -> None:
        self._tally = counts
        self._done = done
        self._received = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count an answer that is whole, and send the next request."""
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
        if not separator or len(body) < length:
            return
        now = time.monotonic()
        if now <= self._tally.ends_at:
            self._tally.took.append(now - self._sent_at)
        status = head[9:12].decode()
        self._tally.statuses[status] = self._tally.statuses.get(status, 0) + 1
        if not (status.startswith("2") and b'"status":"success"' in body):
            self._tally.wrong += 1
        self._received = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server has closed it."""
        if not self._done.done():
            self._tally.wrong += 1
            self._done.set_result(None)

    def _send(self) -> None:
        assert self._transport is not None
        if time.monotonic() >= self._tally.ends_at or self._tally.left == 0:
            self._done.set_result(None)
            self._transport.close()
            return
        if self._tally.left is not None:
            self._tally.left -= 1
        self._sent_at = time.monotonic()
        self._transport.write(self._tally.request)


async def run(port: int, clients: int, seconds: float, count: int | None, request: bytes) -> dict[str, object]:
    """The figures; times in milliseconds."""
    loop = asyncio.get_running_loop()
    begins_at = time.monotonic()
    counts = Counts(request, ends_at=begins_at + seconds, left=count)
    ends: list[asyncio.Future[None]] = []
    for _ in range(clients):
        done: asyncio.Future[None] = loop.create_future()
        ends.append(done)
        await loop.create_connection(partial(Client, counts, done), "127.0.0.1", port)
    await asyncio.wait(ends)
    elapsed = min(time.monotonic(), counts.ends_at) - begins_at
    took = sorted(counts.took)

    def share(part: float) -> float:
        return round(took[min(len(took) - 1, int(part * len(took)))] * 1000, 2) if took else 0.0

    return {
        "clients": clients,
        "answers": len(took),
        "per_second": round(len(took) / elapsed, 1),
        "p50_ms": share(0.5),
        "p99_ms": share(0.99),
        "wrong": counts.wrong,
        "statuses": counts.statuses,
        "seconds": round(elapsed, 2),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--count", type=int, default=None, help="requests in all")
    asked = parser.parse_args()
    figures = uvloop.run(run(asked.port, asked.clients, asked.seconds, asked.count, sys.stdin.buffer.read()))
    print(json.dumps(figures))
