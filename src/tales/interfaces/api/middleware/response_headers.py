"""The outermost layer: the headers that every response has, whoever gives it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from tales.interfaces.api import request_ids

# Raw, as they go out: no response sets these itself.
_ALWAYS = [(b"x-content-type-options", b"nosniff")]
_UNLESS_SET = [
    (b"referrer-policy", b"no-referrer"),
    # Responses hold a family's own words: only a page that is the same for everybody says otherwise.
    (b"cache-control", b"no-store"),
    # JSON that a browser were made to show as a page could load and do nothing.
    (
        b"content-security-policy",
        b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
]
_ONLY_OVER_HTTPS = (b"strict-transport-security", b"max-age=31536000")
"""A year. Not for subdomains, which may be anybody's."""
_REQUEST_ID = request_ids.HEADER.lower().encode()


class ResponseHeaders:
    """Wraps `app`; see this module."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == _REQUEST_ID), None)
        request_id = request_ids.choose_request_id(given.decode("latin-1") if given is not None else None)
        always = [(_REQUEST_ID, request_id.encode()), *_ALWAYS]
        if scope.get("scheme") == "https":
            always.append(_ONLY_OVER_HTTPS)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                names = {name for name, _ in headers}
                message["headers"] = headers + always + [header for header in _UNLESS_SET if header[0] not in names]
            await send(message)

        before = bind_contextvars(**{request_ids.LOG_KEY: request_id})
        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            reset_contextvars(**before)
