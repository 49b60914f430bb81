"""Names with numbers in them, in a person's order."""

from __future__ import annotations

from tales.domain.natural_order import natural_order


def test_numbers_in_names_are_counted() -> None:
    named = ["", "2b", "10b", "a/model", "A/model-2", "a/model-2", "a/model-2-mini", "a/model-3.5", "a/model-10", "b-1"]
    mixed = named[::-1]
    assert sorted(mixed, key=natural_order) == named
