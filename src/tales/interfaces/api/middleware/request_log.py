"""One line of the log for each request, when all of its answer has gone out: a stream's when it has ended.

The path is the operation's own, with the names of its parameters: ids, queries and what a stranger typed stay out.
"""

from __future__ import annotations

from http import HTTPMethod
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tales.application.ports import Log
from tales.interfaces.api.route_table import TEMPLATE

_METHODS = frozenset(HTTPMethod)
_log: Log = structlog.get_logger()


class RequestLog:
    """Wraps `app`; see this module. `status` is null for a client that has left before the answer began."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status: int | None = None
        begun = perf_counter()

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else None
            milliseconds = round((perf_counter() - begun) * 1000, 1)
            _log.info("request", method=method, route=scope.get(TEMPLATE), status=status, ms=milliseconds)
