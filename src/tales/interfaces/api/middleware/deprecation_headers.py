"""Every response of a version that will end says so: also an error, and one that no endpoint gave."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tales.interfaces.api.versions import ALL, NEWEST, End, Version

# What the newest version calls otherwise. Other paths are the same, or are not repeated: they are a stranger's words.
_RENAMED = {"/stories/generate": "/generations"}
_SAME = re.compile(r"/stories(/[0-9a-fA-F-]{36}(/rating)?)?")
_ENDING = [(version, version.end) for version in ALL if version.end]


class DeprecationHeaders:
    """Adds `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and links to the successor and the reason (RFC 5829, 8288)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            for version, end in _ENDING:
                if scope["path"].startswith(version.prefix):
                    send = _sending(send, version, end, scope["path"].removeprefix(version.prefix))
        await self._app(scope, receive, send)


def _sending(send: Send, version: Version, end: End, path: str) -> Send:
    """`send`, for a response to `path` below a version's prefix."""
    if path and not path.startswith("/"):  # a version of two digits
        return send
    same = path if _SAME.fullmatch(path) else "/stories"
    successor = NEWEST.prefix + _RENAMED.get(path, same)
    links = f'<{successor}>; rel="successor-version", <{version.page}>; rel="deprecation"; type="text/html"'
    added = [
        (b"deprecation", end.deprecation.encode()),
        (b"sunset", end.sunset_date.encode()),
        (b"link", links.encode()),
    ]

    async def send_with_end(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *added]
        await send(message)

    return send_with_end
