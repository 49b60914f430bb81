"""What a parent asked for: the spec of one story (specification, "Table Schema")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tales.domain.checks import checked_text, checked_whole_number
from tales.domain.errors import InvalidInput
from tales.domain.family import Child, Hero
from tales.domain.morals import check_moral
from tales.domain.sequel import EarlierStory

MAX_MORAL = 200
MAX_RELATIONSHIP = 300
MAX_MINUTES = 30
DEFAULT_MINUTES = 5
DEFAULT_LANGUAGE = "en"

LANGUAGES: dict[str, str] = {
    "ar": "Arabic",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "sv": "Swedish",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "zh": "Chinese",
}


class StoryType(StrEnum):
    """Who the story is about."""

    CHILD = "child"
    HERO = "hero"
    COMBINED = "combined"


@dataclass(frozen=True, slots=True)
class StorySpec:
    """One wish for a story. `story_length` in minutes of reading aloud, None when the parent did not say.

    `child` needs a child, `hero` a hero, `combined` both and how they know each other. `earlier` is the story that it
    carries on, if any.
    Raises: InvalidInput naming the first field that is missing or wrong.
    """

    story_type: StoryType
    moral: str
    child: Child | None = None
    hero: Hero | None = None
    relationship_description: str | None = None
    story_length: int | None = None
    language: str = DEFAULT_LANGUAGE
    earlier: EarlierStory | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "moral", checked_text("moral", self.moral, MAX_MORAL))
        check_moral(self.moral)
        if self.relationship_description is not None:
            text = checked_text("relationship_description", self.relationship_description, MAX_RELATIONSHIP)
            object.__setattr__(self, "relationship_description", text)
        self._check_cast()
        if self.story_length is not None:
            checked_whole_number("story_length", self.story_length, 1, MAX_MINUTES, "minutes")
        if self.language not in LANGUAGES:
            raise InvalidInput("language", f"language is not one of {', '.join(sorted(LANGUAGES))}.")

    def _check_cast(self) -> None:
        """Each type of story has its cast, no more and no less."""
        wants_child = self.story_type is not StoryType.HERO
        wants_hero = self.story_type is not StoryType.CHILD
        _check_presence("child_id", self.child, wants_child, self.story_type)
        _check_presence("hero_id", self.hero, wants_hero, self.story_type)
        _check_presence(
            "relationship_description", self.relationship_description, wants_child and wants_hero, self.story_type
        )

    @property
    def hero_appearance(self) -> str | None:
        """What the hero looks like, as kept with the attempt."""
        return self.hero.appearance if self.hero else None

    @property
    def minutes(self) -> int:
        """The length to write for, in minutes."""
        return self.story_length or DEFAULT_MINUTES


def _check_presence(field: str, value: object | None, wanted: bool, story_type: StoryType) -> None:
    if wanted and value is None:
        raise InvalidInput(field, f"A story of type {story_type} needs {field}. Give it, or choose another story_type.")
    if not wanted and value is not None:
        raise InvalidInput(field, f"A story of type {story_type} has no {field}. Leave it out.")
