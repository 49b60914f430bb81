"""A generation's version follows from its id and the weights, and each gets its share."""

from __future__ import annotations

from collections import Counter
from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from tales.domain.experiments import choose_version, draw

WEIGHTS = st.dictionaries(st.text(min_size=1, max_size=9), st.integers(1, 1000), min_size=1, max_size=6)


@given(st.uuids(), WEIGHTS, st.randoms(use_true_random=False))
def test_the_draw_can_be_repeated_in_whatever_order_versions_come(
    id_: UUID, weights: dict[str, int], random: Random
) -> None:
    shuffled = list(weights.items())
    random.shuffle(shuffled)

    chosen = choose_version(weights, id_)

    assert chosen in weights
    assert choose_version(dict(shuffled), id_) == chosen
    place, total = draw(id_, sum(weights.values())), 0
    assert 0 <= place < sum(weights.values())
    for version in sorted(weights):
        if total <= place < total + weights[version]:
            assert version == chosen
        total += weights[version]


def test_each_version_gets_its_share_of_ids_that_are_made_one_after_the_other() -> None:
    weights = {"child-en-1": 100, "child-en-2": 300, "child-en-10": 600}
    # UUID version 7 of one millisecond: the hardest that there are.
    ids = [UUID(int=0x0199_0000_0000_7000_8000_0000_0000_0000 + number) for number in range(20_000)]

    counts = Counter(choose_version(weights, id_) for id_ in ids)

    off = sum((counts[name] - 20 * weight) ** 2 / (20 * weight) for name, weight in weights.items())
    assert off < 13.8, "chi-square with 2 degrees of freedom: 0.1 %"


def test_a_draw_is_the_same_in_years() -> None:
    assert [draw(UUID(int=number), 1000) for number in range(4)] == [427, 158, 600, 165]
