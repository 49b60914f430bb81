"""Budgets in `tales.budgets`, and what has been spent of them (migration 030)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.budgets import Budget, BudgetPeriod, BudgetScope, BudgetState
from tales.domain.errors import InvalidInput
from tales.domain.natural_order import natural_order
from tales.domain.repositories.budgets import BudgetRepository
from tales.infrastructure.postgres.connection import let_reports_take_long
from tales.infrastructure.postgres.roles import SERVICE, acting_as

# Whoever asks for a story has read this table: what they insert is committed, and counted, before this goes on.
_LOCK = text("lock table tales.budgets in access exclusive mode")
_USER_EXISTS = text("select exists (select from auth.users where id = :user_id)")
_PUT = text("""
    insert into tales.budgets (scope, user_id, model, period, limit_usd, warn_share)
    values (:scope, :user_id, :model, :period, :limit_usd, :warn_share)
    on conflict on constraint budgets_one_of_each
        do update set limit_usd = excluded.limit_usd, warn_share = excluded.warn_share
    returning id, xmax = 0 as is_new
""")
_WARN_ANEW = text("update tales.budget_spending set warned_at = null where budget_id = :id")
_REMOVE = text("select tales.remove_budget(:scope, cast(:user_id as uuid), cast(:model as text), :period)")
# A user's own takes the place of what each has: with it changes whose spending that is.
_RECOUNT = text("""
    select tales.recount_budgets(array(
        select id from tales.budgets
        where id = :id or (:scope = 'user' and scope = 'each_user' and period = :period)
    ))
""")
# An attempt in flight belongs to the month in which it was asked for: that may be the last one.
_FORGET_PAST = text("""
    delete from tales.budget_spending
    where begins < date_trunc('month', now() at time zone 'UTC') - interval '1 month'
""")
_STATES = text("""
    select b.scope, b.user_id, b.model, b.period, b.limit_usd, b.warn_share, at.begins,
        (at.begins + case b.period when 'day' then interval '1 day' else interval '1 month' end) at time zone 'UTC'
            as opens_at,
        coalesce(s.spent_usd, 0) as spent_usd, coalesce(s.reserved_usd, 0) as reserved_usd, s.warned_at,
        s.user_id as spender
    from tales.budgets as b
    cross join lateral (
        select date_trunc(b.period, cast(:now as timestamptz) at time zone 'UTC')::date as begins
    ) as at
    left join lateral (
        select * from tales.budget_spending as most
        where most.budget_id = b.id and most.begins = at.begins
        order by most.spent_usd + most.reserved_usd desc limit 1
    ) as s on true
    order by b.user_id, b.period
""")
_SCOPES = (BudgetScope.ALL, BudgetScope.MODEL, BudgetScope.EACH_USER, BudgetScope.USER)


class SqlBudgetRepository(BudgetRepository):
    """Budgets over one session; `role` is the transaction's own.

    What is spent is the service's to write. Where that is counted anew, the rest of the transaction is the service's.
    """

    def __init__(self, session: AsyncSession, role: str) -> None:
        self._session = session
        self._role = role

    async def put(self, budget: Budget) -> None:
        async with acting_as(self._session, SERVICE, then=self._role):
            if budget.user_id and not await self._session.scalar(_USER_EXISTS, {"user_id": budget.user_id}):
                message = "There is no such user. `tales users` knows the ids of those that there are."
                raise InvalidInput("user_id", message)
            await self._session.execute(_LOCK)
        amounts = {"limit_usd": budget.limit_usd, "warn_share": budget.warn_share}
        kept = (await self._session.execute(_PUT, _subject(budget) | amounts)).one()
        async with acting_as(self._session, SERVICE, then=self._role):
            if kept.is_new:
                await self._recount(budget, kept.id)
            await self._session.execute(_WARN_ANEW, {"id": kept.id})

    async def remove(self, budget: Budget) -> bool:
        async with acting_as(self._session, SERVICE, then=self._role):
            await self._session.execute(_LOCK)
        found = await self._session.scalar(_REMOVE, _subject(budget))
        async with acting_as(self._session, SERVICE, then=self._role):
            await self._recount(budget)
        return bool(found)

    async def forget_past(self) -> None:
        await self._session.execute(_FORGET_PAST)

    async def _recount(self, changed: Budget, id_: UUID | None = None) -> None:
        facts = {"id": id_, "scope": changed.scope, "period": changed.period}
        # A month of a million attempts takes longer than any other statement may.
        await let_reports_take_long(self._session)
        await self._session.execute(_RECOUNT, facts)

    async def states(self, now: datetime) -> tuple[BudgetState, ...]:
        rows = await self._session.execute(_STATES, {"now": now})
        return tuple(sorted(map(_state, rows.mappings()), key=_place))


def _place(state: BudgetState) -> tuple[object, ...]:
    return _SCOPES.index(state.budget.scope), natural_order(state.budget.model or "")


def _subject(budget: Budget) -> dict[str, object]:
    return {"scope": budget.scope, "period": budget.period, "user_id": budget.user_id, "model": budget.model}


def _state(row: RowMapping) -> BudgetState:
    return BudgetState(
        budget=Budget(
            scope=BudgetScope(row["scope"]),
            period=BudgetPeriod(row["period"]),
            limit_usd=row["limit_usd"],
            warn_share=row["warn_share"],
            user_id=row["user_id"],
            model=row["model"],
        ),
        begins=row["begins"],
        opens_at=row["opens_at"],
        spent_usd=row["spent_usd"],
        reserved_usd=row["reserved_usd"],
        warned_at=row["warned_at"],
        spender=row["spender"],
    )
