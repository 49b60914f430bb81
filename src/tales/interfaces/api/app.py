"""The web application: the API and the pages, over a bundle of use cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware

from tales.application.services import Services
from tales.interfaces.api import documentation, health, problem_types, problems
from tales.interfaces.api.guard import Guard
from tales.interfaces.api.openapi import DescribedApp, name_operation
from tales.interfaces.api.v3.router import make_router

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_DESCRIPTION = """\
Tales writes personalised bedtime stories with language models.

1. Open an account at `POST /api/v3/auth/signup`, then press **Authorize**.
2. Add a child or a hero.
3. Ask for a story at `POST /api/v3/generations`, and find it in the generation's `story_id`.

Times are in UTC (RFC 3339), costs in US dollars as decimal strings, lengths of stories in minutes of reading aloud;
what is not known is `null`. Errors are problem details (RFC 9457): `detail` says what to do, `code` never changes.
"""
# What the framework would record of its own accord may quote what a family sent.
_NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False)


def create_app(services: Services, *, pages: Iterable[APIRouter] = (), lifespan: Lifespan | None = None) -> FastAPI:
    """The application over `services`, with `pages` beside the API.

    `lifespan` is entered when a server starts the application, and left when it stops.
    """
    app = DescribedApp(
        title="Tales",
        version=version("tales"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        middleware=[Middleware(Guard)],
        generate_unique_id_function=name_operation,
        # A body that went astray by a slash is better refused than sent on.
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
    )
    app.state.services = services
    problems.install(app)
    documentation.install(app)
    app.include_router(health.router)
    app.include_router(problem_types.router)
    app.include_router(make_router())
    for router in pages:
        app.include_router(router)
    return app
