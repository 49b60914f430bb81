"""`tales serve` as a process of its own, with a family that asks it for stories."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

TALES = (sys.executable, "-m", "tales.interfaces.cli.main")
WAIT = 120
UNLIMITED = {"TALES_DAILY_GENERATIONS": "0", "TALES_CONCURRENT_GENERATIONS": "0", "TALES_REQUESTS_PER_MINUTE": "0"}
"""One user asks for thousands of stories."""
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """A server that answers on `port`; `request` is what a client of its family sends, as bytes."""

    port: int
    process: subprocess.Popen[bytes]
    request: bytes

    def measure(self, clients: int, seconds: float, count: int | None = None) -> dict[str, Any]:
        """The figures of so many clients, each of which waits for its story and then asks for the next."""
        command = [sys.executable, "-m", "benchmarks.generations.clients", "--port", str(self.port)]
        command += ["--clients", str(clients), "--seconds", str(seconds)]
        command += ["--count", str(count)] if count is not None else []
        done = subprocess.run(command, input=self.request, capture_output=True, check=True)
        return dict(json.loads(done.stdout))

    def memory(self) -> int:
        """Resident memory in bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextmanager
def provider(delay: float = 0.0) -> Iterator[str]:
    """The base URL of a provider that takes `delay` seconds for a story."""
    command = [sys.executable, "-m", "benchmarks.generations.provider", "--delay", str(delay)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextmanager
def service(database_url: str, provider_url: str, home: Path, port: int, **variables: str) -> Iterator[Service]:
    """A server over a database that is migrated already, with a family that has a child."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TALES_", "OPENROUTER"))}
    environment |= {
        "TALES_HOME": str(home),
        "TALES_DATABASE_URL": database_url,
        "TALES_LLM_BASE_URL": provider_url,
        "TALES_MODELS": "bench/story",
        "TALES_LOG_LEVEL": "warning",
        "TALES_CONCURRENCY": "64",
        **UNLIMITED,
    }
    process = subprocess.Popen([*TALES, "serve", "--port", str(port)], env=environment | variables)
    try:
        _wait_until_ready(port)
        yield Service(port, process, _request(port))
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=1)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"nothing answers on port {port}")


def _request(port: int) -> bytes:
    account = {"email": "bench@example.org", "password": "correct horse battery"}
    _call(port, "/auth/signup", account, may_fail=True)
    form = {"username": account["email"], "password": account["password"]}
    token = _call(port, "/auth/token", urllib.parse.urlencode(form).encode())["access_token"]
    child = _call(port, "/children", {"name": "Mia", "age": 6, "interests": ["dragons"]}, token)["id"]
    wish = {"story_type": "child", "child_id": child, "moral": "kindness", "story_length": 5}
    body = json.dumps(wish).encode()
    return (
        b"POST /api/v3/generations HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        b"prefer: wait=%d\r\nauthorization: Bearer %b\r\ncontent-length: %d\r\n\r\n%b"
    ) % (WAIT, token.encode(), len(body), body)


def _call(
    port: int, path: str, body: dict[str, Any] | bytes, token: str | None = None, *, may_fail: bool = False
) -> dict[str, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "application/x-www-form-urlencoded" if isinstance(body, bytes) else "application/json"
    headers = {"content-type": kind} | ({"authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v3{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.loads(answer.read()))
    except urllib.error.HTTPError:
        if may_fail:
            return {}
        raise


@dataclass(frozen=True, slots=True)
class Counted:
    """What the server has counted: transactions, bytes of the log, bytes of the database."""

    transactions: int
    log_bytes: int
    size: int


def count(url: str) -> Counted:
    """The counters of the database at `url` now."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select pg_stat_force_next_flush()")
        row = connection.execute(
            "select xact_commit + xact_rollback, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0'),"
            " pg_database_size(current_database()) from pg_stat_database where datname = current_database()"
        ).fetchone()
    assert row is not None
    return Counted(int(row[0]), int(row[1]), int(row[2]))
