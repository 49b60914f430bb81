"""HTTP/1.1 as `tales serve` speaks it: uvicorn over httptools, and what h11 did and httptools leaves to its user."""

from __future__ import annotations

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024
"""Bytes that may come before there is a whole head, or more of a body."""

_UPGRADE = b"upgrade"


class HttpProtocol(HttpToolsProtocol):
    """Refuses heads and trailers without end, and answers as if nobody had asked for another protocol.

    httptools ends a request where an upgrade would begin, and with it the body that the request has where none is
    granted (RFC 9110, section 7.8): clients of Java ask for h2c with each request.
    """

    _pending = 0
    _asks_for_upgrade = False

    def data_received(self, data: bytes) -> None:
        """More of a request, or of several."""
        self._unset_keepalive_if_required()
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
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is complete."""
        self._pending = 0
        self._asks_for_upgrade = self.parser.should_upgrade() and any(name == _UPGRADE for name, _ in self.headers)
        if not self._asks_for_upgrade:
            super().on_headers_complete()
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
            super().on_message_complete()

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
