"""`tales serve`: the API and the pages, with a worker inside."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from tales.application.first_admin import FirstAdmin
from tales.bootstrap import App, running_app, start_logging
from tales.domain.errors import Unavailable
from tales.interfaces.api.app import HttpSettings, create_app
from tales.interfaces.api.connections import ConnectionLimits
from tales.interfaces.api.http_protocol import http_protocol
from tales.interfaces.cli.console import FAILED, err
from tales.interfaces.cli.garbage import garbage_at_quiet_moments
from tales.interfaces.cli.metrics_port import metrics_served
from tales.interfaces.cli.running import allow_many_files, open_files_allowed, run, stop_signals
from tales.interfaces.web.pages import LAYERS, PAGES
from tales.settings import Settings, load_settings

STOP_SECONDS = 15
BACKLOG = 4096
"""Connections that may wait to be accepted: as many as Linux allows unless it is told otherwise."""

OWN_FILES = 64
"""Those of the pool, of the log, and of whatever is opened for a moment."""

ACCEPTED_AT_ONCE = 32
"""Connections in one round of the event loop, which takes one from each socket: health checks get through a crowd."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: they would kill the process before the worker has stopped.

    It waits for every answer to end, so the streams that have none are ended by `close_subscriptions`.
    """

    def __init__(self, config: uvicorn.Config, close_subscriptions: Callable[[], None]) -> None:
        super().__init__(config)
        self._close_subscriptions = close_subscriptions

    def stop(self) -> None:
        """A signal says so."""
        self._close_subscriptions()
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Leave the stories to `tales worker`.")] = False,
) -> None:
    """Serve the API and the pages, and write stories."""
    settings = load_settings()
    start_logging(settings.log_level)
    allow_many_files()
    if not run(_serve(settings, host, port, with_worker=not no_worker)):
        raise typer.Exit(FAILED)


async def _serve(settings: Settings, host: str, port: int, *, with_worker: bool) -> bool:
    """Serve until a signal says to stop; whether it ever served."""
    with _listener(host, port) as listener, ExitStack() as stack:
        async with running_app(settings, with_worker=with_worker) as app:
            api = create_app(
                app.services,
                http=HttpSettings(settings.max_body_bytes, settings.cors_origins, app.tracing),
                pages=PAGES,
                layers=LAYERS,
                lifespan=_announce(app, host, listener),
            )
            api.state.first_admin = FirstAdmin(app.services.transactions, app.services.sign_in)
            server = _Server(
                uvicorn.Config(
                    api,
                    http=http_protocol(_connection_limits(settings, app.worker.concurrency if app.worker else 0)),
                    ws="none",
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    backlog=BACKLOG,
                    timeout_graceful_shutdown=STOP_SECONDS,
                ),
                app.close_subscriptions,
            )
            # Until the worker has stopped as well: a terminal that is closed may say so twice.
            stack.enter_context(stop_signals(server.stop))
            async with metrics_served(settings, app), garbage_at_quiet_moments():
                await server.serve(sockets=[listener, *(listener.dup() for _ in range(ACCEPTED_AT_ONCE - 1))])
            return server.started


def _connection_limits(settings: Settings, calls: int) -> ConnectionLimits:
    """As many connections as there may be open files, but for those of the service itself; `calls` at a time."""
    room = open_files_allowed() - ACCEPTED_AT_ONCE - OWN_FILES - calls
    in_all = max(16, min(settings.max_connections, room))
    return ConnectionLimits(
        in_all=in_all,
        # Where there is room for few, it is not all one client's.
        per_client=min(settings.connections_per_client, in_all * 3 // 4),
        patience=settings.request_timeout,
        # As uvicorn reads it, which takes a client's address from such a proxy's word.
        proxies=os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1"),
    )


def _listener(host: str, port: int) -> socket.socket:
    """Where clients come in: taken before anything else is begun. Raises: Unavailable when it is somebody else's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise Unavailable(f"Cannot listen on {host}:{port}: {reason}. Choose another --port or --host.") from None


def _announce(app: App, host: str, listener: socket.socket) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def announce(api: FastAPI) -> AsyncIterator[None]:
        where = "the embedded database" if app.database.is_embedded else "TALES_DATABASE_URL"
        writer = f"{app.choice.models[0]} ({app.choice.name})" if app.worker else "`tales worker`"
        err.print(f"Stories are written by {writer} and kept in {where}.", markup=False, soft_wrap=True)
        # RFC 3986, section 3.2.2: an address of IPv6 stands in brackets.
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listener.getsockname()[1]}"
        first_admin: FirstAdmin = api.state.first_admin
        if not app.services.external_auth and await first_admin.is_wanted():
            # Whoever only reaches the port must not become the admin.
            welcome = f"There is no admin yet. The first one begins at {address}/welcome?token={first_admin.token}"
            err.print(welcome, markup=False, soft_wrap=True)
        err.print(f"Tales serves {address} - stop it with Ctrl-C.", markup=False, soft_wrap=True)
        yield

    return announce
