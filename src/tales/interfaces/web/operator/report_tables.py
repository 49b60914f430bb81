"""The tables of each report. What they say of a person's generations are figures and ids, and nobody's words."""

from __future__ import annotations

from dataclasses import replace

from tales.application import reports
from tales.application.overview import Overview
from tales.domain.replay import ReplayPolicy
from tales.domain.reports import FailureRow
from tales.interfaces.web.languages import translatable
from tales.interfaces.web.operator.experiment_tables import experiments
from tales.interfaces.web.operator.tables import Chart, Column, Kind, Table

_MODEL = Column(translatable("Model"), "model_used", Kind.NAME, finds="model")
_CALLS = translatable("Calls")
_COST = Column(translatable("Cost"), "cost_usd", Kind.DOLLARS)
_UNKNOWN = Column(translatable("Calls of unknown cost"), "cost_unknown")
_REASON = Column(translatable("Reason"), "error_type", Kind.NAME, finds="error_type")
_BETWEEN = translatable("95 % between")
_SUCCESS = translatable("Success")
LENGTHS = (
    translatable("under 1000"),
    translatable("1000 to 1999"),
    translatable("2000 to 3999"),
    translatable("from 4000"),
    translatable("unknown"),
)
"""Of prompts, in characters, as the report names them."""
LEFT_OUT = {
    "day": translatable("costs by day"),
    "user_id": translatable("costs by family"),
    "hour": translatable("failures by hour of the day"),
    "weekday": translatable("failures by day of the week"),
    "prompt_length": translatable("failures by length of the prompt"),
    "estimate": translatable("estimates of costs"),
    "all": translatable("everything"),
}
"""What a report does not count where that would take too long, by its dimension."""


def calls_by_day(report: Overview) -> tuple[Table, ...]:
    """What was asked for each day, for the overview."""
    columns = (
        Column(translatable("Day"), "day", Kind.DAY),
        _MODEL,
        Column(_CALLS, "attempts"),
        _COST,
        _UNKNOWN,
    )
    return (Table("days", translatable("Calls by day and model"), report.days, columns, _by_day("attempts")),)


def _by_day(figure: str) -> Chart:
    return Chart("stack", ("day",), (figure,), by="model_used")


def _estimated(table: Table) -> Table:
    """With a last column of what calls of unknown cost may have cost, where there are any."""
    if not any(row.estimated for row in table.rows):
        return table
    note = translatable(
        "Estimated: by the price list, of calls of unknown cost whose tokens are known. It is no part of the cost."
    )
    column = Column(translatable("Estimated for those"), "estimated_cost_usd", Kind.ESTIMATE)
    return replace(table, columns=(*table.columns, column), note=note)


def models(report: reports.ModelReport) -> tuple[Table, ...]:
    """How models do."""
    outcomes = (
        _MODEL,
        Column(_CALLS, "attempts"),
        Column(_SUCCESS, "success_rate", Kind.SHARE),
        Column(_BETWEEN, "success_interval", Kind.INTERVAL),
        Column(translatable("Failed"), "failed"),
        Column(translatable("Timed out"), "timeout"),
        Column(translatable("Not ended"), "pending"),
    )
    speed = (
        _MODEL,
        Column(translatable("Half of the calls within"), "seconds_p50", Kind.SECONDS),
        Column(translatable("95 % within"), "seconds_p95", Kind.SECONDS),
        Column(translatable("99 % within"), "seconds_p99", Kind.SECONDS),
        Column(translatable("First token, half within"), "first_token_seconds_p50", Kind.SECONDS),
        Column(translatable("First token, 95 % within"), "first_token_seconds_p95", Kind.SECONDS),
        Column(translatable("Tokens a second"), "tokens_per_second", Kind.NUMBER),
    )
    costs = (
        _MODEL,
        _COST,
        _UNKNOWN,
        Column(translatable("A call"), "cost_per_call_usd", Kind.DOLLARS),
        Column(translatable("A story"), "cost_per_story_usd", Kind.DOLLARS),
        Column(translatable("A story rated 8 or better"), "cost_per_good_story_usd", Kind.DOLLARS),
        Column(translatable("Mean rating"), "mean_rating", Kind.NUMBER),
        Column(translatable("Ratings"), "ratings"),
    )
    of_success = Chart("bar", ("model_used",), ("success_rate",), ends="success_interval")
    return (
        Table("outcomes", translatable("How calls end"), report.items, outcomes, of_success),
        Table(
            "speed",
            translatable("How long calls take"),
            report.items,
            speed,
            Chart("bar", ("model_used",), ("seconds_p50", "seconds_p95")),
        ),
        _estimated(
            Table(
                "costs",
                translatable("What calls and stories cost"),
                report.items,
                costs,
                Chart("bar", ("model_used",), ("cost_per_story_usd",)),
            )
        ),
    )


def retries(report: reports.RetryReport) -> tuple[Table, ...]:
    """What retries are good for."""
    needed = (
        Column(translatable("Attempts"), "attempts"),
        Column(translatable("Generations"), "generations"),
        Column(translatable("Gave a story"), "succeeded"),
    )
    first = (
        _REASON,
        Column(translatable("Generations"), "generations"),
        Column(translatable("Tried again"), "retried"),
        Column(translatable("Rescued"), "rescued"),
        Column(_BETWEEN, "rescued_interval", Kind.INTERVAL),
    )
    rescues = (
        Column(translatable("Attempt"), "attempt_number"),
        Column(translatable("Made"), "attempts"),
        Column(translatable("Gave a story"), "rescued"),
        Column(_BETWEEN, "rescued_interval", Kind.INTERVAL),
        Column(translatable("Pause and call, on average"), "seconds_mean", Kind.SECONDS),
        _COST,
        _UNKNOWN,
    )
    reasons = (
        _REASON,
        Column(translatable("Attempts"), "attempts"),
        Column(translatable("Tried again"), "retried"),
        Column(translatable("Gave a story in the end"), "recovered"),
    )
    return (
        Table(
            "needed",
            translatable("How many attempts it took"),
            report.items,
            needed,
            Chart("bar", ("attempts",), ("generations", "succeeded")),
        ),
        Table(
            "first_failures",
            translatable("How first attempts failed, and what retries made of it"),
            report.first_failures,
            first,
            Chart("bar", ("error_type",), ("generations", "rescued")),
        ),
        Table("rescues", translatable("What each attempt gave and added"), report.rescues, rescues),
        Table("reasons", translatable("Why attempts gave no story"), report.reasons, reasons),
    )


def replay(report: reports.ReplayReport) -> tuple[Table, ...]:
    """What happened, and what another policy would have given."""
    happened, would_have = translatable("As it happened"), translatable("As it would have been")
    columns = (
        Column(translatable("Policy"), lambda row: happened if row is report.recorded else would_have, Kind.SAID),
        Column(translatable("Generations"), "generations"),
        Column(translatable("Gave a story"), "succeeded"),
        Column(translatable("Undecided"), "undecided"),
        Column(translatable("Success at least"), "success_low", Kind.SHARE),
        Column(translatable("Success at most"), "success_high", Kind.SHARE),
        Column(translatable("Attempts"), "attempts"),
        Column(translatable("Calls and pauses"), "seconds", Kind.SECONDS),
        _COST,
    )
    rows = [report.recorded] if report.policy == ReplayPolicy() else [report.recorded, report.replayed]
    note = translatable(
        "Undecided: the record does not say what a call would have given that nobody made, nor its time and cost."
    )
    return (Table("replay", translatable("What another retry policy would have given"), rows, columns, None, note),)


def failures(report: reports.TimeoutReport) -> tuple[Table, ...]:
    """When and where calls fail."""
    timeouts = (
        _MODEL,
        _REASON,
        Column(translatable("Timed out"), "timeouts"),
        Column(translatable("Of the model's calls"), "share", Kind.SHARE),
        Column(translatable("Half of them after"), "seconds_p50", Kind.SECONDS),
    )
    dimensions: dict[str, tuple[str, Column]] = {
        "model_used": (
            translatable("What gives no story, by model"),
            Column(translatable("Model"), "value", Kind.NAME, finds="model"),
        ),
        "error_type": (
            translatable("By reason"),
            Column(translatable("Reason"), "value", Kind.NAME, finds="error_type"),
        ),
        "hour": (translatable("By hour of the day"), Column(translatable("Hour"), "value", Kind.WORDS)),
        "weekday": (translatable("By day of the week"), Column(translatable("Day"), "value", Kind.WEEKDAY)),
        "prompt_length": (
            translatable("By length of the prompt"),
            Column(translatable("Characters"), "value", Kind.SAID),
        ),
    }
    found = [
        Table(
            dimension,
            title,
            [row for row in report.failures if row.dimension == dimension],
            (first, *_FAILURE_COLUMNS),
            Chart("bar", ("value",), ("rate", "before_rate")),
        )
        for dimension, (title, first) in dimensions.items()
    ]
    return (*found, Table("timeouts", translatable("Timeouts by model and reason"), report.items, timeouts))


def _direction(row: FailureRow) -> str:
    """Whether it has changed by more than chance."""
    if row.change is None or row.change.holds(0.0):
        return ""
    return translatable("worse") if row.change.low > 0 else translatable("better")


_FAILURE_COLUMNS = (
    Column(_CALLS, "ended"),
    Column(translatable("Without a story"), lambda row: row.failed + row.timeout),
    Column(translatable("Share"), "rate", Kind.SHARE),
    Column(_BETWEEN, "interval", Kind.INTERVAL),
    Column(translatable("Before"), "before_rate", Kind.SHARE),
    Column(translatable("More than chance"), _direction, Kind.SAID),
)


def costs(report: reports.CostReport) -> tuple[Table, ...]:
    """What was spent, and by whom. Budgets have their place behind these."""
    days = (
        Column(translatable("Day"), "day", Kind.DAY),
        _MODEL,
        Column(_CALLS, "attempts"),
        _COST,
        _UNKNOWN,
        Column(translatable("Tokens read"), "prompt_tokens"),
        Column(translatable("Tokens written"), "completion_tokens"),
    )
    ahead = (
        Column(translatable("Month"), "month", Kind.DAY),
        Column(translatable("So far"), "spent", Kind.DOLLARS),
        Column(translatable("By its end"), "expected", Kind.DOLLARS),
        Column(translatable("At least"), "low", Kind.DOLLARS),
        Column(translatable("At most"), "high", Kind.DOLLARS),
        Column(translatable("Days seen"), "days"),
    )
    note = translatable("A forecast needs seven whole days; the month may cost less or more at one time in twenty.")
    return (
        _estimated(Table("days", translatable("By day and model"), report.items, days, _by_day("cost_usd"))),
        Table("forecast", translatable("This month"), [report.forecast], ahead, None, note),
        _shares(
            report,
            "model_used",
            translatable("By model"),
            Column(translatable("Model"), "value", Kind.NAME, finds="model"),
        ),
        _shares(
            report,
            "story_type",
            translatable("By kind of story"),
            Column(translatable("Kind"), "value", Kind.STORY_TYPE),
        ),
        _shares(
            report,
            "user_id",
            translatable("By family, the dearest twenty"),
            Column(translatable("Family"), "value", Kind.ID, finds="user_id"),
        ),
    )


def _shares(report: reports.CostReport, dimension: str, title: str, first: Column) -> Table:
    columns = (
        first,
        Column(_CALLS, "attempts"),
        _COST,
        Column(translatable("Of that without a story"), "failed_cost_usd", Kind.DOLLARS),
        _UNKNOWN,
    )
    rows = [row for row in report.shares if row.dimension == dimension]
    return _estimated(Table(dimension, title, rows, columns, Chart("bar", ("value",), ("cost_usd", "failed_cost_usd"))))


def prompts(report: reports.PromptReport) -> tuple[Table, ...]:
    """How versions of the prompt do, and how those of experiments compare."""
    version = Column(translatable("Prompt"), "prompt_version", Kind.NAME)
    outcomes = (
        version,
        _MODEL,
        Column(_CALLS, "attempts"),
        Column(_SUCCESS, "success_rate", Kind.SHARE),
        Column(_BETWEEN, "success_interval", Kind.INTERVAL),
        Column(translatable("Unusable answers"), "unusable"),
        Column(translatable("Tokens written, half within"), "completion_tokens_p50", Kind.NUMBER),
        _COST,
    )
    quality = (
        version,
        _MODEL,
        Column(translatable("Refused"), "refused"),
        Column(translatable("Length kept"), "length_kept_rate", Kind.SHARE),
        Column(_BETWEEN, "length_kept_interval", Kind.INTERVAL),
        Column(translatable("Mean rating"), "mean_rating", Kind.NUMBER),
        Column(translatable("Ratings"), "ratings"),
        Column(translatable("Half of the calls within"), "seconds_p50", Kind.SECONDS),
        Column(translatable("A story"), "cost_per_story_usd", Kind.DOLLARS),
    )
    tables = (
        Table(
            "prompts",
            translatable("How each version of the prompt does"),
            report.items,
            outcomes,
            Chart("bar", ("prompt_version",), ("success_rate",), "model_used", ends="success_interval", least=1),
        ),
        Table("quality", translatable("Refusals, length, ratings, time and cost"), report.items, quality),
    )
    return (experiments(report), *tables) if report.comparisons else tables
