"""Whatever goes wrong is told to somebody at a browser by a page: the problem that a program would get, in words."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tales.domain.errors import Unauthenticated
from tales.interfaces.api.problems import MEDIA_TYPE
from tales.interfaces.web.browser_sessions import see_other
from tales.interfaces.web.rendering import render

_KEPT = (b"retry-after", b"allow")


class ErrorPages:
    """Wraps `app`: a browser that asks for a page is shown one instead of a problem, but not below /api/."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith("/api/") or not _asks_for_page(scope):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def send_page(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_problem(message):
                start = message
                return
            if start is None:
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                page = _page(Request(scope), json.loads(body or b"{}"), start)
                await page(scope, receive, send)

        await self._app(scope, receive, send_page)


def _asks_for_page(scope: Scope) -> bool:
    return any(name == b"accept" and b"text/html" in value.lower() for name, value in scope["headers"])


def _is_problem(message: Message) -> bool:
    return (b"content-type", MEDIA_TYPE.encode()) in message.get("headers", ())


def _page(request: Request, problem: dict[str, Any], start: Message) -> Response:
    """The page about `problem`; who has to sign in first is led there, and back again."""
    if problem.get("code") == Unauthenticated.code and request.url.path != "/sign-in":
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return see_other("/sign-in", **({"next": wanted} if request.method in {"GET", "HEAD"} else {"ended": "1"}))
    headers = {name.decode(): value.decode() for name, value in start["headers"] if name in _KEPT}
    page = render(
        request,
        "error.html",
        start["status"],
        code=problem.get("code", ""),
        request_id=problem.get("request_id"),
        retry_after=headers.get("retry-after"),
    )
    page.headers.update(headers)
    return page
