"""One look at a table instead of a walk through every router: a request's operation, by where its path begins."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fastapi.routing import APIRoute, iter_route_contexts
from starlette.convertors import Convertor
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from tales.interfaces.api.query_parameters import known_parameters, refuse_unknown

_DEPTH = 4
"""As many pieces of a path as tell the collections apart: the one before the first slash, `api`, `v3`, `stories`."""
_LEAST = 2
"""As many as are fixed in every path."""
_APP = "tales.operation"
_PARAMETERS = "tales.parameters"
"""The names that the query of an operation may have; None for pages, to which a link may add what it likes."""
TEMPLATE = "tales.template"
"""Where a request's scope has the path of its operation as the description writes it, without anybody's ids."""

Beginning = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Operation:
    methods: frozenset[str]
    path: re.Pattern[str]
    convertors: Mapping[str, Convertor[Any]]
    scope: dict[str, Any]
    """What the request's scope says of the operation that answers it."""

    def match(self, path: str, method: str) -> Scope | None:
        """The part of the scope for a request that is meant for this operation."""
        found = self.path.match(path)
        if found is None or method not in self.methods:
            return None
        given = found.groupdict()
        return self.scope | {
            "path_params": {name: convertor.convert(given[name]) for name, convertor in self.convertors.items()}
        }


class RouteTable(BaseRoute):
    """Stands before `routes` in a router, and takes the requests that one of their operations takes.

    What it does not take goes on to them, so that the framework refuses as ever: another method, an unknown path.
    It answers HEAD wherever there is GET (RFC 9110, section 9.3.2): the server sends the same headers and no content.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = tuple(routes)

    @cached_property
    def _operations(self) -> dict[Beginning, list[_Operation]]:
        """The operations in the routers' order. Made by the first request."""
        table: dict[Beginning, list[_Operation]] = {}
        for context in iter_route_contexts(self._routes):
            if isinstance(context.original_route, APIRoute):
                beginning = _beginning(context.path or "")
                if "{" in "".join(beginning):
                    beginning = beginning[:_LEAST]
                methods = frozenset(context.methods or ())
                is_described = context.original_route.include_in_schema
                operation = _Operation(
                    methods | {"HEAD"} if "GET" in methods else methods,
                    context.path_regex,
                    context.param_convertors,
                    {
                        "endpoint": context.endpoint,
                        "route": context.original_route,
                        _APP: context.app,
                        TEMPLATE: context.path,
                        _PARAMETERS: known_parameters(context.dependant) if is_described else None,
                    },
                )
                table.setdefault(beginning, []).append(operation)
        return table

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether an operation takes the request, and what the scope says of it then."""
        if scope["type"] == "http":
            path, method = scope["path"], scope["method"]
            beginning = _beginning(path)
            for operation in self._operations.get(beginning) or self._operations.get(beginning[:_LEAST]) or ():
                found = operation.match(path, method)
                if found is not None:
                    return Match.FULL, found
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the operation that was found answer the request. Raises: RequestValidationError for its query."""
        if scope["query_string"] and scope[_PARAMETERS] is not None:
            refuse_unknown(scope["query_string"], scope[_PARAMETERS])
        app: ASGIApp = scope[_APP]
        await app(scope, receive, send)


def _beginning(path: str) -> Beginning:
    return tuple(path.split("/", _DEPTH)[:_DEPTH])
