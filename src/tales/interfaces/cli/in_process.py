"""The API within this process, for a command that writes a story: no socket is opened, and nobody signs in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx2
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Scope

from tales.application.authenticate import Authenticate
from tales.application.ports import TokenReader
from tales.bootstrap import running_app, start_logging
from tales.client import AsyncTales, Retry
from tales.domain.actor import Actor
from tales.domain.errors import TalesError
from tales.domain.limits import NO_LIMITS
from tales.interfaces.api.app import HttpSettings, create_app
from tales.interfaces.api.problem_kinds import kind_of
from tales.interfaces.api.problems import problem_response
from tales.settings import Settings

_SERVER = "http://this-process"


@asynccontextmanager
async def local_client(settings: Settings) -> AsyncIterator[AsyncTales]:
    """A client of this process, which is a worker for its own user alone."""
    start_logging("error")
    # It makes the calls of its own story, and no others. If it dies, a server takes over.
    async with running_app(settings, with_worker=True, own_only=True) as app:
        services = app.services
        user = _LocalUser(await services.sign_in.local_user())
        # A limit is there for those who share a server.
        unlimited = replace(
            services,
            request_generation=replace(services.request_generation, limits=NO_LIMITS),
            limit_requests=replace(services.limit_requests, per_minute=None),
        )
        api = create_app(replace(unlimited, authenticate=Authenticate(user)), http=HttpSettings(tracing=app.tracing))
        api.add_exception_handler(TalesError, _tell_the_operator)
        async with (
            httpx2.AsyncClient(transport=AppTransport(api), trust_env=False) as http,
            AsyncTales(_SERVER, token="none", retry=Retry(times=0), http=http) as tales,  # noqa: S106 -- it is read by nobody
        ):
            yield tales


@dataclass(frozen=True, slots=True)
class _LocalUser(TokenReader):
    """Whatever token comes, it is this machine's own user who asks: nobody else gets here."""

    actor: Actor

    async def read(self, token: str) -> Actor:
        return self.actor


async def _tell_the_operator(_: Request, error: Exception) -> Response:
    """Whoever asks here may read what a server keeps to its log."""
    assert isinstance(error, TalesError)  # what it is installed for
    return problem_response(kind_of(error), error.message)


class AppTransport(httpx2.AsyncBaseTransport):
    """Hands requests to `app`. A body arrives as it is written; httpx2's own transport would wait for its end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = _Answer(self._app, request, await request.aread())
        try:
            start = await answer.next()
        except BaseException:
            await answer.aclose()
            raise
        return httpx2.Response(start["status"], headers=start["headers"], stream=answer)


class _Answer(httpx2.AsyncByteStream):
    """The body of an answer, which a task of its own writes; closed before its end, it ends the task."""

    def __init__(self, app: ASGIApp, request: httpx2.Request, body: bytes) -> None:
        self._body: bytes | None = body
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self._is_whole = False
        self._task = asyncio.create_task(self._run(app, request), name="tales request")

    async def next(self) -> Message:
        """What the application sends next. Raises: httpx2.RemoteProtocolError when it has broken off."""
        message = await self._messages.get()
        if message is None:
            raise httpx2.RemoteProtocolError("The answer has broken off.")
        return message

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while not self._is_whole:
            message = await self.next()
            self._is_whole = not message.get("more_body", False)
            yield message.get("body", b"")

    async def aclose(self) -> None:
        if not self._is_whole:
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, app: ASGIApp, request: httpx2.Request) -> None:
        try:
            await app(_scope(request), self._receive, self._messages.put)
        finally:
            self._messages.put_nowait(None)

    async def _receive(self) -> Message:
        if self._body is None:
            await asyncio.Event().wait()  # a client that leaves cancels the task
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _scope(request: httpx2.Request) -> Scope:
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": None,
        "server": None,
    }
