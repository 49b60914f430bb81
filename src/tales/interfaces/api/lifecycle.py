"""Every answer of a version that will end says so: also an error, and one that no endpoint gave."""

from __future__ import annotations

import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tales.interfaces.api.versions import ALL, NEWEST, Version

_PREFIXED = re.compile(r"/api/v([0-9]+)(/.*)?", re.DOTALL)
# What the newest version calls otherwise. Other paths are the same, or are not repeated: they are a stranger's words.
_RENAMED = {"/stories/generate": "/generations"}
_SAME = re.compile(r"/stories(/[0-9a-fA-F-]{36}(/rating)?)?")
_ENDING = {str(version.number): version for version in ALL if version.end}


class Lifecycle:
    """Adds `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and links to the successor and the reason (RFC 5829, 8288)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        match = _PREFIXED.fullmatch(scope["path"]) if scope["type"] == "http" else None
        version = _ENDING.get(match[1]) if match else None
        if match is None or version is None:
            await self._app(scope, receive, send)
            return
        headers = _headers(version, match[2] or "")

        async def send_with_end(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._app(scope, receive, send_with_end)


def _headers(version: Version, path: str) -> dict[str, str]:
    assert version.end is not None  # or it is not in _ENDING
    same = path if _SAME.fullmatch(path) else "/stories"
    successor = NEWEST.prefix + _RENAMED.get(path, same)
    return {
        "Deprecation": version.end.deprecation,
        "Sunset": version.end.sunset_date,
        "Link": f'<{successor}>; rel="successor-version", <{version.page}>; rel="deprecation"; type="text/html"',
    }
