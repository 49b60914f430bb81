"""A request's body has a limit."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tales.interfaces.api.problem_kinds import CONTENT_TOO_LARGE
from tales.interfaces.api.problems import problem_response

LARGEST_BODY = 64 * 1024
"""Bytes, unless the operator says otherwise. The longest wish has a few thousand."""

_FRAMING = (b"content-length", b"transfer-encoding")
"""Without either of these, a request has no body (RFC 9112, section 6.3)."""


class BodyLimit:
    """Wraps `app`; see this module. `largest_body` in bytes."""

    def __init__(self, app: ASGIApp, largest_body: int = LARGEST_BODY) -> None:
        self._app = app
        self._largest_body = largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        framing = [value for name, value in scope["headers"] if name in _FRAMING] if scope["type"] == "http" else []
        if any(value.isdigit() and int(value) > self._largest_body for value in framing):
            await problem_response(CONTENT_TOO_LARGE)(scope, receive, send)
            return
        # Counted also with a declared length: one beside a chunked body means nothing (RFC 9112, section 6.3).
        await self._app(scope, _limited(receive, self._largest_body) if framing else receive, send)


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
