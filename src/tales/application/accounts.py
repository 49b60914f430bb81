"""Users as they see themselves, and as an operator finds and appoints them."""

from __future__ import annotations

from uuid import UUID

from tales.application.admins import check_admin
from tales.domain.actor import Actor
from tales.domain.errors import NotFound
from tales.domain.page import Page, PageRequest
from tales.domain.profile import Profile, UserSummary
from tales.domain.repositories.accounts import Account
from tales.domain.repositories.unit_of_work import Transactions


async def read_profile(transactions: Transactions, actor: Actor) -> Profile:
    """The actor's own profile: who is signed in, and how much they have."""
    async with transactions.as_user(actor) as work:
        holdings = await work.accounts.holdings(actor.user_id)
    async with transactions.as_service() as work:
        account = await work.accounts.get(actor.user_id)
        created_at = await work.accounts.created_at(actor.user_id)
    return Profile(actor.user_id, account.email if account else None, actor.is_admin, created_at, holdings)


async def find_user(transactions: Transactions, address: str) -> UUID:
    """The id of the user with this address, or the id itself. Raises: NotFound."""
    try:
        return UUID(address)
    except ValueError:
        pass
    async with transactions.as_service() as work:
        account = await work.accounts.find(address.strip())
    if account is None:
        raise NotFound("account", address)
    return account.user_id


async def list_users(
    transactions: Transactions, actor: Actor, page: PageRequest, email: str | None = None
) -> Page[UserSummary]:
    """Who has an account here, the newest first; `email`: the one with this address.

    Raises: Forbidden for whoever is no admin.
    """
    check_admin(actor, "Users are")
    async with transactions.as_service() as work:
        return await work.accounts.list(page, email)


async def appoint_admin(transactions: Transactions, email: str, *, is_admin: bool) -> Account:
    """Make the user of this address an admin, or one no longer. Raises: NotFound.

    It shows in the tokens that are given from now on. Those of somebody who is an admin no longer end at once.
    """
    async with transactions.as_service() as work:
        account = await work.accounts.find(email.strip())
        if account is None:
            raise NotFound("account of", email.strip())
        await work.accounts.set_admin(account.user_id, is_admin=is_admin)
        if not is_admin:
            await work.sessions.close_all(account.user_id)
        await work.commit()
    return account
