"""The parts of each report, and what is shown of their rows to a person: the same in a terminal and on a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tales.application import reports
from tales.domain.replay import Outcome, ReplayPolicy
from tales.domain.reports import FailureRow
from tales.interfaces.cli.amounts import dollars
from tales.interfaces.cli.report_columns import (
    Column,
    Section,
    count_column,
    dollars_column,
    interval_column,
    number,
    part_of,
    percent,
    seconds_column,
    text_column,
)
from tales.interfaces.cli.report_prompts import prompt_sections

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def sections_of(report: reports.Report) -> tuple[Section, ...]:
    """The parts of a report, the main one first."""
    made: dict[type, Callable[[Any], tuple[Section, ...]]] = {
        reports.ModelReport: _models,
        reports.RetryReport: _retries,
        reports.ReplayReport: _replay,
        reports.TimeoutReport: _timeouts,
        reports.CostReport: _costs,
        reports.PromptReport: prompt_sections,
    }
    return made[type(report)](report)


def _estimated(section: Section) -> Section:
    """With a column of estimates beside the count of unknown costs, where there are any."""
    if not any(row.estimated for row in section.rows):
        return section
    place = [column.title for column in section.columns].index("unknown") + 1
    column = Column("estimated", lambda row: "" if row.estimated_cost_usd is None else dollars(row.estimated_cost_usd))
    note = "Estimated: by the price list, of calls of unknown cost whose tokens are known. It is no part of the cost."
    return replace(section, columns=(*section.columns[:place], column, *section.columns[place:]), note=note)


def _models(report: reports.ModelReport) -> tuple[Section, ...]:
    model = text_column("model", "model_used")
    outcomes = (
        model,
        count_column("calls", "attempts"),
        Column("success", lambda row: percent(row.success_rate), bar=lambda row: row.success_rate),
        interval_column("success_interval"),
        count_column("failed", "failed"),
        count_column("timeout", "timeout"),
    )
    speed = (
        model,
        seconds_column("p50", "seconds_p50"),
        seconds_column("p95", "seconds_p95"),
        seconds_column("p99", "seconds_p99"),
        seconds_column("first", "first_token_seconds_p50"),
        seconds_column("first p95", "first_token_seconds_p95"),
        Column("tok/s", lambda row: "" if row.tokens_per_second is None else f"{row.tokens_per_second:.0f}"),
    )
    costs = (
        model,
        dollars_column("cost", "cost_usd"),
        count_column("unknown", "cost_unknown"),
        dollars_column("a call", "cost_per_call_usd"),
        dollars_column("a story", "cost_per_story_usd"),
        dollars_column("rated 8+", "cost_per_good_story_usd"),
        Column("rating", lambda row: "" if row.mean_rating is None else f"{row.mean_rating:.1f}"),
    )
    return (
        Section("outcomes", "How calls end", report.items, outcomes),
        Section("speed", "How long whole calls and first tokens take", report.items, speed),
        _estimated(Section("costs", "What calls and stories cost, and how stories are rated", report.items, costs)),
    )


def _retries(report: reports.RetryReport) -> tuple[Section, ...]:
    generations = sum(row.generations for row in report.items)
    needed = (
        count_column("attempts", "attempts"),
        Column(
            "generations",
            lambda row: number(row.generations),
            bar=lambda row: row.generations / generations if generations else None,
        ),
        count_column("gave a story", "succeeded"),
    )
    first = (
        text_column("first failure", "error_type"),
        count_column("generations", "generations"),
        count_column("retried", "retried"),
        Column("rescued", lambda row: number(row.rescued), bar=lambda row: part_of(row.rescued, row.retried)),
        interval_column("rescued_interval"),
    )
    rescues = (
        count_column("attempt", "attempt_number"),
        count_column("made", "attempts"),
        Column("gave a story", lambda row: number(row.rescued), bar=lambda row: part_of(row.rescued, row.attempts)),
        interval_column("rescued_interval"),
        seconds_column("added", "seconds_mean"),
        dollars_column("cost", "cost_usd"),
    )
    reasons = (
        text_column("reason", "error_type"),
        count_column("attempts", "attempts"),
        count_column("retried", "retried"),
        count_column("recovered", "recovered"),
    )
    return (
        Section("needed", "How many attempts generations needed", report.items, needed),
        Section(
            "first_failures", "How first attempts failed, and what retries made of it", report.first_failures, first
        ),
        Section("rescues", "What each attempt gave and added (mean pause and call)", report.rescues, rescues),
        Section("reasons", "Why attempts failed", report.reasons, reasons),
    )


@dataclass(frozen=True, slots=True)
class _Compared:
    """One figure of what happened and of what would have."""

    figure: str
    recorded: str
    replayed: str


def _replay(report: reports.ReplayReport) -> tuple[Section, ...]:
    pairs: tuple[tuple[str, Callable[[Outcome], str]], ...] = (
        ("generations", lambda outcome: number(outcome.generations)),
        ("gave a story", lambda outcome: number(outcome.succeeded)),
        ("gave none", lambda outcome: number(outcome.failed)),
        ("undecided", lambda outcome: number(outcome.undecided)),
        ("of these, about", lambda outcome: "" if outcome.estimated is None else number(outcome.estimated)),
        ("success, at least", lambda outcome: percent(outcome.success_low)),
        ("success, at most", lambda outcome: percent(outcome.success_high)),
        ("attempts", lambda outcome: number(outcome.attempts)),
        ("hours, calls and pauses", lambda outcome: f"{outcome.seconds / 3600:,.1f}"),
        ("cost", lambda outcome: dollars(outcome.cost_usd)),
        ("calls of unknown cost", lambda outcome: number(outcome.cost_unknown)),
    )
    rows = [_Compared(figure, shown(report.recorded), shown(report.replayed)) for figure, shown in pairs]
    columns = (
        text_column("figure", "figure"),
        Column("as it happened", lambda row: row.recorded),
        Column(_policy(report.policy), lambda row: row.replayed),
    )
    note = (
        "Undecided: the record does not say what a call would have given that nobody made, nor its time and cost. "
        "Calls that were made are taken to end the same after another pause."
    )
    return (Section("replay", "What another retry policy would have given", rows, columns, note=note),)


def _policy(policy: ReplayPolicy) -> str:
    changes = [
        f"{policy.attempts} attempts" if policy.attempts is not None else "",
        f"pause {policy.pause:g} s" if policy.pause is not None else "",
        f"chain {', '.join(policy.chain)}" if policy.chain else "",
    ]
    return "; ".join(filter(None, changes)) or "replayed as it was"


def _timeouts(report: reports.TimeoutReport) -> tuple[Section, ...]:
    reasons = (
        text_column("model", "model_used"),
        text_column("reason", "error_type"),
        count_column("timeouts", "timeouts"),
        Column("of its calls", lambda row: percent(row.share), bar=lambda row: row.share),
        seconds_column("p50", "seconds_p50"),
    )
    found = [Section("timeouts", "Timeouts by model and reason", report.items, reasons)]
    titles = {
        "model_used": "What fails or times out, by model",
        "error_type": "By reason",
        "hour": f"By hour of day ({report.wanted.zone})",
        "weekday": f"By day of week ({report.wanted.zone})",
        "prompt_length": "By length of the prompt, in characters",
    }
    for dimension, title in titles.items():
        rows = [row for row in report.failures if row.dimension == dimension]
        is_series = dimension in {"hour", "weekday"}
        found.append(
            Section(
                dimension, title, rows, _failure_columns(dimension), spark=(lambda row: row.rate) if is_series else None
            )
        )
    return tuple(found)


def _failure_columns(dimension: str) -> tuple[Column, ...]:
    return (
        Column(dimension.replace("_used", "").replace("_", " "), _failure_value, is_number=False),
        count_column("calls", "ended"),
        Column("failed", lambda row: number(row.failed + row.timeout)),
        Column("share", lambda row: percent(row.rate), bar=lambda row: row.rate),
        interval_column("interval"),
        Column("before", lambda row: percent(row.before_rate)),
        Column("", _direction, is_number=False),
    )


def _failure_value(row: FailureRow) -> str:
    return WEEKDAYS[int(row.value) - 1] if row.dimension == "weekday" else row.value


def _direction(row: FailureRow) -> str:
    """Whether it has changed by more than chance."""
    if row.change is None or row.change.holds(0.0):
        return ""
    return "worse" if row.change.low > 0 else "better"


def _costs(report: reports.CostReport) -> tuple[Section, ...]:
    most = max((row.cost_usd or 0 for row in report.shares if row.dimension != "all"), default=Decimal(0))
    shares = (
        Column(
            "by", lambda row: row.dimension.replace("_used", "").replace("_id", "").replace("_", " "), is_number=False
        ),
        text_column("which", "value"),
        count_column("calls", "attempts"),
        Column("cost", lambda row: dollars(row.cost_usd), bar=lambda row: part_of(row.cost_usd or 0, most)),
        dollars_column("failed", "failed_cost_usd"),
        count_column("unknown", "cost_unknown"),
    )
    days = (
        Column("day", lambda row: f"{row.day:%Y-%m-%d}", is_number=False),
        text_column("model", "model_used"),
        count_column("calls", "attempts"),
        dollars_column("cost", "cost_usd"),
        count_column("unknown", "cost_unknown"),
    )
    ahead = report.forecast
    forecast = (
        Column("month", lambda row: f"{row.month:%Y-%m}", is_number=False),
        dollars_column("so far", "spent"),
        dollars_column("by its end", "expected"),
        Column("95 %", lambda row: "" if row.low is None else f"{dollars(row.low)} to {dollars(row.high)}"),
        count_column("days seen", "days"),
    )
    by_day = Section("days", f"By day ({report.wanted.zone}) and model", report.items, days, spark=_day_series(report))
    return (
        _estimated(by_day),
        _estimated(Section("shares", "By user (the dearest 20), model and story type", report.shares, shares)),
        Section("forecast", "This month, of known costs", [ahead], forecast),
    )


def _day_series(report: reports.CostReport) -> Callable[[Any], float | None]:
    """The sum of a day, where its first row is."""
    sums: dict[Any, float] = {}
    first: dict[Any, int] = {}
    for row in report.items:
        sums[row.day] = sums.get(row.day, 0.0) + float(row.cost_usd or 0)
        first.setdefault(row.day, id(row))
    return lambda row: sums[row.day] if first[row.day] == id(row) else None
