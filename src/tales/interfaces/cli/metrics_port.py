"""Where a process that serves or works shows its figures, if an operator wants them: TALES_METRICS_PORT."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from tales.bootstrap import App
from tales.domain.errors import Unavailable
from tales.interfaces.api.metrics import make_metrics
from tales.interfaces.cli.console import err
from tales.settings import Settings

STOP_SECONDS = 2


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process itself is stopped."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def metrics_served(settings: Settings, app: App) -> AsyncIterator[None]:
    """While the body runs, `/metrics` is there; nothing is, without a port. Raises: Unavailable when it is taken."""
    if app.metrics is None or settings.metrics_port is None:
        yield
        return
    host, port = settings.metrics_host, settings.metrics_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise Unavailable(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another TALES_METRICS_PORT."
        ) from None
    with listener:
        token = settings.metrics_token.get_secret_value() if settings.metrics_token else None
        config = uvicorn.Config(
            make_metrics(app.metrics, token),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="tales metrics")
        err.print(f"Figures for Prometheus: port {listener.getsockname()[1]}, /metrics.", markup=False, soft_wrap=True)
        try:
            yield
        finally:
            server.should_exit = True
            await serving
