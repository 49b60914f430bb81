"""One transaction, on behalf of one actor."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tales.domain.actor import Actor
from tales.domain.repositories.accounts import AccountRepository
from tales.domain.repositories.audit_log import AuditLog
from tales.domain.repositories.budgets import BudgetRepository
from tales.domain.repositories.changes import ChangeLog
from tales.domain.repositories.family import ChildRepository, HeroRepository
from tales.domain.repositories.generations import GenerationRepository
from tales.domain.repositories.goals import GoalRepository
from tales.domain.repositories.limits import IdempotencyKeyRepository, RequestRateRepository
from tales.domain.repositories.live_texts import LiveTextRepository
from tales.domain.repositories.login_attempts import LoginAttemptRepository
from tales.domain.repositories.prices import PriceRepository
from tales.domain.repositories.prompts import PromptRepository
from tales.domain.repositories.reports import ReportRepository
from tales.domain.repositories.sessions import SessionRepository
from tales.domain.repositories.stories import StoryRepository


class UnitOfWork(Protocol):
    """The repositories over one transaction. Left without `commit`, nothing of it has happened."""

    generations: GenerationRepository
    stories: StoryRepository
    children: ChildRepository
    heroes: HeroRepository
    accounts: AccountRepository
    live_texts: LiveTextRepository
    idempotency_keys: IdempotencyKeyRepository
    request_rates: RequestRateRepository
    sessions: SessionRepository
    login_attempts: LoginAttemptRepository
    reports: ReportRepository
    audit_log: AuditLog
    changes: ChangeLog
    prices: PriceRepository
    prompts: PromptRepository
    goals: GoalRepository
    budgets: BudgetRepository

    async def commit(self) -> None:
        """Make all of it last, at once."""


class Transactions(Protocol):
    """Begins units of work. The only way to the database's rows."""

    def as_user(self, actor: Actor) -> AbstractAsyncContextManager[UnitOfWork]:
        """Under row-level security, as this user. Raises: Unauthenticated when the actor's session has ended."""

    def as_requester(self, actor: Actor) -> AbstractAsyncContextManager[UnitOfWork]:
        """As this user, with leave to put an attempt into the queue. Raises: Unauthenticated."""

    def as_service(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """As the service itself: to keep results, and accounts."""
