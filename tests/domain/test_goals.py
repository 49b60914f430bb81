"""An experiment that is drawn towards a goal: it can be repeated, finds what is better, and gives up on nothing."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.errors import InvalidInput
from tales.domain.goals import (
    OLD_AFTER,
    Arm,
    ArmRecord,
    Goal,
    GoalMeasure,
    GoalSettings,
    GoalSnapshot,
    PassedOver,
    draw_arm,
    reason_to_pass_over,
)
from tales.domain.story_spec import StoryType

SETTINGS = GoalSettings(
    story_type=StoryType.CHILD, language="en", measure=GoalMeasure.SUCCESS, models=("first/model", "second/model")
)
ARMS = tuple(Arm(version, model) for version in ("child-en-1", "child-en-2") for model in SETTINGS.models)
NAMES = st.text("abc-1", min_size=1, max_size=3)
RECORDS = st.lists(
    st.tuples(NAMES, NAMES, st.integers(0, 10**6), st.integers(0, 10**6), st.none() | st.floats(0, 1)),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one[:2],
).map(
    lambda rows: [ArmRecord(Arm(version, model), hits, hits + more, cost) for version, model, hits, more, cost in rows]
)


def goal(*records: ArmRecord) -> Goal:
    now = datetime.now(UTC)
    return Goal(UUID(int=1), now, SETTINGS, GoalSnapshot(UUID(int=2), now, records))


def ids(count: int) -> list[UUID]:
    # UUID version 7 of one millisecond: the hardest that there are.
    return [UUID(int=0x0199_0000_0000_7000_8000_0000_0000_0000 + number) for number in range(count)]


@given(st.uuids(), RECORDS, st.sampled_from(GoalMeasure), st.randoms(use_true_random=False))
def test_a_draw_can_be_repeated_in_whatever_order_arms_come(
    id_: UUID, records: list[ArmRecord], measure: GoalMeasure, random: Random
) -> None:
    settings = replace(SETTINGS, measure=measure)
    drawn = draw_arm(settings, records, id_)
    random.shuffle(records)

    assert draw_arm(settings, records, id_) == drawn
    assert set(drawn.values) == {record.arm for record in records}
    assert all(0 <= value <= 1 for value in drawn.values.values())
    if not drawn.by_floor and measure is not GoalMeasure.COST:
        assert drawn.values[drawn.arm] == max(drawn.values.values())


def test_a_draw_is_the_same_in_years() -> None:
    records = [ArmRecord(ARMS[0], 90, 100), ArmRecord(ARMS[1], 88, 100)]
    drawn = [draw_arm(SETTINGS, records, UUID(int=number)) for number in range(3)]
    assert [(one.arm.model, one.by_floor, round(one.values[ARMS[0]], 9)) for one in drawn] == [
        ("second/model", True, 0.913167945),
        ("first/model", False, 0.900083307),
        ("first/model", False, 0.926866825),
    ]


@pytest.mark.parametrize("measure", GoalMeasure)
def test_each_arm_keeps_its_least_share_however_bad_it_was(measure: GoalMeasure) -> None:
    records = [ArmRecord(arm, 9_000 if arm == ARMS[0] else 10, 10_000, 0.001) for arm in ARMS]
    drawn = [draw_arm(replace(SETTINGS, measure=measure), records, id_) for id_ in ids(8_000)]

    counts = Counter(one.arm for one in drawn)
    assert [counts[arm] / 8_000 for arm in ARMS[1:]] == [pytest.approx(0.05, abs=0.01)] * 3
    assert counts[ARMS[0]] / 8_000 == pytest.approx(0.85, abs=0.02)


def test_least_shares_of_more_than_the_whole_are_equal_ones() -> None:
    records = [ArmRecord(arm, 99 if arm == ARMS[0] else 0, 100) for arm in ARMS]
    counts = Counter(draw_arm(replace(SETTINGS, floor_percent=50), records, id_).arm for id_ in ids(4_000))
    assert [counts[arm] / 4_000 for arm in ARMS] == [pytest.approx(0.25, abs=0.03)] * 4


@pytest.mark.parametrize("batch", [1, 50], ids=["at once", "50 stories late"])
def test_it_finds_the_better_arm(batch: int) -> None:
    """The outcomes of a batch are known when the next one begins."""
    truly = dict(zip(ARMS, (0.90, 0.70, 0.80, 0.60), strict=True))
    random, hits, trials = Random(7), Counter[Arm](), Counter[Arm]()
    records: list[ArmRecord] = []
    last: Counter[Arm] = Counter()
    for number, id_ in enumerate(ids(4_000)):
        if number % batch == 0:
            records = [ArmRecord(arm, hits[arm], trials[arm]) for arm in ARMS]
        arm = draw_arm(SETTINGS, records, id_).arm
        trials[arm] += 1
        hits[arm] += random.random() < truly[arm]
        last[arm] += number >= 3_000

    assert last[ARMS[0]] > 750, "of the last thousand; with equal shares it would be 250"
    assert min(last[arm] for arm in ARMS) >= 25
    assert sum(hits.values()) / 4_000 > 0.84, "with equal shares it would be 0.75"


def test_what_has_become_bad_is_left_and_comes_back() -> None:
    """What counts is a window, here of the last 400 stories."""
    random, outcomes = Random(7), list[tuple[Arm, bool]]()
    for number, id_ in enumerate(ids(3_000)):
        known = outcomes[-400:]
        records = [
            ArmRecord(arm, sum(1 for one, hit in known if one == arm and hit), sum(one == arm for one, _ in known))
            for arm in ARMS[:2]
        ]
        arm = draw_arm(SETTINGS, records, id_).arm
        first_is_good = not 1_000 <= number < 2_000
        outcomes.append((arm, random.random() < (0.9 if (arm == ARMS[0]) == first_is_good else 0.5)))
    shares = [sum(arm == ARMS[0] for arm, _ in outcomes[end - 300 : end]) / 300 for end in (1_000, 2_000, 3_000)]
    assert shares[0] > 0.8
    assert shares[1] < 0.3
    assert shares[2] > 0.7


def test_for_cost_the_cheapest_that_succeeds_often_enough_is_asked() -> None:
    settings = replace(SETTINGS, measure=GoalMeasure.COST, least_success_percent=80)

    def most_often(*known: tuple[int, float | None]) -> Arm:
        records = [ArmRecord(arm, hits, 1_000, cost) for arm, (hits, cost) in zip(ARMS, known, strict=False)]
        return Counter(draw_arm(settings, records, id_).arm for id_ in ids(300)).most_common(1)[0][0]

    assert most_often((990, 0.02), (900, 0.001), (500, 0.0001)) == ARMS[1]
    assert most_often((990, 0.02), (900, None), (500, 0.0001)) == ARMS[0], "nobody knows that it is cheap"
    assert most_often((700, 0.02), (600, 0.001)) == ARMS[0], "none succeeds often enough: the best"
    assert most_often((990, None), (900, None)) == ARMS[0], "no cost is known: the best"


@pytest.mark.parametrize(
    ("found", "age", "reason"),
    [
        (goal(*(ArmRecord(arm, 1, 2) for arm in ARMS)), 10.0, None),
        (replace(goal(), snapshot=None), 10.0, PassedOver.NO_SNAPSHOT),
        (goal(*(ArmRecord(arm, 1, 2) for arm in ARMS)), OLD_AFTER + 1, PassedOver.OLD_SNAPSHOT),
        (goal(*(ArmRecord(arm, 1, 2) for arm in ARMS)), math.nan, PassedOver.OLD_SNAPSHOT),
        (goal(), 10.0, PassedOver.BROKEN_SNAPSHOT),
        (goal(*(ArmRecord(arm, 3, 2) for arm in ARMS)), 10.0, PassedOver.BROKEN_SNAPSHOT),
        (goal(*(ArmRecord(arm, 1, 10**400) for arm in ARMS)), 10.0, PassedOver.BROKEN_SNAPSHOT),
        (goal(*(ArmRecord(arm, 1, 2, math.nan) for arm in ARMS)), 10.0, PassedOver.BROKEN_SNAPSHOT),
        (goal(*(ArmRecord(arm, 1, 2) for arm in ARMS[:3])), 10.0, PassedOver.OTHER_ARMS),
        (goal(*(ArmRecord(Arm(arm.version, "gone"), 1, 2) for arm in ARMS)), 10.0, PassedOver.OTHER_ARMS),
    ],
)
def test_a_snapshot_that_says_too_little_is_passed_over(found: Goal, age: float, reason: PassedOver | None) -> None:
    assert reason_to_pass_over(found, ARMS, age) is reason


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "xx"},
        {"models": ()},
        {"models": ("same", "same")},
        {"models": ("",)},
        {"floor_percent": 0},
        {"least_success_percent": 101},
        {"window_days": 0},
    ],
)
def test_a_goal_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        replace(SETTINGS, **wrong)  # type: ignore[arg-type]
