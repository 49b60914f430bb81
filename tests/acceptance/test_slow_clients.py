"""Clients that send half a request, or take no answer, keep nobody else out, and not for long."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, suppress

import httpx
import pytest

from tests.fixtures.processes import Place, sign_in

FILES = 256
HALF = b"POST /api/v3/auth/token HTTP/1.1\r\nHost: tales\r\nContent-Le"


@pytest.mark.timeout(60)
def test_others_are_served_beside_more_half_requests_than_a_server_may_have_files(place: Place) -> None:
    place.prefix = ("sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh")
    with place.serving("sim/ok", TALES_REQUEST_TIMEOUT="1") as (_, client), ExitStack() as stack:
        sign_in(client)
        address = (client.base_url.host, client.base_url.port)
        halves = [stack.enter_context(socket.create_connection(address, timeout=10)) for _ in range(FILES + 50)]
        for half in halves:
            with suppress(ConnectionError):
                half.sendall(HALF)

        with httpx.Client(base_url=client.base_url, headers=client.headers, timeout=2) as another:
            assert another.get("/api/v3/stories").status_code == 200
        began = time.monotonic()
        said = {_to_its_end(half) for half in halves}

        assert time.monotonic() - began < 5
        assert any(b"408" in answer and b"within 1 seconds" in answer for answer in said)
        assert client.get("/api/v3/stories").status_code == 200


def _to_its_end(connection: socket.socket) -> bytes:
    """All that comes, until the other end closes."""
    said = b""
    with suppress(ConnectionError):
        while more := connection.recv(65536):
            said += more
    return said
