"""What can go wrong between a client and the service.

ClientError
├── ConnectionFailed        no answer came
│   └── TimedOut            none came in time
├── UnexpectedAnswer        an answer came that is not one of Tales
└── Problem                 the service says what is wrong (RFC 9457)
    ├── BadRequest          400, 405, 413, 415 and what has no name of its own
    ├── Unauthenticated         401
    ├── Forbidden           403
    ├── NotFound            404: it does not exist, or is another family's
    ├── Conflict            409
    ├── PreconditionFailed  412: it was changed by somebody else
    ├── InvalidInput        422: `field` and `errors` name what to change
    ├── TooManyRequests     429: again after `retry_after` seconds
    └── ServerFailed        5xx
        └── Unavailable     503: again after `retry_after` seconds
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus


class ClientError(Exception):
    """A request to Tales did not work. `message` is one sentence or two, for people."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class ConnectionFailed(ClientError):
    """No answer came: the server cannot be reached, or the connection broke. It may have done what was asked."""


class TimedOut(ConnectionFailed):
    """No answer came in time. The server may still do what was asked."""


class UnexpectedAnswer(ClientError):
    """Something answered that is not version 3 of Tales. Check the server's address."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field: its dotted path, and what to do."""

    field: str
    detail: str


class Problem(ClientError):
    """The service says what is wrong.

    `code` names the kind of problem and never changes; `retry_after` in seconds; `request_id` is what the operator
    finds in the log. What the service does not say is None.
    """

    def __init__(
        self,
        *,
        status: int,
        code: str,
        title: str,
        detail: str,
        errors: tuple[FieldProblem, ...] = (),
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = errors
        self.request_id = request_id
        self.retry_after = retry_after
        super().__init__(detail)

    @property
    def field(self) -> str | None:
        """The first field that is wrong, as a dotted path."""
        return self.errors[0].field if self.errors else None

    def __str__(self) -> str:
        return f"{self.detail} ({self.status} {self.code})"


class BadRequest(Problem):
    """The request cannot be understood."""


class Unauthenticated(Problem):
    """Sign in first, or check the address and the password."""


class Forbidden(Problem):
    """The user may not do this."""


class NotFound(Problem):
    """There is no such thing, or it is another family's."""


class Conflict(Problem):
    """It cannot be done in the present state."""


class PreconditionFailed(Problem):
    """It has been changed since it was read. Read it again."""


class InvalidInput(Problem):
    """A field holds a value that is not allowed: `field`, and all of them in `errors`."""


class TooManyRequests(Problem):
    """A limit was hit. Ask again after `retry_after` seconds."""


class ServerFailed(Problem):
    """Something went wrong on the other side."""


class Unavailable(ServerFailed):
    """The service cannot work now. Ask again after `retry_after` seconds."""


_BY_STATUS: Mapping[int, type[Problem]] = {
    HTTPStatus.UNAUTHORIZED: Unauthenticated,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.PRECONDITION_FAILED: PreconditionFailed,
    HTTPStatus.UNPROCESSABLE_ENTITY: InvalidInput,
    HTTPStatus.TOO_MANY_REQUESTS: TooManyRequests,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
}


def kind_of_problem(status: int) -> type[Problem]:
    """The class for an answer with this status. Codes that are new fall into the family of their status."""
    return _BY_STATUS.get(status, ServerFailed if status >= HTTPStatus.INTERNAL_SERVER_ERROR else BadRequest)
