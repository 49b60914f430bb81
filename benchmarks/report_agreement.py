"""Whether two ways to a report say the same: counts and sums exactly, percentiles within 1 %."""

from __future__ import annotations

import math
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from tales.application import reports as use_cases

_ERROR = 0.01
_NOT_COMPARED = ("rolled_up_until", "wanted", "not_counted")
_MOMENTS = ("_p50", "_p95", "_p99")


def agree(raw: use_cases.Report | None, rolled: use_cases.Report | None) -> bool:
    """Whether the reports are equal but for percentiles, and for what one of them leaves out and says so."""
    left_out = rolled.not_counted if rolled else ()
    return _same(_plain(raw, left_out), _plain(rolled, left_out))


def _plain(report: use_cases.Report | None, left_out: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 -- whatever it holds
    """A report's figures, without what differs by its way. Percentiles are held against DuckDB's."""
    if report is None:
        return None
    figures = {name: value for name, value in asdict(report).items() if name not in _NOT_COMPARED}
    return _without(figures, left_out)


def _without(value: Any, left_out: tuple[str, ...]) -> Any:  # noqa: ANN401 -- as above
    """Neither percentiles, nor rows of what the report says it leaves out."""
    if isinstance(value, dict):
        return {name: _without(one, left_out) for name, one in value.items() if not str(name).endswith(_MOMENTS)}
    if isinstance(value, list | tuple):
        return [
            _without(one, left_out) for one in value if not (isinstance(one, dict) and one.get("dimension") in left_out)
        ]
    return value


def _same(one: Any, other: Any, error: float = 1e-9) -> bool:  # noqa: ANN401 -- as above
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name], error) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(_same(a, b, error) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=error)
    return bool(one == other)


def differs_from_duckdb(
    found: list[tuple[Any, ...]], rolled: use_cases.Report | None, raw: use_cases.Report | None
) -> list[str]:
    """Where DuckDB counts something else than a report of the models."""
    wrong = []
    for way, report in (("rollups", rolled), ("attempts", raw)):
        if report is None:
            continue
        rows = {row.model_used: row for row in report.items}  # type: ignore[attr-defined]  # it is that of the models
        for model, attempts, cost, tokens, ratings, seconds, first_token in found:
            row = rows.pop(model)
            counted = (row.attempts, row.cost_usd, row.completion_tokens, row.ratings)
            times = [row.seconds_p50, row.seconds_p95, row.seconds_p99]
            times += [row.first_token_seconds_p50, row.first_token_seconds_p95, row.first_token_seconds_p99]
            same = counted == (attempts, Decimal(cost), tokens, ratings)
            # From the attempts a percentile lies between two of them, where DuckDB's is one of them.
            if not same or (way == "rollups" and not _same(times, [*seconds, *first_token], _ERROR)):
                wrong.append(f"models of a year, {model}: {way} and DuckDB")
        wrong += [f"models of a year, {model}: DuckDB has none" for model in rows]
    return wrong
