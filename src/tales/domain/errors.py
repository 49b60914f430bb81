"""Everything that can be wrong with what somebody asked of Tales.

TalesError
├── InvalidInput            a field holds something that cannot be
├── NotFound                it does not exist, or is another family's
├── Conflict                it cannot be done in the present state
│   └── IllegalTransition   an attempt cannot go from this state to that one
├── VersionConflict         it has changed since it was read
├── Unauthenticated         no user, or wrong credentials
├── Forbidden               the user may not do this
├── TooManyRequests         it was asked for more often than a limit allows
├── GenerationFailed        a generation has ended without a story
├── GenerationTimeout       a story takes longer than its reader can wait
└── Unavailable             something that Tales needs does not answer
    └── QueueFull           so many stories wait that none is added

Failures of a call to a model are no errors: they are results, kept in a row (`tales.domain.failures`).
The docstring of a class is its default message. No class knows HTTP: each interface translates once.
"""

from __future__ import annotations

import inspect
import math
from uuid import UUID


class TalesError(Exception):
    """Something went wrong."""

    code = "error"
    refused_by: str | None = None
    """What in the database refused it, by its name: a constraint, a policy, a trigger. Never a row's content."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or inspect.cleandoc(self.__doc__ or "")
        super().__init__(self.message)


class InvalidInput(TalesError):
    """A field holds a value that is not allowed. `field` is its dotted name as the caller wrote it."""

    code = "invalid_input"

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


class NotFound(TalesError):
    """There is no such thing here. Check its id."""

    code = "not_found"

    def __init__(self, kind: str, identifier: object) -> None:
        self.kind = kind
        super().__init__(f"There is no {kind} {identifier}. Check its id.")


class Conflict(TalesError):
    """This cannot be done in the present state."""

    code = "conflict"


class IllegalTransition(Conflict):
    """An attempt cannot go from this state to that one."""

    code = "illegal_transition"


class VersionConflict(TalesError):
    """It has changed since you read it. Read it again, then make your change once more."""

    code = "outdated"


class Unauthenticated(TalesError):
    """Sign in first, or check the address and the password."""

    code = "not_signed_in"


class Forbidden(TalesError):
    """You may not do this."""

    code = "forbidden"


class TooManyRequests(TalesError):
    """This was asked for too often. Try again later."""

    code = "too_many_requests"

    def __init__(self, retry_after: float, message: str | None = None, *, limit: str | None = None) -> None:
        """`retry_after`: seconds until it makes sense to ask again, rounded up to whole ones, at least one.

        `limit` names the limit that was reached, for programs.
        """
        self.retry_after = max(1, math.ceil(retry_after))
        self.limit = limit
        super().__init__(message)


class GenerationFailed(TalesError):
    """No story came of this, whatever was tried. Ask again."""

    code = "not_written"

    def __init__(self, generation_id: UUID, reason: str | None = None) -> None:
        self.generation_id = generation_id
        super().__init__(f"No story came of this: {reason} Ask again." if reason else None)


class GenerationTimeout(TalesError):
    """The story is still being written. Do not ask again: it will be in the list of stories when it is finished."""

    code = "still_writing"

    def __init__(self, generation_id: UUID) -> None:
        self.generation_id = generation_id
        super().__init__()


class Unavailable(TalesError):
    """Something that Tales needs does not answer. Try again in a moment."""

    code = "unavailable"


class QueueFull(Unavailable):
    """So many stories wait to be written that none can be added. Ask again in a moment."""

    code = "queue_full"
