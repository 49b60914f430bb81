"""Generations, as a family gives them up and as an operator looks at everybody's."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from tales.application.admins import as_admin
from tales.domain.actor import Actor
from tales.domain.audit import AuditEntry, Via
from tales.domain.errors import Conflict, NotFound
from tales.domain.filters import ANY_CALL, CallFilter
from tales.domain.generation import AttemptId, Generation
from tales.domain.page import Page, PageRequest
from tales.domain.repositories.unit_of_work import Transactions, UnitOfWork

CANCELLED = "Cancelled by the user."


async def cancel(transactions: Transactions, actor: Actor, generation_id: UUID) -> None:
    """End the attempt in flight; a late answer of the model is refused.

    Raises: NotFound, also for another family's; Conflict when it has ended already.
    """
    async with transactions.as_user(actor) as work:
        tried: AttemptId | None = None
        while True:
            latest = await work.generations.latest_attempt(generation_id)
            if latest is None or latest.user_id != actor.user_id:
                raise NotFound("generation", generation_id)
            if latest.status.is_final or latest.id == tried:
                raise Conflict("This generation has ended already, so it cannot be cancelled.")
            if await work.generations.cancel_attempt(latest.id, CANCELLED):
                break
            # It has ended in between. What follows it by the same commit is cancelled, if anything does.
            tried = latest.id
        await work.commit()


async def list_all(transactions: Transactions, page: PageRequest, which: CallFilter = ANY_CALL) -> Page[Generation]:
    """Everybody's, the newest calls first, without prompts and responses; for the operator."""
    async with transactions.as_service() as work:
        return await work.generations.list_all(page, which)


async def list_as_admin(
    transactions: Transactions, actor: Actor, page: PageRequest, which: CallFilter = ANY_CALL
) -> Page[Generation]:
    """Everybody's, as this admin sees them, without prompts and responses. Raises: Forbidden for anybody else."""
    async with as_admin(transactions, actor, "Everybody's generations are") as work:
        return await work.generations.list_all(page, which)


async def look_at(transactions: Transactions, generation_id: UUID) -> Generation:
    """Anybody's, with prompts and responses, for the operator; that is recorded. Raises: NotFound."""
    async with transactions.as_service() as work:
        return await _look(work, generation_id, None)


async def look_as_admin(transactions: Transactions, actor: Actor, generation_id: UUID) -> Generation:
    """Anybody's, with prompts and responses. A look at another family's is recorded, or there is none.

    Raises: NotFound, Forbidden for whoever is no admin.
    """
    async with as_admin(transactions, actor, "Everybody's generations are") as work:
        return await _look(work, generation_id, actor)


async def _look(work: UnitOfWork, generation_id: UUID, viewer: Actor | None) -> Generation:
    generation = await work.generations.get_generation(generation_id, whole=True)
    if generation is None:
        raise NotFound("generation", generation_id)
    generation = await _with_estimates(work, generation)
    if viewer is None or viewer.user_id != generation.user_id:
        via, viewer_id = (Via.COMMAND_LINE, None) if viewer is None else (Via.API, viewer.user_id)
        await work.audit_log.add(AuditEntry(via, viewer_id, generation_id, generation.user_id))
        await work.commit()
    return generation


async def _with_estimates(work: UnitOfWork, generation: Generation) -> Generation:
    """Asks the price list where an attempt has ended and nobody has said what it cost."""
    if not any(attempt.status.is_final and attempt.known_cost_usd is None for attempt in generation.attempts):
        return generation
    estimates = await work.prices.estimates(generation.generation_id)
    attempts = (replace(attempt, estimated_cost_usd=estimates.get(attempt.id)) for attempt in generation.attempts)
    return replace(generation, attempts=tuple(attempts))
