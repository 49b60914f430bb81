"""Who has changed budgets, prices, prompts and goals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from tales.application.admins import as_admin
from tales.domain.actor import Actor
from tales.domain.changes import ANY_CHANGE, Change, ChangeFilter
from tales.domain.page import Page, PageRequest
from tales.domain.repositories.unit_of_work import Transactions


async def list_changes_as_admin(
    transactions: Transactions, actor: Actor, page: PageRequest, which: ChangeFilter = ANY_CHANGE
) -> Page[Change]:
    """The changes that fit, the newest first. Raises: Forbidden for whoever is no admin."""
    async with as_admin(transactions, actor, "The change log is") as work:
        return await work.changes.list(page, which)


async def list_changes(transactions: Transactions, page: PageRequest, which: ChangeFilter = ANY_CHANGE) -> Page[Change]:
    """The same for the operator."""
    async with transactions.as_service() as work:
        return await work.changes.list(page, which)


async def names_of(transactions: Transactions, changes: Iterable[Change]) -> Mapping[UUID, str]:
    """The addresses of those who made `changes`, as far as they have an account here."""
    ids = {change.changed_by for change in changes if change.changed_by is not None}
    if not ids:
        return {}
    async with transactions.as_service() as work:
        return await work.accounts.emails(ids)
