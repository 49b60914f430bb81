"""The first admin of a new place: whoever can read what `tales serve` prints, and nobody else on the network."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

from tales.application.accounts import appoint_admin
from tales.application.sign_in import SignIn
from tales.domain.errors import NotFound
from tales.domain.repositories.unit_of_work import Transactions

_BYTES = 16


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """Opens the account of the first admin for whoever brings `token`, as long as there is no admin."""

    transactions: Transactions
    sign_in: SignIn
    token: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)

    async def is_wanted(self) -> bool:
        """Whether there is no admin yet."""
        async with self.transactions.as_service() as work:
            return not await work.accounts.has_admin()

    async def check(self, token: str) -> None:
        """Pass for the right token while there is no admin. Raises: NotFound."""
        if not hmac.compare_digest(token.encode(), self.token.encode()) or not await self.is_wanted():
            raise NotFound("page", "welcome")

    async def __call__(self, token: str, email: str, password: str, client: str | None = None) -> None:
        """Open the account. Raises: NotFound, and what `SignIn.sign_up` raises."""
        await self.check(token)
        account = await self.sign_in.sign_up(email, password, client)
        await appoint_admin(self.transactions, account.email, is_admin=True)
