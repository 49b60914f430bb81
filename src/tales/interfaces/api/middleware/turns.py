"""Requests that come in a crowd begin a few at a time, so that whoever else uses the process is answered meanwhile."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

from starlette.types import ASGIApp, Receive, Scope, Send

from tales.interfaces.api.client_address import distinct

MOST_IN_A_ROUND = 4
"""Requests that may begin in one round of the event loop: each keeps it busy for about a millisecond."""


class Turns:
    """Wraps `app`: requests begin in turn, one of each client, and of one client in their order.

    Health checks do not wait.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._begun = 0
        """In this round of the loop."""
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        """By client; the first is the next."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and not scope["path"].startswith("/health/"):
            if self._waiting or self._begun >= MOST_IN_A_ROUND:
                turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.setdefault(_client(scope), deque()).append(turn)
                await turn
            else:
                self._begin()
        await self._app(scope, receive, send)

    def _begin(self) -> None:
        if self._begun == 0:
            asyncio.get_running_loop().call_soon(self._next_round)
        self._begun += 1

    def _next_round(self) -> None:
        self._begun = 0
        while self._waiting and self._begun < MOST_IN_A_ROUND:
            client, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[client] = turns
            # Who was cancelled meanwhile has left its place.
            if not turn.done():
                self._begin()
                turn.set_result(None)


def _client(scope: Scope) -> str:
    """Its network address, behind a proxy that is trusted the one that it names; of IPv6, the network."""
    host = str(scope["client"][0]) if scope.get("client") else ""
    return distinct(host) or host
