"""Long responses are compressed for clients that can read it."""

from __future__ import annotations

import re

from starlette.middleware.gzip import GZipMiddleware, GZipResponder
from starlette.types import Message, Receive, Scope, Send

TAG_SUFFIX = "-gzip"
"""What a strong entity tag ends with on compressed bytes, for they are not those of the plain response (RFC 9110,
section 8.8.3.3). `tales.interfaces.api.etags` reads either as the same version."""

_GZIP = re.compile(rb"(?:^|,)\s*gzip\s*(?:;\s*q\s*=\s*(?:0?\.0*[1-9]\d*|1(?:\.0*)?)\s*)?(?:,|$)", re.IGNORECASE)
"""Accepted without a weight, or with one above zero (RFC 9110, section 12.5.3)."""
_COMPRESSED = (b"content-encoding", b"gzip")


class Compression(GZipMiddleware):
    """Compresses for whoever accepts it; anybody else's response is only marked as one that others get otherwise.

    It sends server-sent events on as they come.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif any(name == b"accept-encoding" and _GZIP.search(value) for name, value in scope["headers"]):
            compressing = GZipResponder(self.app, self.minimum_size, compresslevel=self.compresslevel)
            await compressing(scope, receive, _tagging(send))
        else:
            await self.app(scope, receive, _varying(send))


def _tagging(send: Send) -> Send:
    """`send`, with the tags that compressed responses have."""

    async def send_tagged(message: Message) -> None:
        if message["type"] == "http.response.start" and _COMPRESSED in message.get("headers", ()):
            message["headers"] = [
                (name, _tag(value) if name == b"etag" else value) for name, value in message["headers"]
            ]
        await send(message)

    return send_tagged


def _tag(tag: bytes) -> bytes:
    """The tag of the same version's compressed bytes; a weak one says nothing of bytes."""
    return tag if tag.startswith(b"W/") else tag[:-1] + TAG_SUFFIX.encode() + b'"'


def _varying(send: Send) -> Send:
    async def send_varying(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"vary", b"Accept-Encoding")]
        await send(message)

    return send_varying
