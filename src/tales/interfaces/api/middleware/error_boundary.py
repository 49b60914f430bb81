"""Around the framework: no error escapes, and no error's words."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tales.interfaces.api.problems import unforeseen


class ResponseBroken(Exception):
    """A response broke off after it had begun. The log says why; the connection is closed."""


class ErrorBoundary:
    """Wraps `app`; see this module."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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

        try:
            await self._app(scope, receive, send_noting)
        except Exception as error:  # noqa: BLE001 -- the server would log its message, and anything may stand in it
            answer = unforeseen(error, scope["method"])
            if started:
                raise ResponseBroken from None
            await answer(scope, receive, send_noting)
