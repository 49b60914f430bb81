"""What can be looked for."""

from __future__ import annotations

import pytest

from tales.domain.errors import InvalidInput
from tales.domain.filters import StoryFilter


def test_words_are_looked_for_on_one_line() -> None:
    assert StoryFilter(words=" the \n kind\tdragon ").words == "the kind dragon"


@pytest.mark.parametrize("words", ["", " ", "!", "\u200d", "-- ..", "x" * 201, "a\x00b"])
def test_what_holds_no_word_or_too_many_is_refused_by_name(words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        StoryFilter(words=words)
    assert refused.value.field == "q"


@pytest.mark.parametrize("rating", [0, 11, True])
def test_a_rating_that_none_can_have_is_refused_by_name(rating: int) -> None:
    with pytest.raises(InvalidInput, match="Use a whole number from 1 to 10") as refused:
        StoryFilter(min_rating=rating)
    assert refused.value.field == "min_rating"
