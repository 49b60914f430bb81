"""The outermost layer: the headers that every answer has, whoever gives it."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from tales.interfaces.api import request_ids

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_UNLESS_SAID_OTHERWISE = {
    # Answers hold a family's own words: only a page that is the same for everybody says otherwise.
    "Cache-Control": "no-store",
    # JSON that a browser were made to show as a page could load and do nothing.
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
_ONLY_OVER_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}
"""A year. Not for subdomains, which may be anybody's."""


class AnswerHeaders:
    """Wraps `app`; see this module."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_ids.choose_request_id(Headers(scope=scope).get(request_ids.HEADER))
        always = {request_ids.HEADER: request_id} | _ALWAYS
        if scope.get("scheme") == "https":
            always |= _ONLY_OVER_HTTPS

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(always)
                for name, value in _UNLESS_SAID_OTHERWISE.items():
                    headers.setdefault(name, value)
            await send(message)

        with bound_contextvars(**{request_ids.LOG_KEY: request_id}):
            await self._app(scope, receive, send_with_headers)
