"""What a model cannot write is refused before it is tried, and what to do is said."""

from __future__ import annotations

import pytest

from tales.domain.abilities import EVERYTHING, SMALL_MODEL
from tales.domain.errors import InvalidInput
from tales.domain.story_spec import LANGUAGES, MAX_MINUTES


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_the_small_model_refuses_every_language_but_english(language: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        SMALL_MODEL.check(language, 3)

    assert caught.value.field == "language"
    assert LANGUAGES[language] in caught.value.message
    assert "TALES_LOCAL_MODEL" in caught.value.message
    assert "OPENROUTER_API_KEY" in caught.value.message


def test_the_small_model_refuses_a_story_longer_than_it_can_tell() -> None:
    with pytest.raises(InvalidInput, match="up to 10 minutes") as caught:
        SMALL_MODEL.check("en", 11)

    assert caught.value.field == "story_length"


@pytest.mark.parametrize("minutes", [None, 1, 10])
def test_the_small_model_takes_english(minutes: int | None) -> None:
    SMALL_MODEL.check("en", minutes)


def test_what_nobody_offers_is_for_the_spec_to_refuse() -> None:
    SMALL_MODEL.check("xx", None)
    SMALL_MODEL.check("en", MAX_MINUTES + 1)


def test_other_models_take_everything() -> None:
    for language in LANGUAGES:
        EVERYTHING.check(language, MAX_MINUTES)
