"""The outermost layer: bodies have a limit, no error escapes it, and every answer has its headers."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tales.interfaces.api.problem_kinds import CONTENT_TOO_LARGE
from tales.interfaces.api.problems import problem_response, unforeseen

LARGEST_BODY = 64 * 1024
"""Bytes. The longest wish has a few thousand."""


class AnswerBroken(Exception):
    """An answer broke off after it had begun. The log says why; the connection is closed."""


class Guard:
    """Wraps `app`; see this module."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                # Answers hold a family's own words: only a page that is the same for everybody says otherwise.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        length = _declared_length(scope)
        try:
            if length is not None and length > LARGEST_BODY:
                await problem_response(CONTENT_TOO_LARGE)(scope, receive, send_with_headers)
                return
            # A server holds a client to the length that it declared; without one, the bytes are counted.
            counted = _limited(receive) if length is None else receive
            await self._app(scope, counted, send_with_headers)
        except Exception as error:  # noqa: BLE001 -- the server would log its message, and anything may stand in it
            answer = unforeseen(error, scope["method"])
            if started:
                raise AnswerBroken from None
            await answer(scope, receive, send_with_headers)


def _declared_length(scope: Scope) -> int | None:
    declared = Headers(scope=scope).get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else None


def _limited(receive: Receive) -> Receive:
    """`receive`, until it has brought more than a body may have."""
    left = LARGEST_BODY

    async def receive_limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            # The framework lets this one pass through whatever was reading the body.
            raise HTTPException(CONTENT_TOO_LARGE.status)
        return message

    return receive_limited
