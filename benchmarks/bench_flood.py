"""One user floods: what another user's story, list and sign-in take meanwhile, beside what they take alone.

`python -m benchmarks.bench_flood [--rounds 5] [--only sign-ins]`, or `make bench-flood`: some minutes. A real server
with an embedded database, whose stories come from the simulator and take about 2.7 s. The flood comes from another
network address: in turn 800 stories, 30 sign-ins at a time, 1,000 streams of events and 1,100 half requests. Rounds
alone and rounds beside the flood come in the same run. Leaves with 1 when a median is more than three times what it is
alone.

The 800 stories come twice: with the limits that come along, which refuse most of them, and with those lifted, so that
all of them wait and the turns are what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.generations.service import UNLIMITED
from benchmarks.measuring import say_table
from tales.infrastructure.embedded.server import stop_embedded

STORIES = 800
SIGN_INS = 30
STREAMS = 1000
HALVES = 1100
MODEL = "sim/slow-9"
MOST = 3.0
"""Times as long as alone."""
_ELSEWHERE = "127.0.0.2"
"""The address that the flood comes from."""
_COMMAND = [sys.executable, "-m", "tales.interfaces.cli.main"]
_PASSWORD = "correct horse battery"
_HALF = b"POST /api/v3/auth/token HTTP/1.1\r\nHost: tales\r\nContent-Le"
_START_SECONDS = 120.0
_STORY_SECONDS = 900.0


@dataclass
class Family:
    """A user with a child."""

    http: aiohttp.ClientSession
    address: str
    headers: dict[str, str] = field(default_factory=dict)
    child: str = ""

    async def begin(self) -> None:
        """Open the account, sign in, and have a child."""
        account = {"email": self.address, "password": _PASSWORD}
        async with self.http.post("/api/v3/auth/signup", json=account) as answer:
            await answer.read()
        await self.sign_in()
        async with self.http.post("/api/v3/children", json={"name": "Mia", "age": 6}, headers=self.headers) as answer:
            self.child = (await answer.json())["id"]

    async def sign_in(self) -> int:
        """Get a token; the status of the answer."""
        form = {"username": self.address, "password": _PASSWORD}
        async with self.http.post("/api/v3/auth/token", data=form) as answer:
            body = await answer.json()
            if answer.status == 200:
                self.headers = {"Authorization": f"Bearer {body['access_token']}"}
            return answer.status

    async def list(self) -> int:
        """Look at the stories."""
        async with self.http.get("/api/v3/stories", headers=self.headers) as answer:
            await answer.read()
            return answer.status

    async def ask(self, *, wait: bool = False) -> tuple[int, str]:
        """Ask for a story; the status, and the generation's id. `wait`: until it is told."""
        wish = {"story_type": "child", "child_id": self.child, "moral": "kindness", "story_length": 1}
        headers = self.headers | ({"Prefer": "wait=120"} if wait else {})
        async with self.http.post("/api/v3/generations", json=wish, headers=headers) as answer:
            body = await answer.json()
            return answer.status, str(body.get("generation_id", ""))

    async def story(self) -> int:
        """Ask for a story, and wait until it is told."""
        deadline = time.monotonic() + _STORY_SECONDS
        status, id_ = await self.ask(wait=True)
        while status == 202 and time.monotonic() < deadline:
            headers = self.headers | {"Prefer": "wait=120"}
            async with self.http.get(f"/api/v3/generations/{id_}", headers=headers) as answer:
                body = await answer.json()
                status = {"pending": 202, "success": 201}.get(body["status"], 500)
        return status


Took = dict[str, list[float]]


async def measure(family: Family, rounds: int, took: Took) -> None:
    """So many times: a list, a sign-in and a story. Milliseconds."""
    for _ in range(rounds):
        for name, call, times in (("list", family.list, 4), ("sign-in", family.sign_in, 2), ("story", family.story, 1)):
            for _ in range(times):
                begun = time.perf_counter()
                status = await call()
                took.setdefault(name if status < 400 else f"{name}: {status}", []).append(
                    (time.perf_counter() - begun) * 1000
                )


Flood = Callable[[Family, int, Counter[str]], Coroutine[Any, Any, None]]


async def stories(family: Family, _port: int, seen: Counter[str]) -> None:
    """Ask for 800 stories, 40 at a time."""
    places = asyncio.Semaphore(40)

    async def one() -> None:
        async with places:
            status, _ = await family.ask()
            seen[str(status)] += 1

    await asyncio.gather(*(one() for _ in range(STORIES)))


async def sign_ins(family: Family, _port: int, seen: Counter[str]) -> None:
    """Thirty at a time, again and again."""

    async def again() -> None:
        while True:
            seen[str(await family.sign_in())] += 1

    await asyncio.gather(*(again() for _ in range(SIGN_INS)))


async def streams(family: Family, _port: int, seen: Counter[str]) -> None:
    """Follow one story a thousand times, and again when a stream has ended."""
    _, followed = await family.ask()

    async def follow() -> None:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                path = f"/api/v3/generations/{followed}/events"
                async with family.http.get(path, headers=family.headers) as answer:
                    seen[str(answer.status)] += 1
                    await answer.read()
            await asyncio.sleep(5)

    await asyncio.gather(*(follow() for _ in range(STREAMS)))


async def halves(_family: Family, port: int, seen: Counter[str]) -> None:
    """Send half a request over each of 1,100 connections, and again when one was ended."""

    async def half() -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(_ELSEWHERE, 0))
                writer.write(_HALF)
                seen["sent"] += 1
                await reader.read()
                writer.close()
            await asyncio.sleep(1)

    await asyncio.gather(*(half() for _ in range(HALVES)))


async def run(port: int, floods: dict[str, Flood], rounds: int) -> list[tuple[object, ...]]:
    """Each flood in turn, with rounds alone before each and after the last; a line for each flood and call."""
    lines: list[tuple[object, ...]] = []
    alone: Took = {}
    beside: dict[str, tuple[Took, Counter[str]]] = {}
    async with AsyncExitStack() as stack:
        family = Family(await stack.enter_async_context(_client(port, "127.0.0.1")), "family@example.org")
        await family.begin()
        await measure(family, 1, {})
        for number, (name, flood) in enumerate(floods.items()):
            async with _client(port, _ELSEWHERE) as elsewhere:
                flooder = Family(elsewhere, f"flood{number}@example.org")
                await flooder.begin()
                await measure(family, rounds, alone)
                took, seen = beside[name] = {}, Counter[str]()
                flooding = asyncio.create_task(flood(flooder, port, seen))
                await measure(family, rounds, took)
                flooding.cancel()
                await asyncio.gather(flooding, return_exceptions=True)
            # What it leaves behind is no part of what comes next.
            await _wait_until_idle(family)
    for name, (took, seen) in beside.items():
        answers = ", ".join(f"{count:,} × {status}" for status, count in seen.most_common())
        for call, times in took.items():
            before = statistics.median(alone[call]) if call in alone else 0.0
            now = statistics.median(times)
            ratio = now / before if before else float("inf")
            lines.append((name, answers, call, f"{before:,.0f}", f"{now:,.0f}", f"{max(times):,.0f}", f"{ratio:.1f}"))
    return lines


async def _wait_until_idle(family: Family) -> None:
    """Until a story takes about as long as any other."""
    deadline = time.monotonic() + _STORY_SECONDS
    while time.monotonic() < deadline:
        begun = time.monotonic()
        await family.story()
        if time.monotonic() - begun < 4:
            return


@asynccontextmanager
async def _client(port: int, address: str) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0, local_addr=(address, 0))
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=connector, timeout=timeout) as session:
        yield session


@contextmanager
def serving(home: Path, **variables: str) -> Iterator[int]:
    """The port of a server that may have 1,024 open files, as most machines say."""
    port, simulator = _free_port(), _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TALES_", "OPENROUTER_"))}
    environment |= {
        "TALES_HOME": str(home),
        "TALES_LLM_BASE_URL": f"http://127.0.0.1:{simulator}/v1",
        "TALES_MODELS": MODEL,
        "TALES_LOG_LEVEL": "error",
        **variables,
    }
    few_files = ["sh", "-c", 'ulimit -n 1024; exec "$@"', "sh"]
    processes = [
        subprocess.Popen([*_COMMAND, "simulate", "--port", str(simulator)], env=environment, stdout=subprocess.DEVNULL),
        subprocess.Popen(
            [*few_files, *_COMMAND, "serve", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL
        ),
    ]
    try:
        yield port
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        stop_embedded(home)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    async with _client(port, "127.0.0.1") as session:
        while time.monotonic() < deadline:
            with suppress(aiohttp.ClientError):
                async with session.get("/health/ready") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.2)
    raise TimeoutError("The server did not become ready.")


async def flooded(port: int, floods: dict[str, Flood], rounds: int) -> list[tuple[object, ...]]:
    """Wait for the server, then `run`."""
    await _wait_for(port)
    return await run(port, floods, rounds)


def main() -> int:
    """Print the table; 1 when something takes too long beside a flood."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_flood", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each measurement")
    parser.add_argument("--only", default="", help="floods whose name has this in it: sign-ins, streams, ...")
    arguments = parser.parse_args()
    of_requests: dict[str, Flood] = {
        "30 sign-ins at a time": sign_ins,
        "1,000 streams": streams,
        "1,100 half requests": halves,
        "800 stories": stories,
    }
    of_waiting: dict[str, Flood] = {"800 stories, limits lifted": stories}
    lines: list[tuple[object, ...]] = []
    for all_floods, variables in ((of_requests, {}), (of_waiting, UNLIMITED)):
        floods = {name: flood for name, flood in all_floods.items() if arguments.only in name}
        if not floods:
            continue
        with tempfile.TemporaryDirectory(prefix="tales-flood-") as home, serving(Path(home), **variables) as port:
            lines += asyncio.run(flooded(port, floods, arguments.rounds))
    print(f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.1f} at the end), Python {sys.version.split()[0]}.")
    head = ("flood", "what it was answered", "call", "alone, ms", "beside it, ms", "at most, ms", "times as long")
    say_table(head, lines)
    slow = [line for line in lines if float(str(line[-1])) > MOST]
    for line in slow:
        print(f"TOO SLOW: {line[2]} beside {line[0]}")
    return int(bool(slow))


if __name__ == "__main__":
    raise SystemExit(main())
