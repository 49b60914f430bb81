"""What clients send to version 3."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from tales.application.request_generation import GenerationRequest
from tales.application.sign_in import LONGEST_EMAIL, LONGEST_PASSWORD, SHORTEST_PASSWORD
from tales.domain import family, filters, generation, page, story, story_spec, titles
from tales.interfaces.api.cursor import decode_cursor
from tales.interfaces.api.fields import Body, Id, Instant, Shown, Text, WholeNumber


class SignUp(Body):
    """An address and a password of one's own choice."""

    model_config = ConfigDict(json_schema_extra={"example": {"email": "ada@example.com", "password": "correct horse"}})

    email: Annotated[Text, Shown(maxLength=LONGEST_EMAIL, format="email")]
    password: Annotated[Text, Shown(minLength=SHORTEST_PASSWORD, maxLength=LONGEST_PASSWORD, format="password")]


class RefreshToken(Body):
    """What keeps a user signed in."""

    model_config = ConfigDict(json_schema_extra={"example": {"refresh_token": "8Yx2..."}})

    refresh_token: Text


class NewPassword(Body):
    """A password instead of the present one."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"current_password": "correct horse", "new_password": "battery staple"}}
    )

    current_password: Annotated[Text, Shown(format="password")]
    new_password: Annotated[Text, Shown(minLength=SHORTEST_PASSWORD, maxLength=LONGEST_PASSWORD, format="password")]


class Erasure(Body):
    """That somebody means it: the password, or their own user id where they have no password here."""

    model_config = ConfigDict(json_schema_extra={"example": {"password": "correct horse"}})

    password: Annotated[Text, Shown(maxLength=LONGEST_PASSWORD, format="password")] | None = None
    user_id: Id | None = None


class NewChild(Body):
    """A child as a parent describes it. `age` in years."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Mia", "age": 6, "interests": ["dragons"], "gender": "girl"}}
    )

    name: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_NAME)]
    age: Annotated[WholeNumber, Shown(minimum=0, maximum=family.MAX_AGE)]
    interests: Annotated[
        tuple[Annotated[Text, Shown(minLength=1, maxLength=family.MAX_INTEREST)], ...],
        Shown(maxItems=family.MAX_INTERESTS),
    ] = ()
    gender: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_NAME)] | None = None

    def checked(self) -> family.NewChild:
        """The same in the domain's terms. Raises: InvalidInput."""
        return family.NewChild(self.name, self.age, self.interests, self.gender)


class NewHero(Body):
    """A hero as a parent describes it."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Captain Moon", "appearance": "a silver cape and a round helmet"}}
    )

    name: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_NAME)]
    appearance: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_APPEARANCE)] | None = None

    def checked(self) -> family.NewHero:
        """The same in the domain's terms. Raises: InvalidInput."""
        return family.NewHero(self.name, self.appearance)


class ChildChanges(Body):
    """What changes of a child (RFC 7396): what is left out stays, and null takes away what need not be there."""

    model_config = ConfigDict(json_schema_extra={"example": {"age": 7, "interests": ["dragons", "the sea"]}})

    name: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_NAME)] = Field(default_factory=str)
    age: Annotated[WholeNumber, Shown(minimum=0, maximum=family.MAX_AGE)] = Field(default_factory=int)
    interests: (
        Annotated[
            tuple[Annotated[Text, Shown(minLength=1, maxLength=family.MAX_INTEREST)], ...],
            Shown(maxItems=family.MAX_INTERESTS),
        ]
        | None
    ) = None
    gender: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_NAME)] | None = None

    def changes(self) -> family.ChildChanges:
        """The same in the domain's terms."""
        said: family.ChildChanges = {}
        if "name" in self.model_fields_set:
            said["name"] = self.name
        if "age" in self.model_fields_set:
            said["age"] = self.age
        if "interests" in self.model_fields_set:
            said["interests"] = self.interests or ()
        if "gender" in self.model_fields_set:
            said["gender"] = self.gender
        return said


class HeroChanges(Body):
    """What changes of a hero (RFC 7396): what is left out stays, and null takes away what need not be there."""

    model_config = ConfigDict(json_schema_extra={"example": {"appearance": "a golden cape and a round helmet"}})

    name: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_NAME)] = Field(default_factory=str)
    appearance: Annotated[Text, Shown(minLength=1, maxLength=family.MAX_APPEARANCE)] | None = None

    def changes(self) -> family.HeroChanges:
        """The same in the domain's terms."""
        said: family.HeroChanges = {}
        if "name" in self.model_fields_set:
            said["name"] = self.name
        if "appearance" in self.model_fields_set:
            said["appearance"] = self.appearance
        return said


class StoryChanges(Body):
    """What changes of a story: its title. What is left out stays (RFC 7396)."""

    model_config = ConfigDict(json_schema_extra={"example": {"title": "Mia and the Lantern"}})

    title: Annotated[Text, Shown(minLength=1, maxLength=titles.MAX_TITLE)] = Field(default_factory=str)

    def changes(self) -> story.Title | None:
        """The same in the domain's terms; None when nothing is to change. Raises: InvalidInput."""
        return story.Title(self.title) if "title" in self.model_fields_set else None


class NewGeneration(Body):
    """A wish for a story. `story_length` in minutes of reading aloud.

    `child` needs `child_id`, `hero` needs `hero_id`, `combined` needs both and `relationship_description`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "story_type": "child",
                "child_id": "01890a5d-ac96-774b-bcce-b302099a8057",
                "moral": "kindness",
                "story_length": 3,
                "language": "en",
            }
        }
    )

    story_type: story_spec.StoryType
    moral: Annotated[Text, Shown(minLength=1, maxLength=story_spec.MAX_MORAL)]
    child_id: Id | None = None
    hero_id: Id | None = None
    relationship_description: Annotated[Text, Shown(minLength=1, maxLength=story_spec.MAX_RELATIONSHIP)] | None = None
    story_length: Annotated[WholeNumber, Shown(minimum=1, maximum=story_spec.MAX_MINUTES)] | None = None
    language: Annotated[Text, Shown(enum=sorted(story_spec.LANGUAGES))] = story_spec.DEFAULT_LANGUAGE
    sequel_of: Annotated[
        Id | None,
        Field(
            description="A story of the family that this one carries on. Child, hero and relationship that are left "
            "out are those of that story."
        ),
    ] = None
    model: Annotated[Text | None, Field(description="One of the operator's models; the first when left out.")] = None

    def checked(self) -> GenerationRequest:
        """The same in the application's terms, which checks it when it has read the child and the hero."""
        return GenerationRequest(
            story_type=self.story_type,
            moral=self.moral,
            child_id=self.child_id,
            hero_id=self.hero_id,
            relationship_description=self.relationship_description,
            story_length=self.story_length,
            language=self.language,
            model=self.model,
            sequel_of=self.sequel_of,
        )


class NewRating(Body):
    """How much the family liked a story."""

    model_config = ConfigDict(json_schema_extra={"example": {"rating": 9}})

    rating: Annotated[WholeNumber, Shown(minimum=1, maximum=story.BEST_RATING)]

    def checked(self) -> story.Rating:
        """The same in the domain's terms. Raises: InvalidInput."""
        return story.Rating(self.rating)


class WhichPage(Body):
    """Which part of a list, newest first."""

    cursor: Annotated[str | None, Field(description="`next_cursor` of the page before; none for the first.")] = None
    limit: Annotated[int, Shown(minimum=1, maximum=page.MAX_PAGE), Field(description="Items a page.")] = 20

    def checked(self) -> page.PageRequest:
        """The same in the domain's terms. Raises: InvalidInput."""
        return page.PageRequest(self.limit, None if self.cursor is None else decode_cursor(self.cursor))


class WhichStories(WhichPage):
    """Which stories: those that fit all that is said."""

    q: Annotated[
        Text | None,
        Shown(maxLength=filters.MAX_WORDS),
        Field(description="Words of the title or the text, all of them; the last may be the beginning of one."),
    ] = None
    child_id: Annotated[Id | None, Field(description="Stories about this child.")] = None
    hero_id: Annotated[Id | None, Field(description="Stories about this hero.")] = None
    min_rating: Annotated[
        int | None, Shown(minimum=1, maximum=story.BEST_RATING), Field(description="Rated so, or better.")
    ] = None

    def filter(self) -> filters.StoryFilter:
        """The same in the domain's terms, but for the page. Raises: InvalidInput."""
        return filters.StoryFilter(
            words=self.q, child_id=self.child_id, hero_id=self.hero_id, min_rating=self.min_rating
        )


class WhichGenerations(WhichPage):
    """Which generations: those that fit all that is said."""

    status: Annotated[generation.Status | None, Field(description="That of the latest attempt.")] = None
    model: Annotated[Text | None, Field(description="The one that the latest attempt asked for.")] = None
    created_after: Annotated[Instant | None, Field(description="Asked for at this time, or later (RFC 3339).")] = None
    created_before: Annotated[Instant | None, Field(description="Asked for before this time (RFC 3339).")] = None

    def filter(self) -> filters.GenerationFilter:
        """The same in the domain's terms, but for the page."""
        return filters.GenerationFilter(
            status=self.status,
            model=self.model,
            created_after=self.created_after,
            created_before=self.created_before,
        )
