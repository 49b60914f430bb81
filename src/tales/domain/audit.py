"""Looks at contents that are another family's: who looked, from where, and at what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Via(StrEnum):
    """What somebody looked through."""

    API = "api"
    COMMAND_LINE = "command_line"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A look at the prompts and responses of a generation, which is of the family `user_id`.

    `viewer_id` is the admin who looked; None is the operator, on a machine that reaches the database.
    """

    via: Via
    viewer_id: UUID | None
    generation_id: UUID
    user_id: UUID
