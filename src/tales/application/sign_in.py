"""Accounts, where Tales itself signs users in; and the machine's local user, who needs none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from tales.application.passwords import Passwords
from tales.application.ports import Clock, IdMaker
from tales.application.refresh_tokens import SignedIn, expiry, new_refresh_token
from tales.application.throttle import check_throttle
from tales.domain.actor import Actor
from tales.domain.errors import InvalidInput, Unauthenticated
from tales.domain.repositories.accounts import Account
from tales.domain.repositories.sessions import Session
from tales.domain.repositories.unit_of_work import Transactions
from tales.domain.throttle import LoginKind

LOCAL_USER = Actor(UUID("00000000-0000-8000-8000-000000000001"))
"""Whoever types commands on this machine. A fixed id, so that each command finds the stories of the last."""

LONGEST_EMAIL = 254
# As lenient as HTML's own check of an e-mail field, but with a dot in the domain.
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_WRONG = "The address or the password is wrong. Check both, or sign up first."


@dataclass(frozen=True, slots=True)
class SignIn:
    """Signs users up and in. `client` is the network address that a request came from; None when that says nothing."""

    transactions: Transactions
    ids: IdMaker
    passwords: Passwords
    clock: Clock

    async def sign_up(self, email: str, password: str, client: str | None = None) -> Account:
        """Open an account.

        Raises: InvalidInput, TooManyRequests, Unavailable, or Conflict when the address has one already.
        """
        await self.passwords.check_room(client)
        address = checked_email("email", email)
        checked = await self.passwords.checked("password", password, address)
        async with self.transactions.as_service() as work:
            await check_throttle(work, LoginKind.SIGN_UP, address, client, self.clock.now())
            await work.commit()
        # Hashing is slow on purpose: before a transaction begins.
        hashed = await self.passwords.hash(checked, client)
        account = Account(self.ids.new(), address, hashed, is_admin=False)
        async with self.transactions.as_service() as work:
            await work.accounts.add(account)
            await work.commit()
        return account

    async def sign_in(self, email: str, password: str, client: str | None = None) -> SignedIn:
        """Begin a session of the user with this address and password.

        Raises: Unauthenticated, TooManyRequests, Unavailable when too many sign in.
        """
        await self.passwords.check_room(client)
        address = email.strip().lower()
        async with self.transactions.as_service() as work:
            await check_throttle(work, LoginKind.SIGN_IN, address, client, self.clock.now())
            account = await work.accounts.find(address)
            await work.commit()
        if not await self.passwords.matches(password, account, client) or account is None:
            raise Unauthenticated(_WRONG)
        renewed = await self.passwords.renewed(password, account, client)
        return await self._open_session(account, renewed, client)

    async def local_user(self) -> Actor:
        """The machine's local user, created on first use."""
        async with self.transactions.as_service() as work:
            await work.accounts.ensure_user(LOCAL_USER.user_id)
            await work.commit()
        return LOCAL_USER

    async def _open_session(self, account: Account, renewed: str | None, client: str | None) -> SignedIn:
        now = self.clock.now()
        session = Session(self.ids.new(), account.user_id, client, created_at=now, expires_at=expiry(now, now))
        refresh_token = new_refresh_token()
        async with self.transactions.as_service() as work:
            # Since it was looked at, the password may have been changed, which ends all sessions: this one as well.
            accounts = work.accounts
            unchanged = await (accounts.change_password(account, renewed) if renewed else accounts.hold(account))
            if not unchanged:
                raise Unauthenticated(_WRONG)
            await work.sessions.open(session, refresh_token)
            await work.sessions.forget_expired()
            await work.login_attempts.clear(LoginKind.SIGN_IN, account.email, client)
            await work.commit()
        return SignedIn(Actor(account.user_id, is_admin=account.is_admin, session_id=session.id), refresh_token)


def checked_email(field: str, email: str) -> str:
    """The address in lower case. Raises: InvalidInput, which does not repeat it."""
    address = email.strip().lower()
    if len(address) > LONGEST_EMAIL or not _EMAIL.fullmatch(address) or not address.isprintable():
        raise InvalidInput(field, "This is no e-mail address. Write it like name@example.com.")
    return address
