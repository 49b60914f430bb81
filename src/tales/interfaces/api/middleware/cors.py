"""Which other sites' pages may use the API from a browser (Fetch standard, "CORS protocol"): those of a setting."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.status import HTTP_400_BAD_REQUEST

from tales.domain import errors
from tales.interfaces.api.problem_kinds import BY_ERROR
from tales.interfaces.api.problems import problem_response

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ALLOWED = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Last-Event-ID",
    "Prefer",
    "X-Request-Id",
)
_EXPOSED = (
    "Deprecation",
    "ETag",
    "Link",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "Sunset",
    "WWW-Authenticate",
    "X-Request-Id",
)


class _Cors(CORSMiddleware):
    """Starlette's, whose refusals are problems like all others."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a browser that asks whether it may send a request."""
        answer = super().preflight_response(request_headers)
        if answer.status_code != HTTP_400_BAD_REQUEST:
            return answer
        return problem_response(
            BY_ERROR[errors.Forbidden],
            "Pages of this origin may not send this request. The operator names those that may in TALES_CORS_ORIGINS.",
            headers={"Vary": answer.headers["Vary"]},
        )


def allow_origins(origins: Sequence[str]) -> list[Middleware]:
    """The layer that lets pages of `origins` in; none when there are none.

    No credentials: a browser sends a bearer token only where a page's own script says so, and cookies not at all.
    """
    if not origins:
        return []
    layer = Middleware(
        _Cors, allow_origins=origins, allow_methods=_METHODS, allow_headers=_ALLOWED, expose_headers=_EXPOSED
    )
    return [layer]
