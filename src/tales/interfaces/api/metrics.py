"""`/metrics` for Prometheus: an application of its own, on a port of its own."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def make_metrics(text: Callable[[], Awaitable[bytes]], token: str | None) -> Starlette:
    """The application. With a `token`, whoever looks must bring it (`Authorization: Bearer ...`)."""

    async def metrics(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if token is not None and not secrets.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return Response("Bring the token.\n", 401, {"WWW-Authenticate": "Bearer"}, media_type="text/plain")
        return Response(await text(), headers={"Content-Type": CONTENT_TYPE})

    return Starlette(routes=[Route("/metrics", metrics)])
