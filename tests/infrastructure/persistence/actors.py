"""Who a statement comes from: a role, and the claims of the token that the request came with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.infrastructure.persistence.rows import Connection


@dataclass(frozen=True, slots=True)
class Actor:
    """A role, None for the owner of the database; `claims` as Supabase's REST endpoint sets them."""

    name: str
    role: str | None
    claims: dict[str, Any] = field(default_factory=dict)


OWNER = Actor("owner", None)
SERVICE = Actor("service", "service_role", {"role": "service_role"})
ANONYMOUS = Actor("anonymous", "anon", {"role": "anon"})


def user(user_id: UUID, name: str = "user", **claims: Any) -> Actor:
    """Somebody who is signed in."""
    return Actor(name, "authenticated", {"sub": str(user_id), "role": "authenticated"} | claims)


def admin() -> Actor:
    """An operator: the role is in `app_metadata`, which only the platform writes."""
    return user(uuid4(), "admin", app_metadata={"role": "admin"})


def fake_admin() -> Actor:
    """Somebody who wrote the role into what every user may write."""
    claims: dict[str, Any] = {"user_metadata": {"role": "admin"}, "user_role": "admin", "is_admin": True}
    return user(uuid4(), "fake admin", **claims)


def requester(asker: Actor) -> Actor:
    """The service that asks for a generation in the name of `asker`."""
    return Actor("requester", "tales_requester", asker.claims)


@contextmanager
def acting(connection: Connection, actor: Actor) -> Iterator[None]:
    """Inside, statements are the actor's; all of it is one transaction."""
    with connection.transaction():
        if actor.role is not None:
            connection.execute(
                "select set_config('request.jwt.claims', %s, true), set_config('role', %s, true)",
                [json.dumps(actor.claims), actor.role],
            )
        yield


@contextmanager
def refused(constraint: str | None = None, error: type[psycopg.Error] = psycopg.IntegrityError) -> Iterator[None]:
    """What happens inside is refused by the database, by this constraint when one is named."""
    with pytest.raises(error) as caught:
        yield
    if constraint is not None:
        assert caught.value.diag.constraint_name == constraint
