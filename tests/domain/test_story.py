from __future__ import annotations

from typing import Any

import pytest

from tales.domain.errors import InvalidInput
from tales.domain.generation import AttemptId
from tales.domain.story import BEST_RATING, NewStory, Rating, Story
from tests.domain.factories import GENERATION_ID, NOW, USER_ID


@pytest.mark.parametrize("value", range(1, BEST_RATING + 1))
def test_a_rating_goes_from_1_to_10(value: int) -> None:
    assert Rating(value).value == value


@pytest.mark.parametrize("value", [-1, 0, BEST_RATING + 1, 10**30, True, False, 5.0, 5.5, float("nan"), "5", None])
def test_what_is_no_whole_number_from_1_to_10_is_no_rating(value: Any) -> None:
    with pytest.raises(InvalidInput, match="Use a whole number from 1 to 10") as refused:
        Rating(value)
    assert refused.value.field == "rating"


def test_a_story_names_the_attempt_that_wrote_it_and_is_not_rated_at_first() -> None:
    attempt = AttemptId(GENERATION_ID, 3)
    new = NewStory(id=GENERATION_ID, user_id=USER_ID, title="Mia", content="Once", attempt=attempt)
    story = Story(
        id=new.id,
        version=1,
        user_id=new.user_id,
        title=new.title,
        content=new.content,
        attempt=new.attempt,
        created_at=NOW,
        updated_at=NOW,
    )
    assert (story.attempt, story.rating) == (attempt, None)
