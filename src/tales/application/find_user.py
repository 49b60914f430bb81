"""Who an operator means by an address or an id."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tales.domain.errors import NotFound
from tales.domain.repositories.unit_of_work import Transactions


@dataclass(frozen=True, slots=True)
class FindUser:
    """Finds users by what an operator knows of them."""

    transactions: Transactions

    async def __call__(self, address: str) -> UUID:
        """The id of the user with this address, or the id itself. Raises: NotFound."""
        try:
            return UUID(address)
        except ValueError:
            pass
        async with self.transactions.as_service() as work:
            account = await work.accounts.find(address.strip())
        if account is None:
            raise NotFound("account", address)
        return account.user_id
