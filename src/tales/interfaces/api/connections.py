"""The connections of this process: how many there may be, and which is given up for a new one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Protocol

from starlette.responses import Response

from tales.domain import errors
from tales.interfaces.api.client_address import distinct
from tales.interfaces.api.problem_kinds import BY_ERROR
from tales.interfaces.api.problems import RETRY_AFTER, problem_response


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections there may be, `in_all` and `per_client`, and how long one may keep us waiting, in seconds.

    `proxies` are addresses and networks that speak for many clients: they may have as many as there may be in all.
    """

    in_all: int = 10_000
    per_client: int = 1_000
    patience: float = 20.0
    proxies: str = "127.0.0.1"


class Connection(Protocol):
    """What is kept here."""

    def give_up(self) -> None:
        """Close it without a word."""


class Connections:
    """Keeps count within `limits`, and knows which connections wait for their client to send a whole request."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._clients: dict[Connection, str] = {}
        self._counts: Counter[str] = Counter()
        self._waiting: dict[str, dict[Connection, None]] = {}
        """By client, the longest waiting first."""

    def add(self, connection: Connection, host: str) -> Response | None:
        """Keep a new connection of the client at `host`; what to answer instead where it is one too many."""
        client = distinct(host) or host
        if self._counts[client] >= self.limits.per_client and not is_among(host, self.limits.proxies):
            return _refused(
                errors.TooManyRequests,
                f"You may have {self.limits.per_client} connections at a time, and have. Close some.",
                "connections_per_client",
            )
        if len(self._clients) >= self.limits.in_all:
            most = max(self._waiting, key=lambda client: len(self._waiting[client]), default=None)
            # Nobody makes room for a client that has more than they.
            if most is None or self._counts[most] < self._counts[client]:
                return _refused(
                    errors.Unavailable,
                    f"This server has {self.limits.in_all} connections at a time, and all are in use. Try again soon.",
                    "connections",
                )
            # Of whoever keeps the most waiting: others come in, however many one client opens.
            (oldest, *_) = self._waiting[most]
            self.remove(oldest)
            oldest.give_up()
        self._clients[connection] = client
        self._counts[client] += 1
        self.set_waiting(connection)
        return None

    def remove(self, connection: Connection) -> None:
        """It is closed."""
        self.set_busy(connection)
        if (client := self._clients.pop(connection, None)) is not None:
            self._counts[client] -= 1
            if not self._counts[client]:
                del self._counts[client]

    def set_waiting(self, connection: Connection) -> None:
        """No whole request is in hand."""
        if (client := self._clients.get(connection)) is not None:
            self._waiting.setdefault(client, {})[connection] = None

    def set_busy(self, connection: Connection) -> None:
        """A whole request has come."""
        client = self._clients.get(connection, "")
        if (waiting := self._waiting.get(client)) is not None:
            waiting.pop(connection, None)
            if not waiting:
                del self._waiting[client]


def is_among(host: str, networks: str) -> bool:
    """Whether `host` is one of these addresses and networks, separated by commas; `*` is all."""
    return any(_is_in(host, network.strip()) for network in networks.split(","))


def _is_in(host: str, network: str) -> bool:
    try:
        return network in {"*", host} or ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False


def as_bytes(response: Response) -> Iterable[bytes]:
    """An answer as it goes over a connection that is closed after it (RFC 9112, section 4)."""
    yield b"HTTP/1.1 %d \r\n" % response.status_code
    for name, value in response.raw_headers:
        yield b"%b: %b\r\n" % (name, value)
    yield b"connection: close\r\n\r\n"
    yield bytes(response.body)


def _refused(error: type[errors.TalesError], detail: str, limit: str) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER), "Cache-Control": "no-store"}
    return problem_response(BY_ERROR[error], detail, headers=headers, members={"limit": limit})
