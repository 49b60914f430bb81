"""On whose behalf something is done: what the database's policies see as the request's claims."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in user. `is_admin` comes from `app_metadata`, which users cannot edit (decision 14).

    `session_id` names the session that the user's token was given for, where Tales itself gave it.
    """

    user_id: UUID
    is_admin: bool = False
    session_id: UUID | None = None
