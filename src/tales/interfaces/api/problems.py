"""Errors as problem details (RFC 9457): whatever goes wrong leaves this interface through here.

Nothing that was sent is repeated in an answer or a log: it may be a family's words, or a password.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tales.application.ports import Log
from tales.domain import errors
from tales.interfaces.api.allowed_methods import allowed_methods, named
from tales.interfaces.api.problem_kinds import (
    BY_ERROR,
    INTERNAL_ERROR,
    INVALID_INPUT,
    METHOD_NOT_ALLOWED,
    ProblemKind,
    kind_for_status,
    kind_of,
)
from tales.interfaces.api.request_ids import current_request_id
from tales.interfaces.api.validation_errors import FieldProblem, explain

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 5
"""Seconds after which it makes sense to ask a service again that is not available."""

_log: Log = structlog.get_logger()

_LIMITS = (
    "The limit that was reached, with status 429: `generations_per_day`, `concurrent_generations`, "
    "`budget`, `model_budget`, `user_budget`, `requests_per_minute`, `streams_per_user`, `streams`, "
    "`sign_in_attempts`, `sign_up_attempts`, `passwords_per_client`, `mail_attempts` or "
    "`connections_per_client`; with 503, `connections`."
)


class Problem(BaseModel):
    """What went wrong, and what to do about it (RFC 9457)."""

    type: str = Field(description="Names the kind of problem, and leads to its description.")
    title: str = Field(description="The kind of problem in a few words.")
    status: int = Field(description="The status of the answer, once more.")
    detail: str = Field(description="What is wrong here, and what to do.")
    code: str = Field(description="The kind of problem, for programs: it never changes.")
    field: str | None = Field(None, description="The first field that is wrong, as a dotted path.")
    errors: list[FieldProblem] | None = Field(None, description="Every field that is wrong.")
    limit: str | None = Field(None, description=_LIMITS)
    request_id: str | None = Field(
        None, description="The id of the request, as in `X-Request-Id`: tell it when you ask."
    )
    generation_id: UUID | None = Field(None, description="The generation that gave no story, or none yet.")


def problem_response(
    kind: ProblemKind,
    detail: str | None = None,
    *,
    fields: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> Response:
    """The answer for a problem. `detail` says more than the kind's advice; `fields` are the ones that are wrong.

    `members` are those that only some problems have.
    """
    problem = Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=detail or kind.advice,
        code=kind.code,
        field=fields[0].field if fields else None,
        errors=list(fields) or None,
        limit=None,
        request_id=current_request_id(),
        generation_id=None,
    ).model_copy(update=members or {})
    return Response(problem.model_dump_json(exclude_none=True), kind.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Have `app` answer every error that it meets as a problem."""
    app.add_exception_handler(errors.TalesError, _domain_error)
    app.add_exception_handler(RequestValidationError, _refused_request)
    app.add_exception_handler(HTTPException, _refused_by_framework)


def unforeseen(error: Exception, method: str) -> Response:
    """The answer for an error that nobody thought of. Its type and place are logged: its message may quote anything."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
    _log.error("request failed", method=method, error=type(error).__name__, where=where)
    return problem_response(INTERNAL_ERROR)


async def _domain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.TalesError)  # what it is installed for
    kind = kind_of(error)
    if kind is INTERNAL_ERROR:
        _log.error("request failed", method=request.method, code=error.code, reason=error.message)
        return problem_response(kind)
    if isinstance(error, errors.Unavailable):
        # The error's own sentence is for the operator.
        _log.warning("not available", code=error.code, reason=error.message)
        return problem_response(kind, headers={"Retry-After": str(RETRY_AFTER)})
    if isinstance(error, errors.InvalidInput):
        return problem_response(kind, error.message, fields=[FieldProblem(field=error.field, detail=error.message)])
    return problem_response(kind, _detail(error), headers=_headers(error), members=_members(error))


def _detail(error: errors.TalesError) -> str:
    """The error's own sentence, without what was sent: that of a thing which is not there names its id."""
    return f"There is no {error.kind} with this id. Check it." if isinstance(error, errors.NotFound) else error.message


def _members(error: errors.TalesError) -> Mapping[str, object]:
    """What a problem has beside the members of every problem (RFC 9457, section 3.2)."""
    if isinstance(error, errors.GenerationFailed | errors.GenerationTimeout):
        return {"generation_id": error.generation_id}
    if isinstance(error, errors.TooManyRequests):
        return {"limit": error.limit}
    return {}


def _headers(error: errors.TalesError) -> Mapping[str, str] | None:
    """What a client is told beside the problem (RFC 9110, sections 11.6.1 and 10.2.3)."""
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, errors.TooManyRequests):
        return {"Retry-After": str(error.retry_after)}
    return None


async def _refused_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # what it is installed for
    kind, fields = explain(error, request.headers.get("content-type", "").lower())
    detail = " ".join(problem.detail for problem in fields) if kind is INVALID_INPUT else None
    return problem_response(kind, detail, fields=fields)


async def _refused_by_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # what it is installed for
    kind = kind_for_status(error.status_code)
    detail, headers = None, error.headers
    if kind is BY_ERROR[errors.NotFound]:
        detail = "There is nothing at this address. Those that there are stand at /docs."
    if kind is METHOD_NOT_ALLOWED:
        routed = named((headers or {}).get("Allow", "").split(", "))
        allowed = allowed_methods(request.app.routes, request.url.path) or routed
        headers = {**(headers or {}), "Allow": allowed}
        detail = f"This address does not take this method. Use one of: {allowed}."
    return problem_response(kind, detail, headers=headers)
