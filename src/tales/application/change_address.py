"""Another address for an account, once somebody has shown that they read it."""

from __future__ import annotations

from dataclasses import dataclass

from tales.application.mail_codes import MailCodes, Purpose
from tales.application.mails import ADDRESS_CHANGED, ADDRESS_CODE, ENGLISH, in_language
from tales.application.passwords import Passwords
from tales.application.ports import Clock, Mailer
from tales.application.reset_password import NO_LONGER, sending
from tales.application.sign_in import checked_email
from tales.application.throttle import check_throttle
from tales.domain.actor import Actor
from tales.domain.errors import Conflict, InvalidInput
from tales.domain.repositories.accounts import Account
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork
from tales.domain.throttle import LoginKind


@dataclass(frozen=True, slots=True)
class ChangeAddress:
    """Replaces the address of an account. `client` as in `SignIn`, `mailer` as in `ResetPassword`."""

    transactions: Transactions
    passwords: Passwords
    codes: MailCodes
    mailer: Mailer | None
    clock: Clock

    async def request(
        self, actor: Actor, email: str, password: str, client: str | None = None, language: str = ENGLISH
    ) -> None:
        """Send a code to the new address, unless it has an account, in `language`: nothing of the answer tells.

        Raises: InvalidInput, TooManyRequests, Unavailable, Conflict where no mail is sent or there is no account.
        """
        mailer = sending(self.mailer)
        await self.passwords.check_room(client)
        address = checked_email("email", email)
        async with self.transactions.as_service() as work:
            account = await _account(work, actor)
            # Whoever got hold of a token shall not find the password by trying.
            await check_throttle(work, LoginKind.SIGN_IN, account.email, client, self.clock.now())
            await work.commit()
        if not await self.passwords.matches(password, account, client):
            raise InvalidInput("password", "This is not your password. Check it.")
        async with self.transactions.as_service() as work:
            await work.login_attempts.clear(LoginKind.SIGN_IN, account.email, client)
            await check_throttle(work, LoginKind.MAIL, address, client, self.clock.now())
            is_free = await work.accounts.find(address) is None
            await work.commit()
        if is_free:
            code = self.codes.make(Purpose.ADDRESS, *_facts(account, address))
            mail = in_language(ADDRESS_CODE, language)
            mailer.send(address, mail.subject, mail.text.format(code=code))

    async def confirm(self, actor: Actor, email: str, code: str, language: str = ENGLISH) -> None:
        """Replace the address, end all sessions but the actor's own, and tell the former address, in `language`.

        Raises: InvalidInput, Conflict when the address has got an account meanwhile.
        """
        address = checked_email("email", email)
        async with self.transactions.as_service() as work:
            account = await _account(work, actor)
            if not self.codes.fits(code, Purpose.ADDRESS, *_facts(account, address)):
                raise InvalidInput("code", NO_LONGER)
            if not await work.accounts.change_address(account, address):
                raise InvalidInput("code", NO_LONGER)
            await work.sessions.close_all(actor.user_id, but=actor.session_id)
            await work.login_attempts.forget(account.email)
            await work.commit()
        if self.mailer is not None:
            mail = in_language(ADDRESS_CHANGED, language)
            self.mailer.send(account.email, mail.subject, mail.text)


def _facts(account: Account, address: str) -> tuple[object, ...]:
    return (account.user_id, account.email, account.password_hash, address)


async def _account(work: UnitOfWork, actor: Actor) -> Account:
    account = await work.accounts.get(actor.user_id)
    if account is None:
        raise Conflict("This user has no account here. Change the address where you sign in.")
    return account
