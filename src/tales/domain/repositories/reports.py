"""Where reports come from: every attempt that the actor may see, since some moment."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from tales.domain.reports import CostRow, ModelRow, PromptRow, ReasonRow, RetryRow, TimeoutRow


class ReportRepository(Protocol):
    """Reports over the attempts that were asked for at `since` or later."""

    async def models(self, since: datetime) -> tuple[ModelRow, ...]:
        """By model, the busiest first."""

    async def retries(self, since: datetime) -> tuple[RetryRow, ...]:
        """By the number of attempts."""

    async def reasons(self, since: datetime) -> tuple[ReasonRow, ...]:
        """By the reason of a failure, the most frequent first."""

    async def timeouts(self, since: datetime) -> tuple[TimeoutRow, ...]:
        """By model and reason, the most frequent first."""

    async def costs(self, since: datetime) -> tuple[CostRow, ...]:
        """By day and model, the newest day first."""

    async def prompts(self, since: datetime) -> tuple[PromptRow, ...]:
        """By version of the prompt and model, the busiest first."""
