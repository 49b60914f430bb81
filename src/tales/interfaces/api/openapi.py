"""The API's description of itself: what FastAPI does not say on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from tales.domain import errors
from tales.interfaces.api.problem_kinds import (
    BY_ERROR,
    CONTENT_TOO_LARGE,
    INVALID_INPUT,
    MALFORMED_REQUEST,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemKind,
)
from tales.interfaces.api.problems import MEDIA_TYPE, Problem

Description = dict[str, Any]  # JSON as FastAPI types it
Responses = dict[int | str, Description]

_REFERENCE = "#/components/schemas/{model}"
_RETRY_AFTER: Description = {
    "Retry-After": {"description": "Seconds until it makes sense to ask again.", "schema": {"type": "integer"}}
}
_WAITING = (429, 503)
_METHODS = ("get", "put", "post", "delete", "patch")


def problems(*kinds: type[errors.TalesError], body: bool = False) -> Responses:
    """The problems that an operation may answer with; `body` adds those of every operation that reads one."""
    of_body = (INVALID_INPUT, MALFORMED_REQUEST, CONTENT_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE) if body else ()
    # Whoever has to be signed in is counted.
    counted = (errors.TooManyRequests,) if errors.Unauthenticated in kinds else ()
    found = sorted({*(BY_ERROR[kind] for kind in (*kinds, *counted)), *of_body}, key=lambda kind: kind.status)
    return {int(kind.status): _response(kind) for kind in found}


def located(status: int) -> Responses:
    """What an operation adds to its description whose answer with this status says where the thing is."""
    described = {"description": "Where it is, as a path on this server.", "schema": {"type": "string"}}
    return {status: {"headers": {"Location": described}}}


def name_operation(route: APIRoute) -> str:
    """An operation is named as its function is: generated clients take their methods' names from it."""
    return route.name


def describe(router: APIRouter, title: str, version: str, description: str) -> Description:
    """The OpenAPI document of what `router` holds."""
    document = get_openapi(
        title=title, version=version, description=description, routes=router.routes, servers=[{"url": "/"}]
    )
    return _with_problems(document)


class DescribedApp(FastAPI):
    """An application whose description is of the routes that are `described`, and holds the schema of its problems."""

    described: Sequence[BaseRoute] = ()

    def openapi(self) -> Description:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            document = get_openapi(
                title=self.title, version=self.version, description=self.description, routes=self.described
            )
            self.openapi_schema = _with_problems(document)
        return self.openapi_schema


def _with_problems(document: Description) -> Description:
    _, problem = models_json_schema([(Problem, "serialization")], ref_template=_REFERENCE)
    document["components"]["schemas"] |= problem["$defs"]
    for path in document["paths"].values():
        for operation in (path[method] for method in _METHODS if method in path):
            # Whatever an operation asks for, a parameter that it does not know is refused.
            operation["responses"].setdefault(str(int(INVALID_INPUT.status)), _response(INVALID_INPUT))
    return document


def _response(kind: ProblemKind) -> Description:
    schema = {"$ref": _REFERENCE.format(model=Problem.__name__)}
    described: Description = {"description": kind.advice, "content": {MEDIA_TYPE: {"schema": schema}}}
    return described | {"headers": _RETRY_AFTER} if kind.status in _WAITING else described
