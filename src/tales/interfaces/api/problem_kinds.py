"""Every kind of problem that an answer may name: the only place where errors meet the status codes of HTTP."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from http import HTTPStatus

from tales.domain import errors
from tales.domain.idempotency import IdempotencyKeyReused


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A kind of problem. `advice` says what it means and what to do; `code` never changes, and names it in `type`."""

    code: str
    status: HTTPStatus
    title: str
    advice: str

    @property
    def type(self) -> str:
        """A reference that leads to the kind's description on this very server (RFC 9457, section 3.1.1)."""
        return f"/problems/{self.code}"


def _kind_of(error: type[errors.TalesError], status: HTTPStatus, title: str) -> ProblemKind:
    return ProblemKind(error.code, status, title, inspect.cleandoc(error.__doc__ or ""))


BY_ERROR: dict[type[errors.TalesError], ProblemKind] = {
    errors.InvalidInput: ProblemKind(
        errors.InvalidInput.code,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Some of this cannot be",
        "A field holds a value that is not allowed. `field` and `errors` name each of them; change those.",
    ),
    IdempotencyKeyReused: _kind_of(
        IdempotencyKeyReused, HTTPStatus.UNPROCESSABLE_ENTITY, "This key stands for another request"
    ),
    errors.NotFound: _kind_of(errors.NotFound, HTTPStatus.NOT_FOUND, "Not found"),
    errors.Conflict: _kind_of(errors.Conflict, HTTPStatus.CONFLICT, "Not possible now"),
    errors.VersionConflict: _kind_of(errors.VersionConflict, HTTPStatus.PRECONDITION_FAILED, "Changed meanwhile"),
    errors.Unauthenticated: _kind_of(errors.Unauthenticated, HTTPStatus.UNAUTHORIZED, "Not signed in"),
    errors.Forbidden: _kind_of(errors.Forbidden, HTTPStatus.FORBIDDEN, "Not allowed"),
    errors.TooManyRequests: ProblemKind(
        errors.TooManyRequests.code,
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many requests",
        "This was asked for more often than a limit allows. Wait for as many seconds as `Retry-After` says.",
    ),
    errors.GenerationFailed: _kind_of(errors.GenerationFailed, HTTPStatus.BAD_GATEWAY, "No story"),
    errors.GenerationTimeout: _kind_of(errors.GenerationTimeout, HTTPStatus.GATEWAY_TIMEOUT, "Not finished"),
    errors.QueueFull: _kind_of(errors.QueueFull, HTTPStatus.SERVICE_UNAVAILABLE, "Queue full"),
    errors.Unavailable: _kind_of(errors.Unavailable, HTTPStatus.SERVICE_UNAVAILABLE, "Not available"),
}

INVALID_INPUT = BY_ERROR[errors.InvalidInput]

MALFORMED_REQUEST = ProblemKind(
    "malformed_request",
    HTTPStatus.BAD_REQUEST,
    "Malformed request",
    "The request's body cannot be read. Send JSON in UTF-8, or form fields where a form is asked for.",
)
METHOD_NOT_ALLOWED = ProblemKind(
    "method_not_allowed",
    HTTPStatus.METHOD_NOT_ALLOWED,
    "Method not allowed",
    "This address does not take this method. `Allow` names those that it takes.",
)
REQUEST_TIMEOUT = ProblemKind(
    "request_timeout",
    HTTPStatus.REQUEST_TIMEOUT,
    "Request timeout",
    "The request did not arrive whole in time. Send it again, without a pause.",
)
CONTENT_TOO_LARGE = ProblemKind(
    "content_too_large",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "Too large",
    "The request's body is larger than anything that Tales asks for. Send less.",
)
UNSUPPORTED_MEDIA_TYPE = ProblemKind(
    "unsupported_media_type",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "Unsupported media type",
    "This address reads something else. Send JSON as application/json; where a form is asked for, send its fields as "
    "application/x-www-form-urlencoded.",
)
INTERNAL_ERROR = ProblemKind(
    "internal_error",
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "Something went wrong here",
    "It is not your fault. Try again; if it stays so, tell the operator, whose log says more.",
)

BY_STATUS: dict[int, ProblemKind] = {
    kind.status: kind
    for kind in (
        BY_ERROR[errors.NotFound],
        MALFORMED_REQUEST,
        METHOD_NOT_ALLOWED,
        REQUEST_TIMEOUT,
        CONTENT_TOO_LARGE,
        UNSUPPORTED_MEDIA_TYPE,
        INTERNAL_ERROR,
    )
}

ALL = tuple(dict.fromkeys((*BY_ERROR.values(), *BY_STATUS.values())))


def kind_of(error: errors.TalesError) -> ProblemKind:
    """The kind of the nearest class that has one: what is finer than that is no client's business."""
    return next((BY_ERROR[cls] for cls in type(error).__mro__ if cls in BY_ERROR), INTERNAL_ERROR)


def kind_for_status(status: int) -> ProblemKind:
    """The kind for what the framework itself refused."""
    unforeseen = INTERNAL_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else MALFORMED_REQUEST
    return BY_STATUS.get(status, unforeseen)
