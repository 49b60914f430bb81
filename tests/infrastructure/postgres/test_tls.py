"""To a database on another machine nothing is said that others could read."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tales.domain.errors import Unavailable
from tales.infrastructure.backup.connection import owner_session
from tales.infrastructure.clock import SystemClock
from tales.infrastructure.events.listener import refuse_pooler
from tales.infrastructure.migrations.migrate import current_revision
from tales.infrastructure.postgres.database import bypasses_rls, find_ready_database
from tales.infrastructure.postgres.engine import make_engine
from tales.infrastructure.postgres.open_schema import find_open_schema
from tales.infrastructure.postgres.unit_of_work import SqlTransactions

_WISHES_TLS = struct.pack("!ii", 8, 80877103)


class WithoutTls:
    """A server that offers no TLS, at an address that is not one of loopback's, and hears what it is told then."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("0.0.0.0", 0))
        self.url = f"postgresql://ada:secret@0.0.0.0:{self._socket.getsockname()[1]}/tales"
        self.asked: list[bytes] = []
        self.heard = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                self.asked.append(client.recv(8))
                client.sendall(b"N")
                self.heard += client.recv(1000)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def server() -> Iterator[WithoutTls]:
    """A server without TLS."""
    with closing(WithoutTls()) as server:
        yield server


async def _in_pool(url: str) -> None:
    engine = make_engine(url)
    try:
        async with SqlTransactions(engine, SystemClock()).as_service():
            pass
    finally:
        await engine.dispose()


def _backup(url: str) -> None:
    with owner_session(url):
        pass


CONNECTIONS: dict[str, Callable[[str], object]] = {
    "pool": lambda url: asyncio.run(_in_pool(url)),
    "listener": lambda url: asyncio.run(refuse_pooler(url)),
    "rights": bypasses_rls,
    "open schema": find_open_schema,
    "migrations": current_revision,
    "backup": _backup,
}


@pytest.mark.parametrize("connect", CONNECTIONS.values(), ids=CONNECTIONS)
def test_without_tls_nothing_is_said_to_another_machine(server: WithoutTls, connect: Callable[[str], object]) -> None:
    with pytest.raises(Unavailable, match="offers no TLS: switch it on there, or add sslmode=disable"):
        connect(server.url)

    assert set(server.asked) == {_WISHES_TLS}
    assert server.heard == b""


def test_a_ready_database_is_looked_for_in_secret(server: WithoutTls, tmp_path: Path) -> None:
    assert find_ready_database(tmp_path, server.url, None) is None

    assert server.asked == [_WISHES_TLS]
    assert server.heard == b""


def test_where_the_network_is_trusted_it_is_said_so(server: WithoutTls) -> None:
    with pytest.raises(Unavailable):
        bypasses_rls(f"{server.url}?sslmode=disable")

    assert server.asked
    assert _WISHES_TLS not in server.asked
