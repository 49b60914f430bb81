"""Goals of experiments in `tales.prompt_goals`, and snapshots of what is known of their arms (migration 034)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from tales.domain.errors import InvalidInput
from tales.domain.generation import Status
from tales.domain.goal_states import Draw, DrawCount
from tales.domain.goals import Arm, ArmRecord, Goal, GoalMeasure, GoalSettings, GoalSnapshot
from tales.domain.repositories.goals import GoalRepository
from tales.domain.story_spec import StoryType

_log = logging.getLogger(__name__)

_CURRENT = text("""
    select g.*, s.id as snapshot_id, s.taken_at, s.arms, extract(epoch from now() - s.taken_at)::float as snapshot_age
    from tales.prompt_goals as g
    left join lateral (
        select * from tales.goal_snapshots as one where one.goal_id = g.id order by one.taken_at desc limit 1
    ) as s on true
    where g.ended_at is null
    order by g.language, g.story_type
""")
_OF_SNAPSHOT = text("""
    select g.*, s.id as snapshot_id, s.taken_at, s.arms, extract(epoch from now() - s.taken_at)::float as snapshot_age
    from tales.goal_snapshots as s
    join tales.prompt_goals as g on g.id = s.goal_id
    where s.id = :id
""")
_END = text("""
    update tales.prompt_goals set ended_at = now()
    where story_type = :story_type and language = :language and ended_at is null
""")
_ADD = text("""
    insert into tales.prompt_goals
        (story_type, language, measure, models, floor_percent, least_success_percent, window_days)
    values (:story_type, :language, :measure, :models, :floor_percent, :least_success_percent, :window_days)
""")
# As tales.known_of_arms counts (migration 034), but from the first draw on. The moment comes as a value, so the plan is
# made for it.
_ROLLED_UNTIL = text("""
    select greatest(date_trunc('hour', cast(:set_at as timestamptz), 'UTC'), complete_until) from tales.rollup_state
""")
_COUNTS = text("""
    select d.prompt_version, d.model_used, sum(d.attempts)::bigint as draws,
        coalesce(sum(d.attempts) filter (where d.status = 'success'), 0)::bigint as stories
    from (
        select prompt_version, model_used, status, attempts from tales.rollup_cells
        where grain = 'hour' and detail = 'drawn' and experiment = :named
            and starts_at >= date_trunc('hour', cast(:set_at as timestamptz), 'UTC') and starts_at < :rolled_until
        union all
        select prompt_version, model_used, status, attempts from tales.drawn_cells
        where experiment = :named and created_at >= :rolled_until
    ) as d
    group by d.prompt_version, d.model_used
""")
# Snapshot by snapshot, the newest first, until there are enough: a goal may have been drawn for by the million.
_NEWEST_DRAWS = text("""
    select a.generation_id, a.created_at, coalesce(c.failed_version, a.prompt_version, '') as prompt_version,
        a.model_used, a.status
    from (select id, taken_at from tales.goal_snapshots where goal_id = :id order by taken_at desc) as s
    cross join lateral (
        select * from tales.prompt_choices where snapshot_id = s.id order by generation_id desc limit :limit
    ) as c
    join tales.generations as a on a.generation_id = c.generation_id and a.attempt_number = c.attempt_number
    order by s.taken_at desc, c.generation_id desc limit :limit
""")
_LOCK = text("select pg_advisory_xact_lock(hashtext('tales.prompt_templates'), hashtext(:kind))")


class SqlGoalRepository(GoalRepository):
    """Goals over one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list(self) -> tuple[Goal, ...]:
        return await current_goals(self._session)

    async def set(self, settings: GoalSettings) -> None:
        await self.end(settings.story_type, settings.language)
        values = {name: getattr(settings, name) for name in GoalSettings.__slots__}
        await self._session.execute(_ADD, values | {"models": list(settings.models)})

    async def end(self, story_type: StoryType, language: str) -> bool:
        await lock_kind(self._session, story_type, language)
        ended = await self._session.execute(_END, {"story_type": story_type, "language": language})
        return bool(ended.rowcount)  # type: ignore[attr-defined]  # of an update

    async def of_snapshot(self, snapshot_id: UUID) -> Goal | None:
        row = (await self._session.execute(_OF_SNAPSHOT, {"id": snapshot_id})).mappings().one_or_none()
        return _goal(row) if row else None

    async def counts(self, goal: Goal) -> tuple[DrawCount, ...]:
        rolled_until = await self._session.scalar(_ROLLED_UNTIL, {"set_at": goal.set_at})
        named = {"named": f"goal {goal.id}", "set_at": goal.set_at, "rolled_until": rolled_until}
        rows = await self._session.execute(_COUNTS, named)
        return tuple(DrawCount(Arm(row.prompt_version, row.model_used), row.draws, row.stories) for row in rows)

    async def newest_draws(self, goal: Goal, limit: int) -> tuple[Draw, ...]:
        rows = await self._session.execute(_NEWEST_DRAWS, {"id": goal.id, "limit": limit})
        return tuple(
            Draw(
                generation_id=row.generation_id,
                created_at=row.created_at,
                arm=Arm(row.prompt_version, row.model_used),
                status=Status(row.status),
            )
            for row in rows
        )


async def lock_kind(session: AsyncSession, story_type: StoryType, language: str) -> None:
    """Until the transaction ends, others that change goals or add prompts of this story type and language wait."""
    await session.execute(_LOCK, {"kind": f"{story_type}-{language}"})


async def current_goals(session: AsyncSession) -> tuple[Goal, ...]:
    """Those that have not ended, each with its newest snapshot."""
    return tuple(_readable((await session.execute(_CURRENT)).mappings()))


def _readable(rows: Iterable[RowMapping]) -> Iterator[Goal]:
    """Those of `rows` that are goals to this program: one by hand, or of a later release, stops no story."""
    for row in rows:
        try:
            yield _goal(row)
        except (InvalidInput, ValueError) as error:
            _log.warning("The goal %s cannot be read, and is passed over: %s", row["id"], error)


def _goal(row: RowMapping) -> Goal:
    settings = GoalSettings(
        story_type=StoryType(row["story_type"]),
        language=row["language"],
        measure=GoalMeasure(row["measure"]),
        models=tuple(row["models"]),
        **{name: row[name] for name in ("floor_percent", "least_success_percent", "window_days")},
    )
    if row["snapshot_id"] is None:
        return Goal(row["id"], row["set_at"], settings)
    try:
        records = tuple(map(_record, row["arms"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        # Made by hand, or by a later release: without records it is passed over.
        records = ()
    snapshot = GoalSnapshot(row["snapshot_id"], row["taken_at"], records)
    return Goal(row["id"], row["set_at"], settings, snapshot, row["snapshot_age"])


def _record(arm: Mapping[str, Any]) -> ArmRecord:
    """Raises: KeyError, TypeError, ValueError, OverflowError."""
    cost = arm["mean_cost_usd"]
    hits, trials = arm["hits"], arm["trials"]
    if type(hits) is not int or type(trials) is not int:
        raise TypeError
    return ArmRecord(Arm(str(arm["version"]), str(arm["model"])), hits, trials, None if cost is None else float(cost))
