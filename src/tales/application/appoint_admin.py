"""Who may see every family's generations."""

from __future__ import annotations

from dataclasses import dataclass

from tales.domain.errors import NotFound
from tales.domain.repositories.accounts import Account
from tales.domain.repositories.unit_of_work import Transactions


@dataclass(frozen=True, slots=True)
class AppointAdmin:
    """Makes admins of users, and users of admins."""

    transactions: Transactions

    async def __call__(self, email: str, *, is_admin: bool) -> Account:
        """Make the user of this address an admin, or one no longer. Raises: NotFound.

        It shows in the tokens that are given from now on. Those of somebody who is an admin no longer end at once.
        """
        async with self.transactions.as_service() as work:
            account = await work.accounts.find(email.strip())
            if account is None:
                raise NotFound("account of", email.strip())
            await work.accounts.set_admin(account.user_id, is_admin=is_admin)
            if not is_admin:
                await work.sessions.close_all(account.user_id)
            await work.commit()
        return account
