"""Requests and answers in the form that they travel in: everything about HTTP that waits for nobody."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from functools import cache
from http import HTTPStatus
from http.client import responses
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx2
from pydantic import ValidationError

from tales.client.errors import (
    ConnectionFailed,
    FieldProblem,
    Problem,
    TimedOut,
    UnexpectedAnswer,
    kind_of_problem,
)
from tales.client.models import AnyModel, Tagged

PREFIX = "/api/v3"
Query = Mapping[str, str | int | UUID | datetime | None]
Id = UUID | str

# Answers that say that nothing was done: any request may be repeated after them.
_NOT_DONE = frozenset({HTTPStatus.TOO_MANY_REQUESTS})
# Answers of a service, or of a proxy before it, that may have done it or not.
PERHAPS_DONE = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})

_ours: ContextVar[bool] = ContextVar("tales_client_request", default=False)


@cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are trusted, once for all clients of a process: to read them takes 20 ms."""
    return httpx2.create_ssl_context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. `path` stands below /api/v3.

    `repeatable`: to do it twice is to do it once. `patience` is how many seconds longer than usual it may take.
    """

    method: str
    path: str
    query: Query = field(default_factory=dict, repr=False)
    json: object = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    repeatable: bool = True
    signed: bool = True
    patience: float = 0.0

    def sent_query(self) -> dict[str, str]:
        """The query's parameters that have a value."""
        return {name: _written(value) for name, value in self.query.items() if value is not None}

    def sent_body(self) -> bytes | None:
        """The JSON; characters outside ASCII escaped, so that the service judges also those that UTF-8 has not."""
        return None if self.json is None else json.dumps(self.json).encode()

    def sent_headers(self, access_token: str | None) -> dict[str, str]:
        """All headers."""
        headers = {"Accept": "application/json"} | dict(self.headers)
        if self.json is not None:
            headers["Content-Type"] = "application/json"
        if access_token is not None:
            headers["Authorization"] = f"Bearer {access_token}"
        return headers

    def may_be_repeated(self, problem: Problem) -> bool:
        """Whether it may be sent again after this answer."""
        return problem.status in _NOT_DONE or (self.repeatable and problem.status in PERHAPS_DONE)

    def is_done_by(self, response: httpx2.Response) -> bool:
        """Whether this answer says that a deletion, whose own answer was lost, has been done."""
        return self.method == "DELETE" and response.status_code == HTTPStatus.NOT_FOUND


def path_of(*parts: object) -> str:
    """A path of these parts; whatever an id holds, it stays one part."""
    return "".join("/" + quote(str(part), safe="") for part in parts)


class Unchanged(Enum):
    """The value of what an update leaves as it is."""

    UNCHANGED = auto()

    def __repr__(self) -> str:
        return self.name


UNCHANGED = Unchanged.UNCHANGED


def changes(**fields: str | int | Sequence[str] | Unchanged | None) -> dict[str, object]:
    """What an update names; None clears a field (RFC 7396)."""
    return {
        name: value if value is None or isinstance(value, str | int) else list(value)
        for name, value in fields.items()
        if not isinstance(value, Unchanged)
    }


def present(**fields: object) -> dict[str, object]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def if_match_header(etag: str | None) -> dict[str, str]:
    """The header that keeps a change away from any other state than the one named (RFC 9110, section 13.1.1)."""
    return {} if etag is None else {"If-Match": etag}


def checked_server(server: str) -> str:
    """A server's address without what is below it. Raises: ValueError for one that is none, or holds a password."""
    try:
        parts = urlsplit(server)
        _ = parts.port  # raises for one that is none
    except ValueError:
        raise ValueError("The server's address is no valid URL.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("The server's address must begin with http:// or https:// and name a host.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("The server's address must hold no user or password: sign in instead.")
    if parts.query or parts.fragment:
        raise ValueError("The server's address must end before ? and #.")
    return server.rstrip("/").removesuffix(PREFIX)


def read(model: type[AnyModel], response: httpx2.Response) -> AnyModel:
    """The answer's body as `model`. Raises: UnexpectedAnswer, which quotes nothing."""
    try:
        found = model.model_validate_json(response.content)
    except ValidationError as error:
        raise _unreadable(model, error) from None
    etag = response.headers.get("ETag")
    return found.model_copy(update={"etag": etag}) if isinstance(found, Tagged) and etag else found


def read_item(model: type[AnyModel], item: object) -> AnyModel:
    """One item of a list as `model`. Raises: UnexpectedAnswer."""
    try:
        return model.model_validate(item)
    except ValidationError as error:
        raise _unreadable(model, error) from None


def _unreadable(model: type[AnyModel], error: ValidationError) -> UnexpectedAnswer:
    where = ".".join(map(str, error.errors(include_input=False, include_url=False)[0]["loc"])) or "all of it"
    return UnexpectedAnswer(
        f"The answer is not what version 3 of Tales says ({model.__name__}: {where}). Check the server's address."
    )


def problem_of(response: httpx2.Response) -> Problem:
    """What an answer that is no success says is wrong; one of a proxy, which says nothing, is a problem too."""
    try:
        body = response.json()
    except ValueError:
        body = None
    problem = body if isinstance(body, dict) else {}
    status = response.status_code
    phrase = responses.get(status, "Unknown")
    return kind_of_problem(status)(
        status=status,
        code=_text(problem.get("code")) or f"http_{status}",
        title=_text(problem.get("title")) or phrase,
        detail=_text(problem.get("detail")) or f"The server answered {status} {phrase}, and does not say why.",
        errors=tuple(_field_problems(problem)),
        request_id=response.headers.get("X-Request-Id"),
        retry_after=retry_after(response.headers.get("Retry-After")),
    )


def no_answer(error: httpx2.HTTPError) -> ConnectionFailed:
    """Why none came. The library's own sentence is left out: it may quote an address with a family's words."""
    if isinstance(error, httpx2.TimeoutException):
        return TimedOut("The server did not answer in time. Try again, or allow more time.")
    if isinstance(error, httpx2.ConnectError):
        return ConnectionFailed("The server cannot be reached. Check its address, and that it runs.")
    return ConnectionFailed(f"The connection to the server broke ({type(error).__name__}). Try again.")


def was_not_sent(error: httpx2.HTTPError) -> bool:
    """Whether the server cannot have seen any of the request."""
    return isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def retry_after(header: str | None) -> float | None:
    """Seconds that the header `Retry-After` names, as a number or as a date (RFC 9110, section 10.2.3)."""
    if header is None:
        return None
    if header.strip().isdecimal() and header.isascii():
        return float(header.strip()[:9])
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())


@contextmanager
def quietly() -> Iterator[None]:
    """While it is entered, the HTTP library does not log addresses: a search has a family's words in its address."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


def _is_not_ours(_: logging.LogRecord) -> bool:
    return not _ours.get()


logging.getLogger("httpx2").addFilter(_is_not_ours)


def _written(value: str | int | UUID | datetime | None) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _field_problems(problem: Mapping[str, object]) -> Iterator[FieldProblem]:
    errors = problem.get("errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict) and isinstance(error.get("field"), str):
            yield FieldProblem(error["field"], _text(error.get("detail")) or "")
