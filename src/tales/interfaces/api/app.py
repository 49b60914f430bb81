"""The web application: the API and the pages, over a bundle of use cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from tales.application.services import Services
from tales.interfaces.api import documentation, health, problem_types, problems
from tales.interfaces.api.middleware.body_limit import LARGEST_BODY, BodyLimit
from tales.interfaces.api.middleware.compression import Compression
from tales.interfaces.api.middleware.cors import allow_origins
from tales.interfaces.api.middleware.deprecation_headers import DeprecationHeaders
from tales.interfaces.api.middleware.error_boundary import ErrorBoundary
from tales.interfaces.api.middleware.request_log import RequestLog, RequestTracing
from tales.interfaces.api.middleware.response_headers import ResponseHeaders
from tales.interfaces.api.middleware.turns import Turns
from tales.interfaces.api.openapi import DescribedApp, name_operation
from tales.interfaces.api.route_table import RouteTable
from tales.interfaces.api.v1 import router as v1
from tales.interfaces.api.v2 import router as v2
from tales.interfaces.api.v3 import router as v3
from tales.interfaces.api.versions import NEWEST, V1, V2, V3, Version

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
# Smaller answers would gain nothing: most are one packet as they are.
_LEAST_COMPRESSED = 1400
_COMPRESSION_LEVEL = 5


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How the application deals with HTTP. `largest_body` in bytes; `cors_origins` may use the API from a browser.

    `tracing` is told of each request.
    """

    largest_body: int = LARGEST_BODY
    cors_origins: tuple[str, ...] = ()
    tracing: RequestTracing | None = None


def create_app(
    services: Services,
    *,
    http: HttpSettings = HttpSettings(),
    pages: Iterable[APIRouter] = (),
    layers: Iterable[Middleware] = (),
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """The application over `services`, with `pages` beside the API.

    `layers` are put around whatever answers, refusals as well. `lifespan` is entered when a server starts the
    application, and left when it stops.
    """
    app = DescribedApp(
        title="Tales",
        version=version("tales"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        middleware=_layers(http, layers),
        generate_unique_id_function=name_operation,
        # A body that went astray by a slash is better refused than sent on.
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
    )
    app.state.services = services
    problems.install(app)
    versions = _versions()
    documentation.install(app, versions)
    beside = (health.router, problem_types.router)
    # As they are, not included: the framework would make each route anew, and none of them differs here.
    app.router.routes.extend(_routes(*beside, *versions.values(), *pages))
    # The application's own document is about the newest version: each of the others has its own.
    app.described = _routes(*beside, versions[NEWEST])
    app.router.routes.insert(0, RouteTable(app.routes))
    return app


@cache
def _versions() -> Mapping[Version, APIRouter]:
    """Each version's routes: what the framework makes of them takes it a quarter of a second, once a process."""
    return {V1: v1.make_router(), V2: v2.make_router(), V3: v3.make_router()}


def _routes(*routers: APIRouter) -> list[BaseRoute]:
    return [route for router in routers for route in router.routes]


def _layers(http: HttpSettings, added: Iterable[Middleware]) -> list[Middleware]:
    """What is around the framework, the outermost first: also a refusal has its headers, and is readable elsewhere."""
    return [
        Middleware(ResponseHeaders),
        Middleware(RequestLog, tracing=http.tracing),
        Middleware(Turns),
        Middleware(DeprecationHeaders),
        *allow_origins(http.cors_origins),
        *added,
        Middleware(ErrorBoundary),
        Middleware(BodyLimit, largest_body=http.largest_body),
        Middleware(Compression, minimum_size=_LEAST_COMPRESSED, compresslevel=_COMPRESSION_LEVEL),
    ]
