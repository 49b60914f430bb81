"""How versions of prompts do, and how those of an experiment compare, as a person reads it."""

from __future__ import annotations

from tales.application.reports import PromptReport
from tales.domain.comparison import LEAST_DIFFERENCE, ComparisonRow
from tales.domain.statistics import Interval
from tales.interfaces.cli.report_columns import (
    Column,
    Section,
    count_column,
    dollars_column,
    interval_column,
    number,
    percent,
    seconds_column,
    text_column,
)

_NOTE = (
    "Drawn generations and their first attempts alone. Better: the probability that the version is. A verdict is "
    "wrong in 5 % at most where it is looked at once; missing: trials of each version until there is one."
)


def prompt_sections(report: PromptReport) -> tuple[Section, ...]:
    """Outcomes; what the stories are like; and experiments, if there were any."""
    outcomes = (
        text_column("prompt", "prompt_version"),
        text_column("model", "model_used"),
        count_column("calls", "attempts"),
        Column("success", lambda row: percent(row.success_rate), bar=lambda row: row.success_rate),
        interval_column("success_interval"),
        count_column("unusable", "unusable"),
        dollars_column("cost", "cost_usd"),
    )
    quality = (
        text_column("prompt", "prompt_version"),
        text_column("model", "model_used"),
        count_column("refused", "refused"),
        Column("length", lambda row: percent(row.length_kept_rate)),
        Column("rating", lambda row: "" if row.mean_rating is None else f"{row.mean_rating:.1f}"),
        Column("95 %", lambda row: _ratings(row.rating_interval)),
        seconds_column("p50", "seconds_p50"),
        dollars_column("a story", "cost_per_story_usd"),
    )
    sections = [
        Section("prompts", "How each version of the prompt does", report.items, outcomes),
        Section("quality", "Refusals, length kept, rating, time and cost", report.items, quality),
    ]
    names = dict.fromkeys(row.experiment for row in report.comparisons)
    for name in names:
        rows = [row for row in report.comparisons if row.experiment == name]
        sections.append(Section("experiment", f"Experiment: {name}", rows, _comparison_columns(), note=_NOTE))
    return tuple(sections)


def _comparison_columns() -> tuple[Column, ...]:
    return (
        text_column("prompt", "prompt_version"),
        text_column("beside", "baseline"),
        text_column("of", "measure"),
        Column("share", lambda row: percent(row.rate)),
        Column("beside", lambda row: percent(row.baseline_rate)),
        Column("better", lambda row: percent(row.probability_better)),
        text_column("verdict", "verdict"),
        Column("missing", _missing),
    )


def _missing(row: ComparisonRow) -> str:
    if row.is_small:
        return f"under {LEAST_DIFFERENCE * 100:.0f} points"
    return "" if row.more_needed is None else number(row.more_needed)


def _ratings(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.low:.1f}-{min(interval.high, 10.0):.1f}"
