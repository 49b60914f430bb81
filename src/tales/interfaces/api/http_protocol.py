"""HTTP/1.1 as `tales serve` speaks it: uvicorn over httptools, and what h11 did and httptools leaves to its user."""

from __future__ import annotations

from asyncio import AbstractEventLoop, BaseTransport, Protocol, TimerHandle, Transport
from functools import partial
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from tales.interfaces.api.connections import ConnectionLimits, Connections, as_bytes
from tales.interfaces.api.problem_kinds import REQUEST_TIMEOUT
from tales.interfaces.api.problems import problem_response

LARGEST_HEAD = 64 * 1024
"""Bytes that may come before there is a whole head, or more of a body."""

_UPGRADE = b"upgrade"


class HttpProtocol(HttpToolsProtocol):
    """Refuses heads and trailers without end, and answers as if nobody had asked for another protocol.

    A request has to arrive whole, and an answer to be taken, within the limits of `connections`. uvicorn itself has no
    limit but for the time between two requests.

    httptools ends a request where an upgrade would begin, and with it the body that the request has where none is
    granted (RFC 9110, section 7.8): clients of Java ask for h2c with each request.
    """

    _pending = 0
    _asks_for_upgrade = False
    _is_arriving = False
    _has_head = False
    _arrival: TimerHandle | None = None
    """Runs while a request has not come whole."""
    _departure: TimerHandle | None = None
    """Runs while an answer waits for its client."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
        *,
        connections: Connections | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._kept_by = connections or Connections(ConnectionLimits())
        self._patience = self._kept_by.limits.patience

    def connection_made(self, transport: BaseTransport) -> None:
        """A client is there."""
        super().connection_made(cast("Transport", transport))
        refusal = self._kept_by.add(self, self.client[0] if self.client else "")
        if refusal is None:
            self._expect_request()
        else:
            self.transport.writelines(as_bytes(refusal))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._kept_by.remove(self)
        self._stop_expecting()
        self.resume_writing()
        super().connection_lost(exc)

    def give_up(self) -> None:
        """Close it without a word."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """More of a request, or of several."""
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self._expect_request()
        self._pending += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        else:
            if self._pending > LARGEST_HEAD:
                self.send_400_response("The request's head is too large.")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._pending, self._asks_for_upgrade = 0, False
        self._is_arriving, self._has_head = True, False
        self._expect_request()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is complete."""
        self._pending = 0
        self._asks_for_upgrade = self.parser.should_upgrade() and any(name == _UPGRADE for name, _ in self.headers)
        if not self._asks_for_upgrade:
            super().on_headers_complete()
            self._has_head = True
            # Trailers are no headers (RFC 9110, section 6.5.1).
            self.headers = []

    def on_body(self, body: bytes) -> None:
        """More of its body."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Its body is complete."""
        self._pending = 0
        if not self._asks_for_upgrade:
            self._is_arriving = False
            self._stop_expecting()
            self._kept_by.set_busy(self)
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Its answer is on its way."""
        super().on_response_complete()
        if not self.pipeline:
            self._kept_by.set_waiting(self)

    def pause_writing(self) -> None:
        """More is written than its client takes."""
        super().pause_writing()
        self._expect_taking(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """It has taken what there was."""
        super().resume_writing()
        if self._departure is not None:
            self._departure.cancel()
            self._departure = None

    def timeout_keep_alive_handler(self) -> None:
        """No other request has come. What was written last must not keep the connection open for ever."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(self._patience, self.transport.abort)

    def _expect_request(self) -> None:
        if self._arrival is None:
            self._arrival = self.loop.call_later(self._patience, self._on_late_request)

    def _stop_expecting(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _on_late_request(self) -> None:
        """What has begun to arrive has not come whole in time."""
        self._arrival = None
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if self.flow.read_paused:
            self._expect_request()  # it is we who do not read on
        elif self._is_arriving and not (self.cycle.response_started if self._has_head else is_answering):
            detail = f"A request has to arrive whole within {self._patience:g} seconds."
            self.transport.writelines(as_bytes(problem_response(REQUEST_TIMEOUT, detail)))
            self.transport.close()
        elif self._is_arriving or not is_answering:
            self.transport.close()

    def _expect_taking(self, left: int) -> None:
        self._departure = self.loop.call_later(self._patience, self._on_late_taking, left)

    def _on_late_taking(self, before: int) -> None:
        """However slowly: as long as something is taken, the rest is kept."""
        if (left := self.transport.get_write_buffer_size()) < before:
            self._expect_taking(left)
        else:
            self.transport.abort()

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            (end_of_head,) = upgrade.args
            head = self._head_without_upgrade()
            self.parser = httptools.HttpRequestParser(self)
            self._feed(head + data[end_of_head:])

    def _head_without_upgrade(self) -> bytes:
        """The head that was read, as it would be from a client that asks for no other protocol."""
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        lines += [b"%b: %b" % header for header in self.headers if header[0] != _UPGRADE]
        return b"\r\n".join([*lines, b"", b""])


def http_protocol(limits: ConnectionLimits) -> type[Protocol]:
    """The protocol of all connections of a process, within `limits`: what uvicorn makes each of them with."""
    return cast("type[Protocol]", partial(HttpProtocol, connections=Connections(limits)))
