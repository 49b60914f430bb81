"""What the report on prompts tells: a row for each version, and the comparisons of experiments."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tales.domain.comparison import LEAST_DIFFERENCE
from tales.interfaces.api.fields import Answer, Dollars, Interval


class PromptRow(Answer):
    """How one version of the prompt does with one model. `unusable`: an answer that came and was no story.

    `length_missed`: too short, too long, or cut off; `length_kept_rate` is of stories and of these. Intervals of means
    are in the unit of the mean.
    """

    prompt_version: str | None
    model_used: str
    attempts: int
    success: int
    pending: int
    unusable: int
    success_rate: float | None
    success_interval: Interval | None
    refused: int
    refusal_interval: Interval | None
    length_missed: int
    length_kept_rate: float | None
    length_kept_interval: Interval | None
    ratings: int
    mean_rating: float | None
    rating_interval: Interval | None
    seconds_p50: float | None
    seconds_p95: float | None
    seconds_mean: float | None
    seconds_interval: Interval | None
    completion_tokens_p50: float | None
    cost_usd: Dollars | None
    cost_unknown: int
    cost_per_call_usd: Dollars | None
    cost_interval: Interval | None
    cost_per_story_usd: Dollars | None


class Comparison(Answer):
    """A version beside the oldest of its experiment, by one measure: `success`, `length` or `good` (rated 8 or better).

    `experiment` names the versions and their weights. First attempts alone are counted, and drawn ones alone.
    """

    experiment: str
    measure: str
    prompt_version: str
    baseline: str
    hits: int
    trials: int
    rate: float | None
    baseline_hits: int
    baseline_trials: int
    baseline_rate: float | None
    change: Interval | None
    probability_better: float | None
    verdict: Annotated[str, Field(description="`better`, `worse` or `open`: at one look wrong in 5 % at most.")]
    more_needed: Annotated[int | None, Field(description="Trials of each version that are missing to know.")]
    is_small: Annotated[
        bool,
        Field(
            description="Nothing is missing and the verdict is `open`: the shares differ by less than "
            f"{LEAST_DIFFERENCE}, and a smaller difference is not looked for."
        ),
    ]
