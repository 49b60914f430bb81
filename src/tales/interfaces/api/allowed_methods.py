"""Which methods an address takes: of several operations under one path, the router names only the first one's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, compile_path


def allowed_methods(routes: Sequence[BaseRoute], path: str) -> str:
    """The value of `Allow` (RFC 9110, section 10.2.1) for `path`, as far as it is described; empty if it is not."""
    described = [
        (context.path, context.methods)
        for context in iter_route_contexts(routes)
        if context.path and context.methods and getattr(context.original_route, "include_in_schema", False)
    ]
    template = next((template for template, _ in described if compile_path(template)[0].match(path)), None)
    return named({method for other, methods in described if other == template for method in methods})


def named(methods: Iterable[str]) -> str:
    """`methods` in an order that is the same in every process, and HEAD beside GET: the route table answers it."""
    found = set(methods)
    return ", ".join(sorted(found | {"HEAD"} if "GET" in found else found))
