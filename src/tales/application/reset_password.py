"""A new password for somebody who has lost theirs: by a code that comes by mail, or by the operator."""

from __future__ import annotations

from dataclasses import dataclass

from tales.application.mail_codes import MailCodes, Purpose
from tales.application.mails import ENGLISH, PASSWORD_CODE, in_language
from tales.application.passwords import Passwords
from tales.application.ports import Clock, Mailer
from tales.application.sign_in import checked_email
from tales.application.throttle import check_throttle
from tales.domain.errors import Conflict, InvalidInput, NotFound
from tales.domain.repositories.accounts import Account
from tales.domain.repositories.unit_of_work import Transactions
from tales.domain.throttle import LoginKind

NO_LONGER = "This code is not valid, or no longer. Ask for another one."


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """Replaces forgotten passwords. `client` as in `SignIn`. `mailer`: None where the operator has set none up."""

    transactions: Transactions
    passwords: Passwords
    codes: MailCodes
    mailer: Mailer | None
    clock: Clock

    async def request(self, email: str, client: str | None = None, language: str = ENGLISH) -> None:
        """Send a code to the address, if it has an account, in `language`: nothing of the answer tells.

        Raises: InvalidInput, TooManyRequests, Conflict where no mail is sent.
        """
        mailer = sending(self.mailer)
        address = checked_email("email", email)
        async with self.transactions.as_service() as work:
            await check_throttle(work, LoginKind.MAIL, address, client, self.clock.now())
            account = await work.accounts.find(address)
            await work.commit()
        if account is not None:
            code = self.codes.make(Purpose.PASSWORD, account.user_id, account.password_hash)
            mail = in_language(PASSWORD_CODE, language)
            mailer.send(address, mail.subject, mail.text.format(code=code))

    async def confirm(self, email: str, code: str, new: str, client: str | None = None) -> None:
        """Replace the password by the `new` one, and end all sessions.

        Raises: InvalidInput, TooManyRequests, Unavailable.
        """
        await self.passwords.check_room(client)
        async with self.transactions.as_service() as work:
            account = await work.accounts.find(email.strip())
        known = (account.user_id, account.password_hash) if account else ("nobody", "")
        if not self.codes.fits(code, Purpose.PASSWORD, *known) or account is None:
            raise InvalidInput("code", NO_LONGER)
        await self._replace(account, new, client)

    async def by_operator(self, email: str, new: str) -> None:
        """The same without a code. Raises: NotFound, InvalidInput, Unavailable."""
        async with self.transactions.as_service() as work:
            account = await work.accounts.find(email.strip())
        if account is None:
            raise NotFound("account of", email.strip())
        await self._replace(account, new, None)

    async def _replace(self, account: Account, new: str, client: str | None) -> None:
        checked = await self.passwords.checked("new_password", new, account.email)
        hashed = await self.passwords.hash(checked, client)
        async with self.transactions.as_service() as work:
            if not await work.accounts.change_password(account, hashed):
                raise InvalidInput("code", NO_LONGER)
            await work.sessions.close_all(account.user_id)
            await work.login_attempts.clear(LoginKind.SIGN_IN, account.email, client)
            await work.commit()


def sending(mailer: Mailer | None) -> Mailer:
    """The mailer. Raises: Conflict where there is none."""
    if mailer is None:
        raise Conflict("This server sends no mail. Ask its operator, who resets passwords by `tales users reset`.")
    return mailer
