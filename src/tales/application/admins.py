"""What is for admins alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tales.domain.actor import Actor
from tales.domain.errors import Forbidden
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork


def check_admin(actor: Actor, subject: str) -> None:
    """Pass for an admin. `subject`: what is for admins, such as "Reports are". Raises: Forbidden for anybody else."""
    if not actor.is_admin:
        raise Forbidden(f"{subject} for admins. Ask an operator to make you one.")


@asynccontextmanager
async def as_admin(transactions: Transactions, actor: Actor, subject: str) -> AsyncIterator[UnitOfWork]:
    """A unit of work as this admin, so that the policies decide. Raises: Forbidden for anybody else."""
    check_admin(actor, subject)
    async with transactions.as_user(actor) as work:
        yield work
