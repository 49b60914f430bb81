"""A family leaves, and nothing of it stays."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tales.application.passwords import Passwords
from tales.application.ports import Clock
from tales.application.throttle import check_throttle
from tales.domain.actor import Actor
from tales.domain.errors import Conflict, Forbidden, InvalidInput, NotFound
from tales.domain.repositories.accounts import Account
from tales.domain.repositories.unit_of_work import Transactions
from tales.domain.throttle import LoginKind


@dataclass(frozen=True, slots=True)
class EraseFamily:
    """Erases users with all that is theirs: the database's cascades leave nothing. `client` as in `SignIn`."""

    transactions: Transactions
    passwords: Passwords
    clock: Clock

    async def __call__(
        self, actor: Actor, password: str | None, user_id: UUID | None = None, client: str | None = None
    ) -> None:
        """Erase the actor, who says the password; one without a password here says their own `user_id` instead.

        Raises: InvalidInput, TooManyRequests, Conflict where users are another service's to erase.
        """
        account = await self._account(actor.user_id)
        if account is None:
            if user_id != actor.user_id:
                raise InvalidInput("user_id", "Say your own user id, to be sure: everything that is yours is erased.")
        else:
            await self._check(account, password, client)
        await self.by_operator(actor.user_id)

    async def by_operator(self, user_id: UUID) -> None:
        """Erase a user. Raises: NotFound, Conflict where users are another service's to erase."""
        try:
            async with self.transactions.as_service() as work:
                account = await work.accounts.get(user_id)
                erased = await work.accounts.erase(user_id)
                if account is not None:
                    await work.login_attempts.forget(account.email)
                await work.commit()
        except Forbidden:
            raise Conflict(
                "Users are kept by another service here. Delete the user there: all that is theirs goes with them."
            ) from None
        if not erased:
            raise NotFound("user", user_id)

    async def _account(self, user_id: UUID) -> Account | None:
        async with self.transactions.as_service() as work:
            return await work.accounts.get(user_id)

    async def _check(self, account: Account, password: str | None, client: str | None) -> None:
        if password is None:
            raise InvalidInput("password", "Say your password, to be sure: everything that is yours is erased.")
        await self.passwords.check_room(client)
        # Whoever got hold of a token shall not find the password by trying.
        async with self.transactions.as_service() as work:
            await check_throttle(work, LoginKind.SIGN_IN, account.email, client, self.clock.now())
            await work.commit()
        if not await self.passwords.matches(password, account, client):
            raise InvalidInput("password", "This is not your password. Check it.")
