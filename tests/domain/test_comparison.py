"""Which version is better: against SciPy's figures, and in simulated experiments whose truth is known."""

from __future__ import annotations

from random import Random

import pytest

from tales.domain import comparison
from tales.domain.comparison import ComparisonRow, DrawnRow, compare, needed, probability_greater
from tales.domain.statistics import Interval, mean_interval

# Of SciPy 1.17: the integral of one Beta posterior's density times the other's distribution.
BY_SCIPY = [
    (0, 1, 0, 1, 0.500000000),
    (1, 1, 0, 1, 0.833333333),
    (3, 10, 5, 10, 0.193498452),
    (18, 20, 15, 20, 0.881040515),
    (97, 100, 90, 100, 0.975499822),
    (950, 1000, 940, 1000, 0.835611265),
    (5, 400, 9, 380, 0.126319375),
    (480, 500, 5, 6, 0.967021361),
    (0, 50, 0, 70, 0.581967213),
    (30000, 60000, 29700, 60000, 0.958368598),
    (61234, 90000, 60911, 90000, 0.948465228),
]


@pytest.mark.parametrize(("hits", "trials", "other_hits", "other_trials", "probability"), BY_SCIPY)
def test_the_probability_is_scipys(
    hits: int, trials: int, other_hits: int, other_trials: int, probability: float
) -> None:
    found = probability_greater(hits, trials, other_hits, other_trials)
    turned = probability_greater(other_hits, other_trials, hits, trials)

    assert found == pytest.approx(probability, abs=1e-8 if trials < 10_000 else 1e-5)
    assert turned == pytest.approx(1 - probability, abs=1e-8 if trials < 10_000 else 1e-5)


def test_the_exact_sum_and_the_normal_distribution_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = (1500, 9000, 1460, 9000)
    exact = probability_greater(*counts)
    monkeypatch.setattr(comparison, "MOST_TERMS", 0)
    assert exact == pytest.approx(probability_greater(*counts), abs=5e-4)


@pytest.mark.parametrize(
    ("mean", "deviation", "count", "low", "high"),
    # scipy.stats.t.interval
    [
        (7.5, 1.2, 8, 6.496774894, 8.503225106),
        (7.5, 1.2, 30, 7.051912636, 7.948087364),
        (2.0, 5.0, 400, 1.508518176, 2.491481824),
    ],
)
def test_a_mean_has_scipys_interval(mean: float, deviation: float, count: int, low: float, high: float) -> None:
    assert mean_interval(mean, deviation, count) == Interval(
        pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3)
    )


def test_a_mean_of_few_has_none() -> None:
    assert [mean_interval(7.0, 1.0, 7), mean_interval(None, 1.0, 9), mean_interval(7.0, None, 9)] == [None] * 3


def row(hits: int, trials: int, baseline_hits: int, baseline_trials: int) -> ComparisonRow:
    facts = {"experiment": "a 1, b 1", "measure": "success", "prompt_version": "b", "baseline": "a"}
    return ComparisonRow(
        **facts, hits=hits, trials=trials, baseline_hits=baseline_hits, baseline_trials=baseline_trials
    )


def hits(random: Random, trials: int, rate: float) -> int:
    return sum(random.random() < rate for _ in range(trials))


def test_where_there_is_no_difference_a_verdict_is_wrong_in_five_percent_at_most() -> None:
    random, worlds, wrong = Random(17), 6000, 0
    sure = {0.975: 0, 0.025: 0}
    for _ in range(worlds):
        rate = random.uniform(0.05, 0.95)
        found = row(hits(random, 80, rate), 80, hits(random, 80, rate), 80)
        wrong += found.verdict != "open"
        probability = found.probability_better
        assert probability is not None
        sure[0.975] += probability > 0.975
        sure[0.025] += probability < 0.025

    assert wrong / worlds <= 0.055
    # The posterior agrees with how often it happens: 97.5 % sure is wrong in 2.5 %.
    assert all(0.018 <= count / worlds <= 0.032 for count in sure.values())


@pytest.mark.parametrize(("rate", "other"), [(0.90, 0.80), (0.5, 0.35)])
def test_so_many_find_the_difference_in_four_of_five_cases(rate: float, other: float) -> None:
    random, count = Random(17), needed(rate, other)
    found = sum(
        row(hits(random, count, rate), count, hits(random, count, other), count).verdict == "better"
        for _ in range(1500)
    )
    assert 0.76 <= found / 1500 <= 0.84


def test_more_are_needed_until_it_is_known() -> None:
    assert row(85, 100, 80, 100).more_needed == needed(0.85, 0.8) - 100
    assert (row(900, 1000, 800, 1000).verdict, row(900, 1000, 800, 1000).more_needed) == ("better", 0)
    assert row(800, 1000, 900, 1000).verdict == "worse"
    assert row(0, 0, 5, 9).more_needed is None
    assert (row(0, 0, 5, 9).verdict, row(0, 0, 5, 9).probability_better) == ("open", None)
    # Nobody has to be sure of less than two hundredths: nothing is missing, and what is open stays so.
    same = row(5_000, 10_000, 5_010, 10_000)
    assert (same.verdict, same.more_needed, same.is_small) == ("open", 0, True)
    assert not row(85, 100, 80, 100).is_small
    assert not row(900, 1000, 800, 1000).is_small
    assert needed(0.5, 0.5) == needed(0.49, 0.51)


def drawn(experiment: str, version: str, **counts: int) -> DrawnRow:
    zero = dict.fromkeys(("ended", "success", "refused", "length_missed", "ratings", "good_stories"), 0)
    return DrawnRow(experiment=experiment, prompt_version=version, **zero | counts)


def test_each_version_is_held_against_the_oldest_of_its_experiment() -> None:
    rows = [
        drawn("one", "child-en-10", ended=10, success=8, length_missed=1, ratings=4, good_stories=3),
        drawn("one", "child-en-2", ended=9, success=9),
        drawn("two", "child-en-2", ended=3),
    ]

    success, length, good = compare(rows)

    assert {(one.experiment, one.prompt_version, one.baseline) for one in (success, length, good)} == {
        ("one", "child-en-10", "child-en-2")
    }
    assert [(one.measure, one.hits, one.trials) for one in (success, length, good)] == [
        ("success", 8, 10),
        ("length", 8, 9),
        ("good", 3, 4),
    ]
    assert (success.baseline_hits, success.baseline_trials) == (9, 9)
