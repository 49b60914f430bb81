"""The table of experiments with prompts: each version beside the one that it is compared with."""

from __future__ import annotations

from tales.application.reports import PromptReport
from tales.domain.comparison import ComparisonRow
from tales.interfaces.web.languages import translatable
from tales.interfaces.web.operator.tables import Chart, Column, Kind, Table

_MEASURES = {
    "success": translatable("calls that gave a story"),
    "length": translatable("stories of the length asked for"),
    "good": translatable("stories rated 8 or better"),
}
_VERDICTS = {
    "better": translatable("better"),
    "worse": translatable("worse"),
    "open": translatable("not known yet"),
}
_SMALL = translatable("less than 2 points apart")
"""LEAST_DIFFERENCE of `tales.domain.comparison`: more trials would not be looked for."""


def experiments(report: PromptReport) -> Table:
    """How versions of the prompt compare, in what was drawn for an experiment alone."""
    columns = (
        Column(translatable("Prompt"), "prompt_version", Kind.NAME),
        Column(translatable("Beside"), "baseline", Kind.NAME),
        Column(translatable("Share of"), lambda row: _MEASURES[row.measure], Kind.SAID, name="measure"),
        Column(translatable("Verdict"), lambda row: _SMALL if row.is_small else _VERDICTS[row.verdict], Kind.SAID),
        Column(translatable("Probability that it is better"), "probability_better", Kind.SHARE),
        Column(translatable("More needed of each"), "more_needed"),
        Column(translatable("Share"), "rate", Kind.SHARE),
        Column(translatable("Of how many"), "trials"),
        Column(translatable("Share beside"), "baseline_rate", Kind.SHARE),
        Column(translatable("Of how many beside"), "baseline_trials"),
        Column(translatable("Difference"), _difference, Kind.SHARE, name="difference"),
        Column(translatable("Difference, 95 % between"), "change", Kind.INTERVAL),
        Column(translatable("Versions and their weights"), "experiment", Kind.NAME),
    )
    note = translatable(
        "Generations that were drawn, and their first attempts alone. A verdict is wrong in 5 % at most where it is "
        "looked at once."
    )
    chart = Chart("points", ("prompt_version", "measure"), ("difference",), "baseline", ends="change", least=1)
    return Table("experiments", translatable("Experiments"), report.comparisons, columns, chart, note)


def _difference(row: ComparisonRow) -> float | None:
    return None if row.rate is None or row.baseline_rate is None else row.rate - row.baseline_rate
