"""A new password, which ends every other session."""

from __future__ import annotations

from dataclasses import dataclass

from tales.application.passwords import Passwords
from tales.application.ports import Clock
from tales.application.throttle import check_throttle
from tales.domain.actor import Actor
from tales.domain.errors import Conflict, InvalidInput, Unauthenticated
from tales.domain.repositories.accounts import Account
from tales.domain.repositories.unit_of_work import Transactions
from tales.domain.throttle import LoginKind


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Replaces a user's password. `client` as in `SignIn`."""

    transactions: Transactions
    passwords: Passwords
    clock: Clock

    async def __call__(self, actor: Actor, current: str, new: str, client: str | None = None) -> None:
        """Replace the `current` password by the `new` one, and end all sessions but the actor's own.

        Raises: InvalidInput, Unauthenticated, TooManyRequests, or Conflict when the user has no password here.
        """
        await self.passwords.check_room(client)
        account = await self._admitted(actor, client)
        checked = await self.passwords.checked("new_password", new, account.email)
        if not await self.passwords.matches(current, account, client):
            raise InvalidInput("current_password", "This is not the present password. Check it.")
        hashed = await self.passwords.hash(checked, client)
        async with self.transactions.as_service() as work:
            if not await work.accounts.change_password(account, hashed):
                raise Conflict("The password has been changed meanwhile. Sign in with the new one.")
            await work.sessions.close_all(actor.user_id, but=actor.session_id)
            await work.login_attempts.clear(LoginKind.SIGN_IN, account.email, client)
            await work.commit()

    async def _admitted(self, actor: Actor, client: str | None) -> Account:
        """The actor's account, after one more attempt to name its password has been counted."""
        async with self.transactions.as_service() as work:
            if actor.session_id is not None and not await work.sessions.is_open(actor.session_id):
                raise Unauthenticated("This session has ended. Sign in again.")
            account = await work.accounts.get(actor.user_id)
            if account is None:
                raise Conflict("This user has no password here. Change it where you sign in.")
            # Whoever got hold of a token shall not find the password by trying.
            await check_throttle(work, LoginKind.SIGN_IN, account.email, client, self.clock.now())
            await work.commit()
        return account
