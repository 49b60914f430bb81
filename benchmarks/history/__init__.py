"""A history of attempts as a service would have left it: any size, the same for the same seed."""

from __future__ import annotations

from benchmarks.history.fill import HistoryCounts, fill_history
from benchmarks.history.plan import HistoryPlan

__all__ = ["HistoryCounts", "HistoryPlan", "fill_history"]
