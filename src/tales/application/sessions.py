"""A session goes on as long as its refresh token is traded for the next one, and ends with a sign-out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tales.application.ports import Clock, Log
from tales.application.refresh_tokens import SignedIn, expiry, new_refresh_token
from tales.domain.actor import Actor
from tales.domain.errors import Conflict, Unauthenticated
from tales.domain.repositories.accounts import Account
from tales.domain.repositories.sessions import Session
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork

_PROLONGED_EACH = timedelta(days=1)
_NO_LONGER = "This refresh token is not valid, or no longer. Sign in again."


@dataclass(frozen=True, slots=True)
class Sessions:
    """Prolongs sessions and ends them."""

    transactions: Transactions
    clock: Clock
    log: Log

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Trade a session's refresh token for the next one, which replaces it (RFC 6749, section 6).

        One that has been replaced already ends its session: it was copied, and nobody can tell which of the two is the
        thief (RFC 9700, section 4.14.2). So a client asks for one refresh at a time. Raises: Unauthenticated.
        """
        async with self.transactions.as_service() as work:
            session, account = await self._known(work, refresh_token, await work.sessions.hold(refresh_token))
            new_token = new_refresh_token()
            expires_at = expiry(session.created_at, self.clock.now())
            await work.sessions.replace_token(session, refresh_token, new_token, expires_at)
            await work.commit()
        return SignedIn(Actor(session.user_id, is_admin=account.is_admin, session_id=session.id), new_token)

    async def resume(self, refresh_token: str) -> Actor:
        """Whose session this is, by the refresh token that a browser's cookie keeps, and never trades for another.

        It is prolonged at most once a day. One that was traded all the same was copied, and its session ends, as with
        `refresh`. Raises: Unauthenticated.
        """
        now = self.clock.now()
        async with self.transactions.as_service() as work:
            session, account = await self._known(work, refresh_token, await work.sessions.find(refresh_token))
            expires_at = expiry(session.created_at, now)
            if expires_at - session.expires_at > _PROLONGED_EACH:
                await work.sessions.prolong(session.id, expires_at)
                await work.commit()
        return Actor(session.user_id, is_admin=account.is_admin, session_id=session.id)

    async def sign_out_everywhere(self, actor: Actor) -> None:
        """End all sessions of the actor."""
        async with self.transactions.as_service() as work:
            await work.sessions.close_all(actor.user_id)
            await work.commit()

    async def sign_out(self, actor: Actor) -> None:
        """End the actor's session: its access and refresh tokens are good for nothing from now on.

        Raises: Conflict when the actor's token belongs to no session of ours.
        """
        if actor.session_id is None:
            raise Conflict("This token belongs to no session here. Sign out where it was given.")
        async with self.transactions.as_service() as work:
            await work.sessions.close(actor.session_id)
            await work.commit()

    async def _known(self, work: UnitOfWork, refresh_token: str, session: Session | None) -> tuple[Session, Account]:
        """The session that the token was found to be of, and its account. Raises: Unauthenticated."""
        if session is None:
            await self._end_if_replaced(work, refresh_token)
            raise Unauthenticated(_NO_LONGER)
        account = await work.accounts.get(session.user_id)
        if account is None:
            raise Unauthenticated(_NO_LONGER)
        return session, account

    async def _end_if_replaced(self, work: UnitOfWork, refresh_token: str) -> None:
        session_id = await work.sessions.find_replaced(refresh_token)
        if session_id is not None:
            await work.sessions.close(session_id)
            await work.commit()
            self.log.warning("a refresh token was used twice, so its session has ended", session_id=str(session_id))
