"""Who is asking: the user whose token a request brings along."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tales.application.ports import Clock, TokenReader
from tales.domain.actor import Actor
from tales.domain.repositories.unit_of_work import Transactions

REMEMBERED = timedelta(minutes=5)
"""A newcomer is looked for in the database once in this time, not at each request."""

_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class ProvisionUser:
    """Users of an outside provider: known here from the first token on that they bring."""

    transactions: Transactions
    clock: Clock
    _known: dict[UUID, datetime] = field(default_factory=dict)

    async def __call__(self, user_id: UUID) -> None:
        """Add the user, unless there is one."""
        now = self.clock.now()
        if now - self._known.get(user_id, datetime.min.replace(tzinfo=now.tzinfo)) < REMEMBERED:
            return
        async with self.transactions.as_service() as work:
            await work.accounts.ensure_user(user_id)
            await work.commit()
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[user_id] = now


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Reads a request's token. `provision_user` where a provider signs users in whom this database does not know."""

    tokens: TokenReader
    provision_user: ProvisionUser | None = None

    async def __call__(self, token: str) -> Actor:
        """Who brings this token. Raises: Unauthenticated, Unavailable."""
        actor = await self.tokens.read(token)
        if self.provision_user is not None:
            await self.provision_user(actor.user_id)
        return actor
