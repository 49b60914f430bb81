"""Where reports come from: every attempt that the actor may see and that a filter leaves in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from tales.domain.comparison import DrawnRow
from tales.domain.courses import Course
from tales.domain.prices import Estimates
from tales.domain.report_filters import ReportFilter
from tales.domain.reports import CostRow, CostShareRow, FailureRow, ModelRow, PromptRow, TimeoutRow


class ReportRepository(Protocol):
    """What the attempts of a filter add up to."""

    async def rolled_up_until(self, wanted: ReportFilter) -> datetime | None:
        """Up to when rollups answer; None: every attempt is counted."""

    async def not_counted(self, wanted: ReportFilter) -> frozenset[str]:
        """Which dimensions are left out, as rollups do not know them and there are too many attempts.

        `all`: nothing is counted, as it is narrowed to a user who has too many of them.
        Of `failures`: prompt_length, hour, weekday; of `cost_shares`: user_id; of `costs` and `daily_costs`: day. Of
        `estimates`: estimate, where the attempts to be estimated are too many.
        """

    async def migrated(self, wanted: ReportFilter) -> int:
        """How many migrated attempts there are besides."""

    async def models(self, wanted: ReportFilter) -> tuple[ModelRow, ...]:
        """By model, the busiest first."""

    async def courses(self, wanted: ReportFilter) -> tuple[Course, ...]:
        """The courses of the generations whose first attempt is in the period; the model is that of the first."""

    async def timeouts(self, wanted: ReportFilter) -> tuple[TimeoutRow, ...]:
        """By model and reason, the most frequent first."""

    async def failures(self, wanted: ReportFilter) -> tuple[FailureRow, ...]:
        """By each dimension; models and reasons the most frequent first, the others in their own order."""

    async def costs(self, wanted: ReportFilter) -> tuple[CostRow, ...]:
        """By day and model, the newest day first."""

    async def cost_shares(self, wanted: ReportFilter) -> tuple[CostShareRow, ...]:
        """The sum, then by each dimension, the dearest first."""

    async def estimates(self, wanted: ReportFilter, users: Sequence[str] = ()) -> Estimates:
        """What the calls of unknown cost may have cost; by user only of `users`."""

    async def daily_costs(self, wanted: ReportFilter) -> Mapping[date, float] | None:
        """The known cost of each day on which anything was asked for; None where days are not counted."""

    async def drawn(self, wanted: ReportFilter) -> tuple[DrawnRow, ...]:
        """How the versions do that generations were drawn for, experiment by experiment."""

    async def prompts(self, wanted: ReportFilter) -> tuple[PromptRow, ...]:
        """By version of the prompt and model, the busiest first."""
