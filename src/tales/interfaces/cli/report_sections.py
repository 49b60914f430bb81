"""The parts of each report, and what is shown of their rows to a person: the same in a terminal and on a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tales.application import reports
from tales.domain.replay import Outcome, ReplayPolicy
from tales.domain.reports import FailureRow
from tales.domain.statistics import Interval

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of each row, as text. `bar`: its share of the longest bar, for a picture of it."""

    title: str
    shown: Callable[[Any], str]
    is_number: bool = True
    bar: Callable[[Any], float | None] | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A table of a report. `spark`: a series in the order of its rows, drawn as one line above it."""

    name: str
    title: str
    rows: Sequence[Any]
    columns: Sequence[Column]
    spark: Callable[[Any], float | None] | None = None
    note: str = ""


def sections_of(report: reports.Report) -> tuple[Section, ...]:
    """The parts of a report, the main one first."""
    made: dict[type, Callable[[Any], tuple[Section, ...]]] = {
        reports.ModelReport: _models,
        reports.RetryReport: _retries,
        reports.ReplayReport: _replay,
        reports.TimeoutReport: _timeouts,
        reports.CostReport: _costs,
        reports.PromptReport: _prompts,
    }
    return made[type(report)](report)


def number(value: float | None) -> str:
    """A count, with thousands apart."""
    return "" if value is None else f"{value:,.0f}"


def percent(value: float | None) -> str:
    """A share."""
    return "" if value is None else f"{value:.1%}"


def between(interval: Interval | None) -> str:
    """An interval of shares."""
    return "" if interval is None else f"{interval.low:.1%}-{interval.high:.1%}"


def seconds(value: float | None) -> str:
    """A length of time."""
    return "" if value is None else f"{value:.1f} s"


def dollars(value: Decimal | float | None) -> str:
    """An amount: cents where it is large, and what can be told apart where it is small."""
    if value is None:
        return "unknown"
    value = float(value)
    return f"${value:,.2f}" if abs(value) >= 1 or value == 0 else f"${value:.5f}"


def _text(title: str, name: str) -> Column:
    return Column(title, lambda row: str(getattr(row, name) or "none"), is_number=False)


def _count(title: str, name: str) -> Column:
    return Column(title, lambda row: number(getattr(row, name)))


def _seconds(title: str, name: str) -> Column:
    return Column(title, lambda row: seconds(getattr(row, name)))


def _dollars(title: str, name: str) -> Column:
    return Column(title, lambda row: dollars(getattr(row, name)))


def _interval(name: str) -> Column:
    return Column("95 %", lambda row: between(getattr(row, name)))


def _estimated(section: Section) -> Section:
    """With a column of estimates beside the count of unknown costs, where there are any."""
    if not any(row.estimated for row in section.rows):
        return section
    place = [column.title for column in section.columns].index("unknown") + 1
    column = Column("estimated", lambda row: "" if row.estimated_cost_usd is None else dollars(row.estimated_cost_usd))
    note = "Estimated: by the price list, of calls of unknown cost whose tokens are known. It is no part of the cost."
    return replace(section, columns=(*section.columns[:place], column, *section.columns[place:]), note=note)


def _models(report: reports.ModelReport) -> tuple[Section, ...]:
    model = _text("model", "model_used")
    outcomes = (
        model,
        _count("calls", "attempts"),
        Column("success", lambda row: percent(row.success_rate), bar=lambda row: row.success_rate),
        _interval("success_interval"),
        _count("failed", "failed"),
        _count("timeout", "timeout"),
    )
    speed = (
        model,
        _seconds("p50", "seconds_p50"),
        _seconds("p95", "seconds_p95"),
        _seconds("p99", "seconds_p99"),
        _seconds("first", "first_token_seconds_p50"),
        _seconds("first p95", "first_token_seconds_p95"),
        Column("tok/s", lambda row: "" if row.tokens_per_second is None else f"{row.tokens_per_second:.0f}"),
    )
    costs = (
        model,
        _dollars("cost", "cost_usd"),
        _count("unknown", "cost_unknown"),
        _dollars("a call", "cost_per_call_usd"),
        _dollars("a story", "cost_per_story_usd"),
        _dollars("rated 8+", "cost_per_good_story_usd"),
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
        _count("attempts", "attempts"),
        Column(
            "generations",
            lambda row: number(row.generations),
            bar=lambda row: row.generations / generations if generations else None,
        ),
        _count("gave a story", "succeeded"),
    )
    first = (
        _text("first failure", "error_type"),
        _count("generations", "generations"),
        _count("retried", "retried"),
        Column("rescued", lambda row: number(row.rescued), bar=lambda row: _of(row.rescued, row.retried)),
        _interval("rescued_interval"),
    )
    rescues = (
        _count("attempt", "attempt_number"),
        _count("made", "attempts"),
        Column("gave a story", lambda row: number(row.rescued), bar=lambda row: _of(row.rescued, row.attempts)),
        _interval("rescued_interval"),
        _seconds("added", "seconds_mean"),
        _dollars("cost", "cost_usd"),
    )
    reasons = (
        _text("reason", "error_type"),
        _count("attempts", "attempts"),
        _count("retried", "retried"),
        _count("recovered", "recovered"),
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
        _text("figure", "figure"),
        Column("as it happened", lambda row: row.recorded),
        Column(_policy(report.policy), lambda row: row.replayed),
    )
    note = (
        "Undecided: the record does not say what a call would have given that nobody made, nor its time and cost. "
        "Calls that were made are taken to end the same after another pause."
    )
    return (Section("replay", "What another retry policy would have given", rows, columns, note=note),)


def _policy(policy: ReplayPolicy) -> str:
    said = [
        f"{policy.attempts} attempts" if policy.attempts is not None else "",
        f"pause {policy.pause:g} s" if policy.pause is not None else "",
        f"chain {', '.join(policy.chain)}" if policy.chain else "",
    ]
    return "; ".join(filter(None, said)) or "replayed as it was"


def _timeouts(report: reports.TimeoutReport) -> tuple[Section, ...]:
    reasons = (
        _text("model", "model_used"),
        _text("reason", "error_type"),
        _count("timeouts", "timeouts"),
        Column("of its calls", lambda row: percent(row.share), bar=lambda row: row.share),
        _seconds("p50", "seconds_p50"),
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
        _count("calls", "ended"),
        Column("failed", lambda row: number(row.failed + row.timeout)),
        Column("share", lambda row: percent(row.rate), bar=lambda row: row.rate),
        _interval("interval"),
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
        _text("which", "value"),
        _count("calls", "attempts"),
        Column("cost", lambda row: dollars(row.cost_usd), bar=lambda row: _of(row.cost_usd or 0, most)),
        _dollars("failed", "failed_cost_usd"),
        _count("unknown", "cost_unknown"),
    )
    days = (
        Column("day", lambda row: f"{row.day:%Y-%m-%d}", is_number=False),
        _text("model", "model_used"),
        _count("calls", "attempts"),
        _dollars("cost", "cost_usd"),
        _count("unknown", "cost_unknown"),
    )
    ahead = report.forecast
    forecast = (
        Column("month", lambda row: f"{row.month:%Y-%m}", is_number=False),
        _dollars("so far", "spent"),
        _dollars("by its end", "expected"),
        Column("95 %", lambda row: "" if row.low is None else f"{dollars(row.low)} to {dollars(row.high)}"),
        _count("days seen", "days"),
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


def _prompts(report: reports.PromptReport) -> tuple[Section, ...]:
    columns = (
        _text("prompt", "prompt_version"),
        _text("model", "model_used"),
        _count("calls", "attempts"),
        Column("success", lambda row: percent(row.success_rate), bar=lambda row: row.success_rate),
        _interval("success_interval"),
        _count("unusable", "unusable"),
        _dollars("cost", "cost_usd"),
    )
    return (Section("prompts", "How each version of the prompt does", report.items, columns),)


def _of(part: Decimal | float, whole: Decimal | float) -> float | None:
    return float(part) / float(whole) if whole else None
