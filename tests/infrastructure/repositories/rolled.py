"""Every report, and how two of them are compared: once out of rollups, once attempt by attempt."""

from __future__ import annotations

from dataclasses import astuple, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from tales.domain.report_filters import ReportFilter
from tales.domain.reports import ModelRow
from tales.infrastructure.postgres.unit_of_work import SqlTransactions

ODD = ReportFilter(since=datetime(2026, 3, 3, 5, 17, tzinfo=UTC), until=datetime(2026, 9, 9, 19, 43, 12, tzinfo=UTC))


async def models(transactions: SqlTransactions, wanted: ReportFilter) -> tuple[ModelRow, ...]:
    async with transactions.as_service() as work:
        return await work.reports.models(wanted)


async def whole(transactions: SqlTransactions, wanted: ReportFilter) -> dict[str, Any]:
    """Every report, as far as it must be the same to the last digit, and its percentiles apart."""
    async with transactions.as_service() as work:
        reports = work.reports
        found = {
            "migrated": await reports.migrated(wanted),
            "models": await reports.models(wanted),
            "courses": await reports.courses(wanted),
            "timeouts": await reports.timeouts(wanted),
            "failures": await reports.failures(wanted),
            "costs": await reports.costs(wanted),
            "shares": await reports.cost_shares(wanted),
            "daily": sorted((await reports.daily_costs(wanted) or {}).items()),
            "prompts": await reports.prompts(wanted),
            "drawn": sorted(await reports.drawn(wanted), key=astuple),
        }
    return {name: comparable(value) for name, value in found.items()}


def comparable(value: Any) -> Any:
    """Percentiles left out, and floats but for the order in which they were added up."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-9)
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if not field.name.endswith(("_p50", "_p95", "_p99"))]
        return {name: comparable(getattr(value, name)) for name in names}
    return [comparable(part) for part in value] if isinstance(value, list | tuple) else value
