"""Around the framework: bodies have a limit, and no error escapes."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tales.interfaces.api.problem_kinds import CONTENT_TOO_LARGE
from tales.interfaces.api.problems import problem_response, unforeseen

LARGEST_BODY = 64 * 1024
"""Bytes, unless the operator says otherwise. The longest wish has a few thousand."""


class AnswerBroken(Exception):
    """An answer broke off after it had begun. The log says why; the connection is closed."""


class Guard:
    """Wraps `app`; see this module. `largest_body` in bytes."""

    def __init__(self, app: ASGIApp, largest_body: int = LARGEST_BODY) -> None:
        self._app = app
        self._largest_body = largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        length = _declared_length(scope)
        try:
            if length is not None and length > self._largest_body:
                await problem_response(CONTENT_TOO_LARGE)(scope, receive, send_noting)
                return
            # Counted also with a declared length: one beside a chunked body means nothing (RFC 9112, section 6.3).
            await self._app(scope, _limited(receive, self._largest_body), send_noting)
        except Exception as error:  # noqa: BLE001 -- the server would log its message, and anything may stand in it
            answer = unforeseen(error, scope["method"])
            if started:
                raise AnswerBroken from None
            await answer(scope, receive, send_noting)


def _declared_length(scope: Scope) -> int | None:
    declared = Headers(scope=scope).get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else None


def _limited(receive: Receive, most: int) -> Receive:
    """`receive`, until it has brought more than `most` bytes."""
    left = most

    async def receive_limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            # The framework lets this one pass through whatever was reading the body.
            raise HTTPException(CONTENT_TOO_LARGE.status)
        return message

    return receive_limited
