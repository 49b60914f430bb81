"""A user looks at what Tales knows of them."""

from __future__ import annotations

from dataclasses import dataclass

from tales.domain.actor import Actor
from tales.domain.profile import Profile
from tales.domain.repositories.unit_of_work import Transactions


@dataclass(frozen=True, slots=True)
class ReadProfile:
    """Who is signed in, and how much they have."""

    transactions: Transactions

    async def __call__(self, actor: Actor) -> Profile:
        """The actor's own profile."""
        async with self.transactions.as_user(actor) as work:
            holdings = await work.accounts.holdings(actor.user_id)
        async with self.transactions.as_service() as work:
            account = await work.accounts.get(actor.user_id)
            created_at = await work.accounts.created_at(actor.user_id)
        return Profile(actor.user_id, account.email if account else None, actor.is_admin, created_at, holdings)
