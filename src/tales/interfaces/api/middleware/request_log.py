"""One line of the log for each request, when all of its answer has gone out: a stream's when it has ended.

Where traces are wanted, it is told to them as well.

The path is the operation's own, with the names of its parameters: ids, queries and what a stranger typed stay out.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPMethod
from time import perf_counter
from typing import Protocol

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tales.application.ports import Log
from tales.interfaces.api.route_table import TEMPLATE

_METHODS = frozenset(HTTPMethod)
_log: Log = structlog.get_logger()


class RequestTracing(Protocol):
    """Who makes a span of each request."""

    def begin_request(self, traceparent: str | None) -> Callable[[str | None, str | None, int | None], None]:
        """What is to be called at its end with method, route and status; `traceparent` is the header of that name."""


class RequestLog:
    """Wraps `app`; see this module. `status` is null for a client that has left before the answer began."""

    def __init__(self, app: ASGIApp, tracing: RequestTracing | None = None) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status: int | None = None
        begun = perf_counter()
        end_span = self._tracing.begin_request(_traceparent(scope)) if self._tracing else None

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
            if end_span is not None:
                end_span(method, scope.get(TEMPLATE), status)


def _traceparent(scope: Scope) -> str | None:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
